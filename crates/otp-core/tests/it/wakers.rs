//! Tasks that wait for the same thing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use otp_core::wakers::{Ticket, Wakers};

#[derive(Default)]
struct Bell {
    rung: AtomicUsize,
    panics: bool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "as told");
    }
}

fn bell(panics: bool) -> (Arc<Bell>, Waker) {
    let bell = Arc::new(Bell {
        panics,
        ..Bell::default()
    });
    (Arc::clone(&bell), Waker::from(bell))
}

#[test]
fn all_who_wait_are_woken_once_whatever_a_waker_does() {
    let mut wakers = Wakers::default();
    let bells: Vec<_> = [false, true, false].into_iter().map(bell).collect();
    let mut tickets = [Ticket::default(); 3];
    for (ticket, (_, waker)) in tickets.iter_mut().zip(&bells) {
        assert!(!ticket.is_given());
        assert!(wakers.wait(ticket, waker.clone()).is_none());
        assert!(ticket.is_given());
    }
    wakers.take().wake();
    wakers.take().wake();
    for (bell, _) in &bells {
        assert_eq!(bell.rung.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn one_who_waits_again_stands_there_once_with_its_newest_waker() {
    let mut wakers = Wakers::default();
    let mut ticket = Ticket::default();
    let ((old, old_waker), (new, new_waker)) = (bell(false), bell(false));
    assert!(wakers.wait(&mut ticket, old_waker.clone()).is_none());
    let replaced = wakers.wait(&mut ticket, new_waker).unwrap();
    assert!(replaced.will_wake(&old_waker));
    wakers.take().wake();
    assert_eq!(old.rung.load(Ordering::SeqCst), 0);
    assert_eq!(new.rung.load(Ordering::SeqCst), 1);
}

#[test]
fn one_who_has_left_is_not_woken() {
    let mut wakers = Wakers::default();
    let mut tickets = [Ticket::default(); 2];
    let (gone, gone_waker) = bell(false);
    let (here, here_waker) = bell(false);
    drop(wakers.wait(&mut tickets[0], gone_waker));
    drop(wakers.wait(&mut tickets[1], here_waker));
    assert!(wakers.leave(tickets[0]).is_some());
    assert!(wakers.leave(tickets[0]).is_none());
    wakers.take().wake();
    assert_eq!(gone.rung.load(Ordering::SeqCst), 0);
    assert_eq!(here.rung.load(Ordering::SeqCst), 1);
}
