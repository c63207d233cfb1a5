//! What all handles of a pub/sub, its subscribers and its process share.

mod subscribing;

use std::collections::HashMap;
use std::sync::OnceLock;

use otp_core::WeakRef;
use otp_core::contained::drop_contained;

use crate::pattern::TOPIC_ALLOWED;
use crate::retained::Retained;
use crate::route::{Except, Route};
use crate::routes::{NoRoute, Routes};
use crate::server::{Msg, PubSubMsg};
use crate::servers::Servers;
use crate::stats::{PubSubStats, Tally};
use crate::subscriber::{Groups, Kind, Subscriber};
use crate::subscription::Ended;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};
use crate::{Message, PubSubConfig, PublishError};
pub(crate) use subscribing::{Begun, Sharing};

pub(crate) struct Shared<M> {
    pub(crate) routes: Routes<M>,
    pub(crate) servers: Servers<M>,
    pub(crate) retained: Retained<M>,
    groups: Groups,
    /// Numbers of subscribers, the last one given.
    last_id: AtomicU64,
    gone: Mutex<Gone<M>>,
    /// The process, if there is one.
    process: OnceLock<WeakRef<PubSubMsg>>,
}

/// Those who are no subscribers any more.
struct Gone<M> {
    /// The counts of those of whom nothing is left.
    tally: Tally,
    /// Those with a queue from which somebody may still receive.
    ended: HashMap<u64, Arc<Subscriber<M>>>,
}

impl<M> Shared<M> {
    pub(crate) fn new(config: &PubSubConfig) -> Self {
        Self {
            routes: Routes::new(config.shards),
            servers: Servers::new(),
            retained: Retained::new(config.max_retained),
            groups: Groups::default(),
            last_id: AtomicU64::new(0),
            gone: Mutex::new(Gone {
                tally: Tally::default(),
                ended: HashMap::new(),
            }),
            process: OnceLock::new(),
        }
    }

    /// Names the process, once.
    pub(crate) fn set_process(&self, process: WeakRef<PubSubMsg>) {
        let _ = self.process.set(process);
    }

    /// Tells the process something, if it runs.
    fn tell(&self, message: Msg) {
        if let Some(process) = self.process.get().and_then(WeakRef::upgrade) {
            // One that has ended watches nobody.
            let _ = process.cast(PubSubMsg(message));
        }
    }

    /// Ends a subscriber and takes it out, whatever is left of it. `false` if it had ended already.
    pub(crate) fn leave(&self, subscriber: &Arc<Subscriber<M>>) -> bool {
        // First: when this returns it accepts nothing, whatever routes it is in still, and whoever else is taking it out.
        let is_first = subscriber.end(Ended::Removed);
        if !self.take_out(subscriber) {
            return is_first;
        }
        let mut gone = self.gone.lock();
        match subscriber.kind() {
            Kind::Server(target) => gone.tally.add(&target.tally()),
            Kind::Ring(_) | Kind::Queue(_) if subscriber.is_dropped() => {}
            Kind::Ring(_) | Kind::Queue(_) => {
                gone.ended.insert(subscriber.id(), Arc::clone(subscriber));
            }
        }
        is_first
    }

    /// Takes a subscriber out whose queue nobody will look at again: what waits is thrown away, and counted.
    pub(crate) fn leave_for_good(&self, subscriber: &Arc<Subscriber<M>>) {
        subscriber.end(Ended::Removed);
        self.take_out(subscriber);
        let tally = subscriber.discard();
        let mut gone = self.gone.lock();
        subscriber.set_dropped();
        gone.tally.add(&tally);
        let ended = gone.ended.remove(&subscriber.id());
        drop(gone);
        drop(ended);
    }

    /// Takes one that has ended out of the routes, its group and its server's list; `false` if somebody else has, or is about to.
    fn take_out(&self, subscriber: &Subscriber<M>) -> bool {
        if !self.routes.leave(subscriber) {
            return false;
        }
        if let Some(group) = subscriber.group() {
            self.groups.leave(group);
        }
        self.forget(subscriber);
        true
    }

    /// Takes a subscription out of those of its server, and the server if it was the last one.
    fn forget(&self, subscriber: &Subscriber<M>) {
        if let Some(number) = subscriber.server()
            && self.servers.take(number, subscriber.pattern())
        {
            self.tell(Msg::Unwatch(number));
        }
    }

