//! Who gets what is published to one topic, as of one moment; and how they are served.

use otp_core::contained::drop_contained;

use crate::Message;
use crate::list::List;
use crate::mailbox::Offer;
use crate::ring::Ring;
use crate::subscriber::{Group, Kind, Subscriber};
use crate::sync::Arc;

/// Never changed once it is made: a change makes another one.
pub(crate) struct Route<M> {
    topic: Arc<str>,
    /// Which wildcard subscriptions are in it: all up to this version of theirs.
    wild: u64,
    rings: Vec<Arc<Ring<M>>>,
    single: Vec<Arc<Subscriber<M>>>,
    groups: Vec<Members<M>>,
}

/// A queue group and those of its members that a topic reaches.
type Members<M> = (Arc<Group>, Vec<Arc<Subscriber<M>>>);

/// Who does not get it, because it comes from there.
pub(crate) enum Except<'a, M> {
    Nobody,
    Subscriber(&'a Subscriber<M>),
    Server(u64),
}

impl<M> Except<'_, M> {
    #[inline]
    fn is(&self, other: &Subscriber<M>) -> bool {
        match self {
            Self::Nobody => false,
            Self::Subscriber(subscriber) => subscriber.id() == other.id(),
            Self::Server(number) => other.server() == Some(*number),
        }
    }

    /// Its place in a ring, if it is in there.
    #[inline]
    fn place_in(&self, ring: &Arc<Ring<M>>) -> Option<usize> {
        match self {
            Self::Subscriber(subscriber) => match subscriber.kind() {
                Kind::Ring(seat) if seat.ring().is_some_and(|own| Arc::ptr_eq(own, ring)) => {
                    seat.place()
                }
                _ => None,
            },
            Self::Nobody | Self::Server(_) => None,
        }
    }
}

impl<M> Route<M> {
    pub(crate) const fn new(topic: Arc<str>) -> Self {
        Self {
            topic,
            wild: 0,
            rings: Vec::new(),
            single: Vec::new(),
            groups: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, list: &List<M>) {
        self.rings.extend(list.ring().cloned());
        self.single.reserve_exact(list.own().len());
        for subscriber in list.own() {
            let subscriber = Arc::clone(subscriber);
            match subscriber.group() {
                None => self.single.push(subscriber),
                Some(group) => {
                    let of_it = |(other, _): &Members<M>| Arc::ptr_eq(other, group);
                    match self.groups.iter().position(of_it) {
                        Some(place) => self.groups[place].1.push(subscriber),
                        None => {
                            let group = Arc::clone(group);
                            self.groups.push((group, vec![subscriber]));
                        }
                    }
                }
            }
        }
    }

    pub(crate) const fn wild(&self) -> u64 {
        self.wild
    }

    pub(crate) fn set_wild(&mut self, version: u64) {
        self.wild = version;
    }

    pub(crate) const fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rings.is_empty() && self.single.is_empty() && self.groups.is_empty()
    }

    /// Offers a message to all of them but those that are skipped; returns how many accepted it. Those that are none any more
    /// are left in `gone`.
    #[inline]
    pub(crate) fn deliver(
        &self,
        message: Message<M>,
        except: &Except<'_, M>,
        gone: &mut Vec<Arc<Subscriber<M>>>,
    ) -> usize {
        if let ([ring], true) = (
            &*self.rings,
            self.single.is_empty() && self.groups.is_empty(),
        ) {
            return ring.push(message, except.place_in(ring));
        }
        let mut accepted = 0;
        for ring in &self.rings {
            accepted += ring.push(message.clone(), except.place_in(ring));
        }
        for subscriber in &self.single {
            if except.is(subscriber) {
                continue;
            }
            match subscriber.push(message.clone()) {
                Offer::Accepted => accepted += 1,
                Offer::Refused => {}
                Offer::Overflown | Offer::Gone => note_gone(subscriber, gone),
            }
        }
        for (group, members) in &self.groups {
            if deliver_to_one(group, members, &message, except, gone) {
                accepted += 1;
            }
        }
        // The last one has it, or nobody had it and it is dropped here.
        drop_contained(message);
        accepted
    }
}

/// Offers a message to the members of a group until one accepts it.
fn deliver_to_one<M>(
    group: &Group,
    members: &[Arc<Subscriber<M>>],
    message: &Message<M>,
    except: &Except<'_, M>,
    gone: &mut Vec<Arc<Subscriber<M>>>,
) -> bool {
    let first = group.next(members.len());
    let in_turn = || members[first..].iter().chain(&members[..first]);
    let candidates = || in_turn().filter(|member| !except.is(member));
    for member in candidates() {
        match member.push_if_room(message) {
            Offer::Accepted => return true,
            Offer::Refused => {}
            Offer::Overflown | Offer::Gone => note_gone(member, gone),
        }
    }
    // All are full. The first of them has to see what becomes of it.
    for member in candidates() {
        match member.push(message.clone()) {
            Offer::Accepted => return true,
            Offer::Refused => return false,
            Offer::Overflown => {
                note_gone(member, gone);
                return false;
            }
            Offer::Gone => {}
        }
    }
    false
}

#[cold]
fn note_gone<M>(subscriber: &Arc<Subscriber<M>>, gone: &mut Vec<Arc<Subscriber<M>>>) {
    gone.push(Arc::clone(subscriber));
}
