//! Processes, links and monitors, for those who know tokio and never saw Erlang.
//!
#![doc = include_str!("guide.md")]
//!
//! [`CallError::Deadlock`]: crate::CallError::Deadlock
//! [`Context::link`]: crate::Context::link
//! [`Context::monitor`]: crate::Context::monitor
//! [`Context::spawn_link`]: crate::Context::spawn_link
//! [`Context::spawn_monitor`]: crate::Context::spawn_monitor
//! [`Context::spawn_task`]: crate::Context::spawn_task
//! [`Context::start_link`]: crate::Context::start_link
//! [`Context::trap_exit`]: crate::Context::trap_exit
//! [`Context::watch`]: crate::Context::watch
//! [`ExitReason::is_clean`]: crate::ExitReason::is_clean
//! [`ExitReason`]: crate::ExitReason
//! [`GenServer`]: crate::GenServer
//! [`Pid::current`]: crate::Pid::current
//! [`Pid::exit`]: crate::Pid::exit
//! [`Pid::kill`]: crate::Pid::kill
//! [`Pid::monitor`]: crate::Pid::monitor
//! [`Pid`]: crate::Pid
//! [`ServerChange::Up`]: crate::ServerChange::Up
//! [`ServerRef::pid`]: crate::ServerRef::pid
//! [`ServerRef::stop`]: crate::ServerRef::stop
//! [`ServerRef`]: crate::ServerRef
//! [`WeakRef`]: crate::WeakRef
//! [`spawn`]: crate::spawn()
//! [`spawn_monitor`]: crate::spawn_monitor
