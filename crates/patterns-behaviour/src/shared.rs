//! What the handles of a dispatcher share with its process: the table of lines.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use otp_core::WeakRef;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::error::{DuplicateName, UnknownName};
use crate::in_hand::Deliver;
use crate::keeper::{Ask, DispatcherMsg};
use crate::line::Line;
use crate::{AddError, DispatcherConfig, DispatcherInfo, DispatcherStats, Hooks, Route};

type Shares<D, M, T, E> = Arc<Line<D, M, T, E>>;

struct Table<D: ?Sized, M, T, E> {
    /// In the order in which they were added.
    lines: Vec<Shares<D, M, T, E>>,
    by_name: HashMap<Arc<str>, Shares<D, M, T, E>>,
    /// What lines have counted that are gone.
    past: DispatcherStats,
    /// Lines that are out of the table while a worker of a killed process still has a delivery of theirs in hand, and counts it.
    leaving: Vec<Shares<D, M, T, E>>,
    next: u64,
    /// The process, while it runs.
    keeper: Option<WeakRef<DispatcherMsg>>,
    /// No process will come any more.
    is_over: bool,
}

impl<D: ?Sized, M, T, E> Table<D, M, T, E> {
    /// Counts what leaving lines have counted, once they count no more. Returns them, to be dropped after the lock.
    fn let_go(&mut self) -> Vec<Shares<D, M, T, E>> {
        let (left, leaving) = mem::take(&mut self.leaving)
            .into_iter()
            .partition::<Vec<_>, _>(|line| line.is_drained());
        self.leaving = leaving;
        for line in &left {
            self.past.add(&line.stats());
        }
        left
    }
}

pub(crate) struct Shared<D: ?Sized, M, T, E> {
    pub(crate) config: DispatcherConfig,
    pub(crate) deliver: Arc<Deliver<D, M, T, E>>,
    hooks: Arc<Hooks<M, T, E>>,
    table: RwLock<Table<D, M, T, E>>,
    /// Whether a stop that is under way is to wait for nothing.
    hurry: watch::Sender<bool>,
}

impl<D: ?Sized, M, T, E> Shared<D, M, T, E> {
    pub(crate) fn new(
        config: DispatcherConfig,
        hooks: Hooks<M, T, E>,
        deliver: Arc<Deliver<D, M, T, E>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            config,
            deliver,
            hooks: Arc::new(hooks),
            table: RwLock::new(Table {
                lines: Vec::new(),
                by_name: HashMap::new(),
                past: DispatcherStats::default(),
                leaving: Vec::new(),
                next: 0,
                keeper: None,
                is_over: false,
            }),
            hurry: watch::Sender::new(false),
        })
    }

    pub(crate) fn add(&self, name: Arc<str>, route: Route<D>) -> Result<(), AddError<Route<D>>> {
        if let Some(bad) = route.config.as_ref().and_then(|config| config.fault()) {
            return Err(AddError::BadOption {
                bad,
                refused: route,
            });
        }
        let mut table = self.table.write();
        if table.is_over {
            drop(table);
            return Err(AddError::Closed(route));
        }
        if table.by_name.contains_key(&name) {
            drop(table);
            return Err(AddError::Duplicate(DuplicateName {
                name,
                refused: route,
            }));
        }
        let config = route
            .config
            .map_or_else(|| self.config.clone(), |config| *config);
        let hooks = Arc::clone(&self.hooks);
        let line = Line::new(table.next, Arc::clone(&name), route.source, config, hooks);
        let line = Arc::new(line);
        table.next += 1;
        table.lines.push(Arc::clone(&line));
        table.by_name.insert(name, line);
        drop(table);
        self.attend();
        Ok(())
    }

    /// Has the process look at the table, if there is one.
    fn attend(&self) {
        let keeper = self.table.read().keeper.clone();
        if let Some(keeper) = keeper.and_then(|keeper| keeper.upgrade()) {
            // One that has just ended is followed by one that looks by itself, or by none.
            let _ = keeper.cast(DispatcherMsg(Ask::Attend));
        }
    }

    pub(crate) fn line(&self, name: &str) -> Result<Shares<D, M, T, E>, UnknownName> {
        let line = self.table.read().by_name.get(name).cloned();
        line.ok_or_else(|| UnknownName {
            name: name.into(),
            known: self
                .lines()
                .iter()
                .map(|line| Arc::clone(&line.name))
                .collect(),
        })
    }

    pub(crate) fn lines(&self) -> Vec<Shares<D, M, T, E>> {
        self.table.read().lines.clone()
    }

    /// Begins to remove a line. With no process that could work it off, it is gone at once.
    pub(crate) fn remove(&self, line: &Arc<Line<D, M, T, E>>) {
        line.remove();
        if self.table.read().keeper.is_some() {
            self.attend();
        } else {
            line.shut();
            self.forget(line.number);
        }
    }

    /// Takes a line out of the table.
    pub(crate) fn forget(&self, number: u64) {
        let mut table = self.table.write();
        let at = table.lines.iter().position(|line| line.number == number);
        let line = at.map(|at| table.lines.remove(at));
        if let Some(line) = &line {
            table.by_name.remove(&line.name);
            table.leaving.push(Arc::clone(line));
        }
        let left = table.let_go();
        drop(table);
        // Implementations are dropped with them.
        drop(left);
        if let Some(line) = line {
            line.say_gone();
        }
    }

    /// A process begins.
    pub(crate) fn move_in(&self, keeper: WeakRef<DispatcherMsg>) {
        self.hurry.send_replace(false);
        self.table.write().keeper = Some(keeper);
        for line in self.lines() {
            line.reopen();
        }
    }

    /// The process is gone; another may follow.
    pub(crate) fn move_out(&self) {
        self.table.write().keeper = None;
        // A removal that came after the process had given up everything was still left to it. No other one need follow.
        for line in self.lines() {
            if line.is_removed() && line.is_shut() {
                self.forget(line.number);
            }
        }
    }

    /// Has nothing accepted any more.
    pub(crate) fn close(&self) {
        for line in self.lines() {
            line.close();
        }
    }

    /// Gives up what waits, and takes out what is being removed.
    pub(crate) fn shut(&self) {
        for line in self.lines() {
            line.shut();
            if line.is_removed() {
                self.forget(line.number);
            }
        }
    }

    fn end(&self) {
        self.table.write().is_over = true;
        self.shut();
    }

    pub(crate) fn hurry(&self) -> watch::Receiver<bool> {
        self.hurry.subscribe()
    }

    pub(crate) fn hurry_up(&self) {
        self.hurry.send_replace(true);
    }

    pub(crate) fn stats(&self) -> DispatcherStats {
        let mut table = self.table.write();
        let left = table.let_go();
        let mut stats = table.past;
        let lines: Vec<_> = table.lines.iter().chain(&table.leaving).cloned().collect();
        drop(table);
        drop(left);
        for line in lines {
            stats.add(&line.stats());
        }
        stats
    }

    pub(crate) fn info(&self) -> DispatcherInfo {
        DispatcherInfo {
            name: self.config.name.clone(),
            is_running: self.table.read().keeper.is_some(),
            routes: self.lines().iter().map(|line| line.info()).collect(),
        }
    }
}

/// That a process of the dispatcher runs or will run. With the last one the dispatcher is over: whatever waits is reported.
pub(crate) struct Lease<D: ?Sized, M, T, E>(pub(crate) Arc<Shared<D, M, T, E>>);

impl<D: ?Sized, M, T, E> Drop for Lease<D, M, T, E> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<D: ?Sized, M, T, E> fmt::Debug for Lease<D, M, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}
