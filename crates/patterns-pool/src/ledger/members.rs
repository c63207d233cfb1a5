//! The members that there are, each at its place.

use std::panic::Location;
use std::time::Instant;

use otp_core::Pid;

/// Names a member. An index is used again, an id never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    index: usize,
    pub(crate) id: u64,
}

/// Where a member is. Its value is in the ledger unless it is `Out` or `Away`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Nobody has it.
    Idle,
    /// Given to a waiter who has not fetched it yet: the waiter's seat.
    Given { seat: usize },
    /// Somebody has it.
    Out {
        since: Instant,
        caller: &'static Location<'static>,
        /// Whether it was reported as kept too long.
        reported: bool,
    },
    /// The pool itself has it: it is being checked, or looked at.
    Away,
}

#[derive(Debug)]
pub(crate) struct Member<T> {
    pub(crate) id: u64,
    pub(crate) value: Option<T>,
    pub(crate) place: Place,
    /// Its process, if it is one.
    pub(crate) pid: Option<Pid>,
    pub(crate) born: Instant,
    /// When it has lived long enough.
    pub(crate) retire_at: Option<Instant>,
    /// It has lived long enough, and goes when it comes back.
    pub(crate) retired: bool,
    /// Since when it is idle, if it is. Exact only where something is measured by it.
    pub(crate) idle_since: Instant,
    /// When it last came back or was found healthy. Exact only where something is measured by it.
    pub(crate) seen_well: Instant,
    /// How often it has come back.
    pub(crate) jobs: u64,
    /// It was just made and nobody has had it.
    pub(crate) fresh: bool,
}

impl<T> Member<T> {
    pub(crate) fn is_dead(&self) -> bool {
        self.pid.as_ref().is_some_and(|pid| !pid.is_alive())
    }

    pub(crate) fn is_out(&self) -> bool {
        matches!(self.place, Place::Out { .. })
    }
}

/// The members, found by index. Nothing is set aside for members that do not exist.
#[derive(Debug)]
pub(crate) struct Members<T> {
    rows: Vec<Option<Member<T>>>,
    free: Vec<usize>,
}

impl<T> Members<T> {
    pub(crate) const fn new() -> Self {
        Self {
            rows: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    pub(crate) fn add(&mut self, member: Member<T>) -> Key {
        let id = member.id;
        let index = match self.free.pop() {
            Some(index) => {
                self.rows[index] = Some(member);
                index
            }
            None => {
                self.rows.push(Some(member));
                self.rows.len() - 1
            }
        };
        Key { index, id }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Member<T>> {
        let member = self.rows.get(key.index)?.as_ref();
        member.filter(|member| member.id == key.id)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Member<T>> {
        let member = self.rows.get_mut(key.index)?.as_mut();
        member.filter(|member| member.id == key.id)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<Member<T>> {
        self.get(key)?;
        let member = self.rows[key.index].take();
        self.free.push(key.index);
        if self.free.len() == self.rows.len() {
            self.rows.clear();
            self.free.clear();
        }
        member
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Member<T>)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(index, row)| row.as_ref().map(|member| (key(index, member), member)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Member<T>)> {
        let rows = self.rows.iter_mut().enumerate();
        rows.filter_map(|(index, row)| row.as_mut().map(|member| (key(index, member), member)))
    }
}

fn key<T>(index: usize, member: &Member<T>) -> Key {
    Key {
        index,
        id: member.id,
    }
}
