//! Moments that only another thread could hit: between two steps of one call.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Wake, Waker};

use super::Line;
use crate::in_hand::InHand;
use crate::route::Source;
use crate::{DispatcherConfig, GaveUp, Hooks, SendError};

type Texts = Line<str, u8, (), String>;

fn line(hooks: Hooks<u8, (), String>) -> Arc<Texts> {
    let source = Source::Shared(Arc::from("it"));
    let config = DispatcherConfig::default();
    Arc::new(Line::new(0, "a".into(), source, config, Arc::new(hooks)))
}

#[test]
fn a_message_that_had_its_place_before_the_line_was_closed_comes_back() {
    type End = fn(&Texts);
    let ends: [End; 3] = [
        |line| line.close(),
        |line| line.remove(),
        |line| line.shut(),
    ];
    for end in ends {
        let line = line(Hooks::new());
        let room = Arc::clone(&line.state.lock().room);
        let place = room.try_acquire_owned().expect("there is room");
        end(&line);
        let refused = line.push(7, place).expect_err("it is closed");
        assert!(matches!(refused, SendError::Closed(7)));
        assert!(line.is_drained());
        assert_eq!(line.stats().accepted, 0);
    }
}

#[test]
fn one_that_had_its_place_before_a_restart_is_accepted_and_reported() {
    let line = line(Hooks::new());
    let room = Arc::clone(&line.state.lock().room);
    let place = room.try_acquire_owned().expect("there is room");
    line.shut();
    line.reopen();
    // The line is open, but the place is one in the room of before: it is let in, and is one of those that wait.
    let ticket = line.push(7, place).expect("it is open");
    assert_eq!(line.stats().waiting, 1);
    line.shut();
    let mut ticket = pin!(ticket);
    let report = ticket
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(
        matches!(report, std::task::Poll::Ready(Err(letter)) if letter.gave_up == GaveUp::Stopped)
    );
}

/// What was seen of the line in the middle of a report.
#[derive(Default)]
struct Witness {
    line: OnceLock<Weak<Texts>>,
    open: AtomicUsize,
    drained: AtomicUsize,
}

impl Witness {
    fn look(&self) {
        let line = self.line.get().and_then(Weak::upgrade).expect("it lives");
        match line.is_drained() {
            true => self.drained.fetch_add(1, Ordering::SeqCst),
            false => self.open.fetch_add(1, Ordering::SeqCst),
        };
    }
}

impl Wake for Witness {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

#[test]
fn a_line_is_drained_when_the_listener_and_the_ticket_were_told_and_not_before() {
    let witness = Arc::new(Witness::default());
    let (one, two) = (Arc::clone(&witness), Arc::clone(&witness));
    let hooks = Hooks::new()
        .on_delivered(move |_| one.look())
        .on_dead_letter(move |_| two.look());
    let line = line(hooks);
    let _ = witness.line.set(Arc::downgrade(&line));
    let waker = Waker::from(Arc::clone(&witness));
    for gave_up in [None, Some(GaveUp::Exhausted)] {
        let mut ticket = pin!(line.send(7).expect("there is room"));
        assert!(
            ticket
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        let job = line.take().expect("one waits");
        match gave_up {
            None => line.succeed(job, ()),
            Some(why) => line.bury(job, why, true),
        }
        assert!(line.is_drained());
    }
    // Given back to a line that is shut.
    let mut ticket = pin!(line.send(7).expect("there is room"));
    assert!(
        ticket
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let in_hand = InHand::new(&line, line.take().expect("one waits"));
    line.shut();
    drop(in_hand);
    assert!(line.is_drained());
    let seen = (
        witness.open.load(Ordering::SeqCst),
        witness.drained.load(Ordering::SeqCst),
    );
    assert_eq!(seen, (6, 0), "three listeners, three tickets");
}
