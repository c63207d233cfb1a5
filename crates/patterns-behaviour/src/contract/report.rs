//! What came of a contract.

use std::fmt;

/// What came of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was kept.
    Passed,
    /// It was broken, in this way.
    Failed(String),
    /// It was not tried, for this reason.
    Skipped(String),
}

/// One rule, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleReport {
    /// The name of the rule.
    pub rule: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a contract. It prints as a table.
///
/// # Examples
///
/// ```
/// # use std::convert::Infallible;
/// # use patterns_behaviour::contract::{Contract, Subject};
/// # struct Nowhere;
/// # impl Subject for Nowhere {
/// #     type Error = Infallible;
/// #     fn name(&self) -> String { "nowhere".to_owned() }
/// #     async fn send(&self, _: &str) -> Result<(), Infallible> { Ok(()) }
/// #     async fn received(&self) -> Vec<String> { Vec::new() }
/// # }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let report = Contract::new(|| Nowhere).run().await; // it delivers nothing
/// assert!(!report.has_passed());
/// assert!(report.failed().any(|rule| rule == "delivers each text once"));
/// assert!(report.to_string().starts_with("contract of nowhere: 2 passed, 6 failed, 4 skipped\n"));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a report that nobody looks at shows nothing: `assert_passed`"]
pub struct Report {
    /// The name of the implementation.
    pub name: String,
    /// The rules, in the order in which they were run.
    pub rules: Vec<RuleReport>,
}

impl Report {
    /// Tells whether no rule was broken. Skipped ones do not count.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Returns the names of the rules that were broken.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        self.rules
            .iter()
            .filter(|rule| matches!(rule.verdict, Verdict::Failed(_)))
            .map(|rule| rule.rule.as_str())
    }

    /// Returns the names of the rules that were skipped.
    pub fn skipped(&self) -> impl Iterator<Item = &str> {
        self.rules
            .iter()
            .filter(|rule| matches!(rule.verdict, Verdict::Skipped(_)))
            .map(|rule| rule.rule.as_str())
    }

    /// Asserts that no rule was broken, for a test.
    ///
    /// # Panics
    ///
    /// With the table, if one was.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.has_passed(), "{self}");
    }

    /// Asserts that all rules were tried and kept, for a test of an implementation that can do everything.
    ///
    /// # Panics
    ///
    /// With the table, if one was broken or skipped.
    #[track_caller]
    pub fn assert_complete(&self) {
        assert!(
            self.has_passed() && self.skipped().next().is_none(),
            "{self}"
        );
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, skipped) = (self.failed().count(), self.skipped().count());
        let passed = self.rules.len() - failed - skipped;
        write!(
            f,
            "contract of {}: {passed} passed, {failed} failed, {skipped} skipped",
            self.name
        )?;
        for RuleReport { rule, verdict } in &self.rules {
            match verdict {
                Verdict::Passed => write!(f, "\n  passed   {rule}"),
                Verdict::Failed(how) => write!(f, "\n  FAILED   {rule}: {how}"),
                Verdict::Skipped(why) => write!(f, "\n  skipped  {rule}: {why}"),
            }?;
        }
        Ok(())
    }
}
