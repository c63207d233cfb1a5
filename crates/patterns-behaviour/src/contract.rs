//! One suite of tests for every implementation of a trait: a contract that each of them has to keep.
//!
//! A trait says what implementations look like, not how they behave. The kit has twelve rules for anything that takes texts and delivers
//! them somewhere; what it tests is a small harness, a [`Subject`], that says how to send with the implementation and how to look at what has
//! arrived. Rules of your own are run along with them.
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Mutex;
//! use patterns_behaviour::contract::{Contract, Subject};
//!
//! /// What is to be tested: in a program, an implementation of your trait, and where it delivers to.
//! #[derive(Default)]
//! struct Memory(Mutex<Vec<String>>);
//!
//! impl Subject for Memory {
//!     type Error = Infallible;
//!
//!     fn name(&self) -> String {
//!         "memory".to_owned()
//!     }
//!
//!     async fn send(&self, text: &str) -> Result<(), Infallible> {
//!         self.0.lock().unwrap().push(text.to_owned());
//!         Ok(())
//!     }
//!
//!     async fn received(&self) -> Vec<String> {
//!         self.0.lock().unwrap().clone()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let contract = Contract::new(Memory::default).rule("is short", |memory| async move {
//!     memory.send("x").await.map_err(|error| error.to_string())?;
//!     match memory.received().await.len() {
//!         1 => Ok(()),
//!         n => Err(format!("{n} texts").into()),
//!     }
//! });
//! let report = contract.run().await;
//! println!("{report}");
//! report.assert_passed();
//! # }
//! ```

mod driving;
mod kit;
mod report;
mod rules;
mod subject;

pub use kit::Contract;
pub use report::{Report, RuleReport, Verdict};
pub use rules::{
    CONCURRENT, DROPPED, EMPTY, ERROR, KEEPS, MEBIBYTE, NAME, ONCE, ORDER, RECOVERS, REFUSES,
    VERBATIM,
};
pub use subject::{Subject, Unmet};
