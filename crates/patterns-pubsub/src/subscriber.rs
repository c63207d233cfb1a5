//! A subscriber as publishers see it, and the queue group that it may belong to.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::Message;
use crate::info::{SubscriberInfo, SubscriberKind};
use crate::mailbox::{Mailbox, Offer};
use crate::seat::Seat;
use crate::stats::Tally;
use crate::subscription::Ended;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::target::Target;

pub(crate) struct Subscriber<M> {
    kind: Kind<M>,
    id: u64,
    pattern: Arc<str>,
    /// Where it stands in the list of its pattern; changed only under the lock of that list.
    place: AtomicUsize,
    group: Option<Arc<Group>>,
    since: Instant,
    /// Whether somebody has taken it out of the list of its pattern, or is just doing so.
    unlisted: AtomicBool,
    /// Whether nobody can receive from it any more; looked at and set under the lock of those that are gone.
    dropped: AtomicBool,
}

pub(crate) enum Kind<M> {
    /// In a queue that it shares with others of the same pattern.
    Ring(Seat<M>),
    /// With a queue of its own.
    Queue(Mailbox<M>),
    Server(Target<M>),
}

impl<M> Subscriber<M> {
    pub(crate) fn new(
        id: u64,
        pattern: Arc<str>,
        group: Option<Arc<Group>>,
        kind: Kind<M>,
    ) -> Self {
        Self {
            kind,
            id,
            pattern,
            place: AtomicUsize::new(usize::MAX),
            group,
            since: Instant::now(),
            unlisted: AtomicBool::new(false),
            dropped: AtomicBool::new(false),
        }
    }

    /// Takes it out of the list of its pattern; `false` if it was out.
    pub(crate) fn unlist(&self) -> bool {
        !self.unlisted.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_unlisted(&self) -> bool {
        self.unlisted.load(Ordering::Relaxed)
    }

    /// How many messages it has received, if it shares a queue.
    pub(crate) fn received(&self) -> u64 {
        match &self.kind {
            Kind::Ring(seat) => seat.received(),
            Kind::Queue(_) | Kind::Server(_) => 0,
        }
    }

    /// Why it has ended, if it has and has a queue.
    pub(crate) fn ended(&self) -> Option<Ended> {
        match &self.kind {
            Kind::Ring(seat) => seat.ended(),
            Kind::Queue(mailbox) => mailbox.ended(),
            Kind::Server(_) => None,
        }
    }

    /// Ends it for good: what waits is thrown away and counted. Returns its counts.
    pub(crate) fn discard(&self) -> Tally {
        match &self.kind {
            Kind::Ring(seat) => seat.discard(),
            Kind::Queue(mailbox) => mailbox.discard(),
            Kind::Server(target) => target.tally(),
        }
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn set_dropped(&self) {
        self.dropped.store(true, Ordering::Relaxed);
    }

    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) const fn pattern(&self) -> &Arc<str> {
        &self.pattern
    }

    pub(crate) const fn group(&self) -> Option<&Arc<Group>> {
        self.group.as_ref()
    }

    pub(crate) const fn kind(&self) -> &Kind<M> {
        &self.kind
    }

    pub(crate) const fn mailbox(&self) -> Option<&Mailbox<M>> {
        match &self.kind {
            Kind::Queue(mailbox) => Some(mailbox),
            Kind::Ring(_) | Kind::Server(_) => None,
        }
    }

    /// The number of the server, if it is one.
    pub(crate) fn server(&self) -> Option<u64> {
        match &self.kind {
            Kind::Ring(_) | Kind::Queue(_) => None,
            Kind::Server(target) => Some(target.server.number()),
        }
    }

    pub(crate) fn place(&self) -> usize {
        self.place.load(Ordering::Relaxed)
    }

    pub(crate) fn set_place(&self, place: usize) {
        self.place.store(place, Ordering::Relaxed);
    }

    /// Offers a message. One that shares a queue gets its messages by that.
    #[inline]
    pub(crate) fn push(&self, message: Message<M>) -> Offer {
        match &self.kind {
            Kind::Ring(_) => Offer::Refused,
            Kind::Queue(mailbox) => mailbox.push(message),
            Kind::Server(target) => target.push(message),
        }
    }

    /// Offers a message that goes to somebody else if there is no room here: then nothing is missing.
    pub(crate) fn push_if_room(&self, message: &Message<M>) -> Offer {
        match &self.kind {
            Kind::Ring(_) => Offer::Refused,
            Kind::Queue(mailbox) => match mailbox.room() {
                Offer::Accepted => mailbox.push(message.clone()),
                offer => offer,
            },
            Kind::Server(target) => target.push_if_room(message.clone()),
        }
    }

    /// Ends it: when this has returned it accepts nothing more. `false` if it had ended before.
    pub(crate) fn end(&self, end: Ended) -> bool {
        match &self.kind {
            Kind::Ring(seat) => seat.end(end),
            Kind::Queue(mailbox) => mailbox.end(end),
            Kind::Server(target) => target.end(),
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        match &self.kind {
            Kind::Ring(seat) => seat.tally(),
            Kind::Queue(mailbox) => mailbox.tally(),
            Kind::Server(target) => target.tally(),
        }
    }

    pub(crate) fn info(&self) -> SubscriberInfo {
        let tally = self.tally();
        let kind = match &self.kind {
            Kind::Ring(_) | Kind::Queue(_) => SubscriberKind::Queue {
                waiting: usize::try_from(tally.queued).unwrap_or(usize::MAX),
            },
            Kind::Server(target) => SubscriberKind::Server {
                pid: target.server.pid(),
                name: target.server.name(),
            },
        };
        SubscriberInfo {
            id: self.id,
            pattern: Arc::clone(&self.pattern),
            since: self.since,
            group: self.group.as_ref().map(|group| Arc::clone(&group.name)),
            kind,
            delivered: tally.delivered(),
            lost: tally.lost(),
        }
    }
}

/// A queue group: one of its members gets each message.
#[derive(Debug)]
pub(crate) struct Group {
    name: Arc<str>,
    /// Whose turn it is.
    turn: AtomicUsize,
}

impl Group {
    /// Whose turn it is among so many.
    pub(crate) fn next(&self, members: usize) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed) % members
    }
}

/// The groups that have members, each with how many.
#[derive(Debug, Default)]
pub(crate) struct Groups(Mutex<GroupsByName>);

type GroupsByName = HashMap<Arc<str>, (Arc<Group>, usize)>;

impl Groups {
    /// Has one more member in a group.
    pub(crate) fn join(&self, name: &str) -> Arc<Group> {
        let mut groups = self.0.lock();
        if let Some((group, members)) = groups.get_mut(name) {
            *members += 1;
            return Arc::clone(group);
        }
        let name: Arc<str> = name.into();
        let group = Arc::new(Group {
            name: Arc::clone(&name),
            turn: AtomicUsize::new(0),
        });
        groups.insert(name, (Arc::clone(&group), 1));
        group
    }

    /// Has one fewer.
    pub(crate) fn leave(&self, group: &Group) {
        let mut groups = self.0.lock();
        if let Some((_, members)) = groups.get_mut(&group.name) {
            *members -= 1;
            if *members == 0 {
                groups.remove(&group.name);
            }
        }
    }
}