    /// Takes out all subscriptions of a server; returns how many there were.
    pub(crate) fn leave_all(&self, server: u64) -> usize {
        let all = self.servers.all_of(server);
        all.iter()
            .filter(|subscriber| self.leave(subscriber))
            .count()
    }

    #[inline]
    pub(crate) fn publish(
        &self,
        topic: &str,
        payload: M,
        except: &Except<'_, M>,
    ) -> Result<usize, PublishError<M>> {
        match self.routes.route(topic) {
            Ok(route) => Ok(self.deliver(&route, payload, except)),
            Err(why) => Err(refused(why, topic, payload)),
        }
    }

    #[inline]
    pub(crate) fn deliver(&self, route: &Route<M>, payload: M, except: &Except<'_, M>) -> usize {
        if route.is_empty() {
            drop_contained(payload);
            return 0;
        }
        let message = Message::new(Arc::clone(route.topic()), payload);
        self.deliver_message(route, message, except)
    }

    #[inline]
    fn deliver_message(
        &self,
        route: &Route<M>,
        message: Message<M>,
        except: &Except<'_, M>,
    ) -> usize {
        let mut gone = Vec::new();
        let accepted = route.deliver(message, except, &mut gone);
        if !gone.is_empty() {
            self.sort_out(&gone);
        }
        accepted
    }

    /// Publishes a message and keeps it for those who subscribe later.
    pub(crate) fn publish_retained(
        &self,
        topic: &str,
        payload: M,
    ) -> Result<usize, PublishError<M>> {
        let mut route_before = None;
        let mut guard = self.retained.lock();
        // Whoever subscribes later finds it here, and whoever has subscribed before is in the route.
        let route = match self.routes.route_instead(topic, &mut route_before) {
            Ok(route) => route,
            Err(why) => {
                drop(guard);
                return Err(refused(why, topic, payload));
            }
        };
        if !guard.has_room(topic) {
            drop(guard);
            return Err(PublishError::RetainedFull(payload));
        }
        let message = Message::new(Arc::clone(route.topic()), payload);
        let before = guard.put(message.clone());
        drop(guard);
        drop(route_before);
        if let Some(before) = before {
            drop_contained(before);
        }
        Ok(self.deliver_message(&route, message, &Except::Nobody))
    }

    /// Takes out who is gone for good.
    #[cold]
    fn sort_out(&self, gone: &[Arc<Subscriber<M>>]) {
        for subscriber in gone {
            match subscriber.kind() {
                Kind::Ring(_) | Kind::Queue(_) => {
                    self.leave(subscriber);
                }
                // One that has a handle may be started again; its watch tells when it will not.
                Kind::Server(target) if target.server.strong().is_none() => {
                    self.leave_all(target.server.number());
                }
                Kind::Server(_) => {}
            }
        }
    }

    /// Ends everything, for all.
    pub(crate) fn close(&self) {
        for subscriber in self.routes.close() {
            subscriber.end(Ended::Closed);
            self.leave(&subscriber);
        }
        self.retained.clear().into_values().for_each(drop_contained);
    }

    pub(crate) fn stats(&self) -> PubSubStats {
        let all = self.routes.all();
        let gone = self.gone.lock();
        let mut tally = gone.tally;
        let ended: Vec<_> = gone.ended.values().cloned().collect();
        drop(gone);
        for subscriber in all.iter().chain(&ended) {
            tally.add(&subscriber.tally());
        }
        PubSubStats {
            subscribers: all.len(),
            subscribed: self.last_id.load(Ordering::Relaxed),
            delivered: tally.delivered(),
            retained: tally.retained,
            refused: tally.refused,
            received: tally.received,
            lost: tally.lost(),
            waiting: usize::try_from(tally.queued).unwrap_or(usize::MAX),
            discarded: tally.discarded,
        }
    }
}

#[cold]
pub(crate) fn refused<M>(why: NoRoute, topic: &str, payload: M) -> PublishError<M> {
    match why {
        NoRoute::Closed => PublishError::Closed(payload),
        NoRoute::BadTopic => PublishError::BadTopic {
            topic: topic.to_owned(),
            allowed: TOPIC_ALLOWED,
            payload,
        },
    }
}
