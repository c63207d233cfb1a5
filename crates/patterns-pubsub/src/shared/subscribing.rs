//! Becoming a subscriber.

use std::collections::VecDeque;

use otp_core::contained::drop_contained;
use otp_core::{ServerRef, WeakRef};

use super::Shared;
use crate::mailbox::Mailbox;
use crate::options::{SubscribeOptions, SubscribeServerOptions};
use crate::pattern::{PATTERN_ALLOWED, is_pattern};
use crate::routes::Before;
use crate::seat::Seat;
use crate::server::Msg;
use crate::servers::{Entered, Key};
use crate::subscriber::{Kind, Subscriber};
use crate::sync::{Arc, Ordering};
use crate::target::Target;
use crate::{Event, Message, Overflow, SubscribeError};

/// Whether a subscription may share a queue with others of its pattern, if its policy is one that can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    Allowed,
    Refused,
}

/// A subscriber that was entered.
pub(crate) struct Begun<M> {
    pub(crate) subscriber: Arc<Subscriber<M>>,
    /// How many retained messages it had no room for.
    pub(crate) lost: u64,
    /// Those that it has in its hand.
    pub(crate) hand: VecDeque<Message<M>>,
}

impl<M> Shared<M> {
    fn make(&self, pattern: Arc<str>, group: Option<&str>, kind: Kind<M>) -> Subscriber<M> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let group = group.map(|name| self.groups.join(name));
        Subscriber::new(id, pattern, group, kind)
    }

    /// Makes a subscriber with a queue and enters it. Returns it with what it finds at once: how many retained messages it had to leave,
    /// and those that it has.
    pub(crate) fn subscribe(
        &self,
        pattern: &str,
        options: SubscribeOptions<M>,
        sharing: Sharing,
    ) -> Result<Begun<M>, SubscribeError> {
        check_pattern(pattern)?;
        options.check()?;
        let kind = match (&options.overflow, &options.group, sharing) {
            (Overflow::DropOldest, None, Sharing::Allowed) => {
                Kind::Ring(Seat::new(options.capacity))
            }
            (Overflow::Unbounded, None, Sharing::Allowed) => Kind::Ring(Seat::new(usize::MAX)),
            _ => Kind::Queue(Mailbox::new(options.capacity, options.overflow)),
        };
        let subscriber = Arc::new(self.make(pattern.into(), options.group.as_deref(), kind));
        let mut found = Vec::new();
        let guard = options.retained.then(|| self.retained.lock());
        if let Some(guard) = &guard {
            found = guard.matching(pattern);
            if let Some(mailbox) = subscriber.mailbox().filter(|_| !found.is_empty()) {
                mailbox.hold();
            }
        }
        let entered = self.enter(&subscriber);
        drop(guard);
        drop(entered?);
        let mut hand = VecDeque::new();
        let mut left = Vec::new();
        match subscriber.kind() {
            _ if found.is_empty() => {}
            Kind::Ring(seat) => {
                hand = found.into();
                left = seat.give(&mut hand);
            }
            Kind::Queue(mailbox) => mailbox.begin(found),
            Kind::Server(_) => {}
        }
        let lost = left.len() as u64;
        left.into_iter().for_each(drop_contained);
        Ok(Begun {
            subscriber,
            lost,
            hand,
        })
    }

    /// Makes a server a subscriber, unless it is one with this pattern. Returns whether it is new.
    pub(crate) fn subscribe_server<N: Send + 'static>(
        &self,
        pattern: &str,
        server: &ServerRef<N>,
        options: &SubscribeServerOptions,
        tells: bool,
        map: impl Fn(Event<M>) -> Option<N> + Send + Sync + 'static,
    ) -> Result<bool, SubscribeError>
    where
        M: Send + Sync + 'static,
    {
        check_pattern(pattern)?;
        options.check()?;
        let key = Key::of(server).ok_or(SubscribeError::ServerEnded)?;
        let address: WeakRef<N> = server.downgrade();
        let entered = self.servers.enter(server, key, pattern, |server| {
            let target = Target::new(server, address, tells, map);
            self.make(
                pattern.into(),
                options.group.as_deref(),
                Kind::Server(target),
            )
        });
        let (subscriber, watched) = match entered {
            Entered::Before if self.routes.is_closed() => return Err(SubscribeError::Closed),
            Entered::Before => return Ok(false),
            Entered::New(subscriber, watched) => (subscriber, watched),
        };
        let guard = options.retained.then(|| self.retained.lock());
        let found = guard
            .as_ref()
            .map(|guard| guard.matching(pattern))
            .unwrap_or_default();
        let entered = self.enter(&subscriber);
        drop(guard);
        match entered {
            Ok(before) => drop(before),
            Err(error) => {
                self.forget(&subscriber);
                return Err(error);
            }
        }
        if let Kind::Server(target) = subscriber.kind() {
            target.begin(found);
        }
        if let Some(server) = watched {
            self.tell(Msg::Watch(server));
        }
        Ok(true)
    }

    fn enter(&self, subscriber: &Arc<Subscriber<M>>) -> Result<Before<M>, SubscribeError> {
        if let Some(before) = self.routes.enter(subscriber) {
            return Ok(before);
        }
        // Unless somebody has taken it out already, who has done that too.
        if subscriber.unlist()
            && let Some(group) = subscriber.group()
        {
            self.groups.leave(group);
        }
        Err(SubscribeError::Closed)
    }
}

fn check_pattern(pattern: &str) -> Result<(), SubscribeError> {
    if is_pattern(pattern) {
        Ok(())
    } else {
        Err(SubscribeError::BadPattern {
            pattern: pattern.to_owned(),
            allowed: PATTERN_ALLOWED,
        })
    }
}
