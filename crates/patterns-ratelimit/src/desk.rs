//! What is done at one bucket, those who wait at it included, without a lock and without a clock.

use std::task::Waker;
use std::time::Duration;

use otp_core::contained::wake;

use crate::gcra::{Gcra, Short};
use crate::line::Line;
use crate::place::Taken;
use crate::{Allowed, Denied};

/// A bucket, its line, and the moment.
///
/// 1. Whoever comes while others wait gets only what is left when all of them have theirs: nobody is overtaken.
/// 2. Whoever is first is let in by a taking like any other, at the moment at which it is done: so what comes late, for its task was late, makes no
///    burst beyond the capacity.
pub(crate) struct Desk<'a> {
    pub(crate) gcra: Gcra,
    pub(crate) tat: &'a mut u64,
    pub(crate) line: &'a mut Line,
    pub(crate) nanos: u64,
}

/// What became of somebody who is ready to wait.
#[derive(Debug)]
pub(crate) enum Entered {
    Granted(Allowed),
    Denied(Denied),
    /// It would take this long, which is too long.
    TooLong(Duration),
    /// They wait, with this ticket.
    Waits(u64),
}

/// How it stands with somebody who waits.
#[derive(Debug)]
pub(crate) enum Turn {
    Granted(Taken),
    Denied(Denied),
    /// Their turn, but not before this time has passed.
    In(Duration),
    /// Others are first.
    Behind,
}

/// Wakers that are dealt with when the lock is free.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Wakers {
    woken: Option<Waker>,
    dropped: Option<Waker>,
    unused: Option<Waker>,
}

impl Wakers {
    /// For a line of which something has changed: whoever is first looks again.
    pub(crate) fn of_first(line: &mut Line) -> Self {
        Self {
            woken: line.first_waker(),
            ..Self::default()
        }
    }

    /// Wakes and drops them. Both run code of a runtime.
    pub(crate) fn settle(self) {
        wake(self.woken);
        drop((self.dropped, self.unused));
    }
}

impl Desk<'_> {
    fn now(&self) -> u64 {
        self.gcra.units(self.nanos)
    }

    /// The units that are spoken for.
    fn ahead(&self) -> u64 {
        self.gcra.cost_of(self.line.tokens())
    }

    fn grant(&mut self, after: u64) -> Allowed {
        *self.tat = after;
        Allowed {
            gcra: self.gcra,
            tat: after,
            nanos: self.nanos,
        }
    }

    /// Takes what nobody waits for.
    pub(crate) fn take(&mut self, tokens: u32) -> Result<Allowed, Denied> {
        match self.gcra.take(*self.tat, self.now(), tokens, self.ahead()) {
            Ok(after) => Ok(self.grant(after)),
            Err(short) => Err(denied(&self.gcra, self.nanos, tokens, short)),
        }
    }

    /// Takes what nobody waits for, and remembers that it may come back.
    pub(crate) fn reserve(&mut self, tokens: u32) -> Result<Taken, Denied> {
        let allowed = self.take(tokens)?;
        Ok(self.note(allowed))
    }

    fn note(&mut self, allowed: Allowed) -> Taken {
        let note = Some(self.line.note(allowed.tat));
        Taken { allowed, note }
    }

    /// Looks whether it could be taken.
    pub(crate) fn look(&self, tokens: u32) -> Result<(), Denied> {
        match self.gcra.take(*self.tat, self.now(), tokens, self.ahead()) {
            Ok(_) => Ok(()),
            Err(short) => Err(denied(&self.gcra, self.nanos, tokens, short)),
        }
    }

    /// How many tokens are there that nobody waits for.
    pub(crate) fn left(&self) -> u32 {
        let tat = (*self.tat).max(self.now()).saturating_add(self.ahead());
        self.gcra.left(tat, self.now())
    }

    /// Takes what is there, or stands in line unless that takes longer than `longest`.
    pub(crate) fn enter(&mut self, tokens: u32, longest: Duration) -> Entered {
        match self.take(tokens) {
            Ok(allowed) => Entered::Granted(allowed),
            Err(Denied::Limited { retry_after }) if retry_after > longest => {
                Entered::TooLong(retry_after)
            }
            Err(Denied::Limited { .. }) => Entered::Waits(self.line.enter(tokens)),
            Err(denied) => Entered::Denied(denied),
        }
    }

    /// Lets whoever has this ticket in, if it is time; what they take may come back if `noted`. Otherwise their waker is kept.
    pub(crate) fn turn(&mut self, ticket: u64, noted: bool, waker: Waker) -> (Turn, Wakers) {
        let Some(tokens) = self.line.first(ticket) else {
            let dropped = self.line.leave_waker(ticket, waker);
            return (
                Turn::Behind,
                Wakers {
                    dropped,
                    ..Wakers::default()
                },
            );
        };
        let turn = match self.gcra.take(*self.tat, self.now(), tokens, 0) {
            Err(Short::Units(units)) => {
                let dropped = self.line.leave_waker(ticket, waker);
                let turn = Turn::In(self.gcra.wait(self.nanos, units));
                return (
                    turn,
                    Wakers {
                        dropped,
                        ..Wakers::default()
                    },
                );
            }
            Ok(after) => {
                let allowed = self.grant(after);
                Turn::Granted(if noted {
                    self.note(allowed)
                } else {
                    Taken {
                        allowed,
                        note: None,
                    }
                })
            }
            // The quota was changed, and it costs more than there can be now.
            Err(short) => Turn::Denied(denied(&self.gcra, self.nanos, tokens, short)),
        };
        let mut wakers = self.leave(ticket);
        // Whoever is let in needs neither the waker that they left nor the one that they brought.
        let _ = wakers.unused.insert(waker);
        (turn, wakers)
    }

    /// Takes somebody out of the line. If they were first, the next one is woken.
    pub(crate) fn leave(&mut self, ticket: u64) -> Wakers {
        let (dropped, woken) = self.line.leave(ticket);
        Wakers {
            dropped,
            woken,
            unused: None,
        }
    }

    /// How long it will take until it is this ticket's turn, as it looks now.
    pub(crate) fn wait_of(&self, ticket: u64) -> Duration {
        let until = self.gcra.cost_of(self.line.tokens_until(ticket));
        let over = self.gcra.over(*self.tat, self.now(), until);
        self.gcra.wait(self.nanos, over)
    }

    /// Gives unused tokens of a taking back, none of them if it was not noted.
    pub(crate) fn refund(&mut self, taken: Taken, tokens: u32) -> Wakers {
        let Some(left) = taken.note.and_then(|note| self.line.settle(note)) else {
            return Wakers::default();
        };
        let units = self.gcra.refundable(self.now(), left, tokens);
        *self.tat = self.tat.saturating_sub(units);
        self.line.move_down(left, units);
        self.changed()
    }

    /// Takes tokens that are used already.
    pub(crate) fn charge(&mut self, tokens: u32) {
        *self.tat = self.gcra.charge(*self.tat, self.now(), tokens);
    }

    /// Whoever is first looks again.
    pub(crate) fn changed(&mut self) -> Wakers {
        Wakers::of_first(self.line)
    }
}

/// A refusal as it is told.
pub(crate) fn denied(gcra: &Gcra, nanos: u64, tokens: u32, short: Short) -> Denied {
    match short {
        Short::Units(units) => Denied::Limited {
            retry_after: gcra.wait(nanos, units),
        },
        Short::Never => Denied::Impossible {
            cost: tokens,
            capacity: gcra.capacity(),
        },
    }
}
