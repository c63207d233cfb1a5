//! The targets of the project, and what of them was reached.

mod patterns;

use super::beam::{self, Line};
use super::markdown::{Table, number};
use crate::book::Book;
use crate::contenders::floor_bounded::FLOOR_BOUNDED;
use crate::contenders::{DASHMAP, FLOOR, OTP, PEERS};
use crate::scenarios::{call, cast, memory, registry, start, supervision};

/// A measured figure, and up to where it is good.
struct Target {
    what: &'static str,
    target: f64,
    stretch: Option<f64>,
    measured: Option<f64>,
    unit: &'static str,
}

impl Target {
    /// A ratio, smaller is better.
    fn ratio(what: &'static str, target: f64, stretch: f64, measured: Option<f64>) -> Self {
        Self {
            what,
            target,
            stretch: Some(stretch),
            measured,
            unit: "",
        }
    }

    fn limit(&self, limit: f64) -> String {
        match self.unit {
            "" => format!("≤ {limit}"),
            unit => format!(
                "≤ {} {unit}",
                if limit.fract() == 0.0 {
                    number_without_fraction(limit)
                } else {
                    number(limit)
                }
            ),
        }
    }

    fn cells(&self) -> [String; 5] {
        let measured = match (self.measured, self.unit) {
            (None, _) => "–".to_owned(),
            (Some(value), "") => format!("{value:.3}"),
            (Some(value), unit) => format!("{} {unit}", number(value)),
        };
        let verdict = match (self.measured, self.stretch) {
            (None, _) => "not measured",
            (Some(value), Some(stretch)) if value <= stretch => "met, stretch too",
            (Some(value), _) if value <= self.target => "met",
            (Some(_), _) => "**missed**",
        };
        let stretch = self
            .stretch
            .map_or_else(|| "–".to_owned(), |stretch| self.limit(stretch));
        [
            self.what.to_owned(),
            self.limit(self.target),
            stretch,
            measured,
            verdict.to_owned(),
        ]
    }
}

/// The section of the document.
pub(crate) fn section(book: &Book, beam: Option<&[Line]>) -> String {
    let mut table = Table::new(&["what", "target", "stretch", "measured", ""]);
    for target in targets(book, beam)
        .into_iter()
        .chain(patterns::targets(book, beam))
    {
        table.row(&target.cells());
    }
    format!(
        "## Targets\n\nRatios of medians; \"best peer\" is the fastest of ractor, kameo, xtra and actix.\n\n{}",
        table.render()
    )
}

fn targets(book: &Book, beam: Option<&[Line]>) -> Vec<Target> {
    let to_floor = |scenario| book.ratio(scenario, OTP, FLOOR);
    let to_best_peer = |scenario| {
        let best = PEERS
            .iter()
            .filter_map(|peer| book.median(scenario, peer))
            .min_by(f64::total_cmp)?;
        Some(book.median(scenario, OTP)? / best)
    };
    let to_beam = |scenario| beam::ratio(book, beam?, scenario);
    let to_mode = |pick: fn((f64, f64)) -> f64| {
        let modes = book.runs(call::MANY_CALLERS, FLOOR)?.modes()?;
        Some(book.median(call::MANY_CALLERS, OTP)? / pick(modes))
    };
    let growth = |million, tenth| Some(book.median(million, OTP)? / book.median(tenth, OTP)?);
    let crash = |what, scenario| Target {
        what,
        target: 20.0,
        stretch: Some(5.0),
        measured: book.median(scenario, OTP).map(|time| time / 1e3),
        unit: "µs",
    };
    let to_dashmap = |what, scenario| Target {
        what,
        target: 1.0,
        stretch: None,
        measured: book.ratio(scenario, OTP, DASHMAP),
        unit: "",
    };
    vec![
        Target::ratio(
            "call with the default 5 s limit ÷ floor without any",
            1.0,
            0.85,
            to_floor(call::ONE_CALLER),
        ),
        Target {
            what: "call from inside an actor, looking for deadlocks ÷ floor",
            target: 1.15,
            stretch: None,
            measured: to_floor(call::FROM_INSIDE),
            unit: "",
        },
        Target::ratio(
            "call, 64 callers ÷ floor",
            0.9,
            0.6,
            to_floor(call::MANY_CALLERS),
        ),
        Target::ratio(
            "… ÷ the floor's fast mode, if it had two",
            0.9,
            0.6,
            to_mode(|modes| modes.0),
        ),
        Target::ratio(
            "… ÷ the floor's slow mode, if it had two",
            0.9,
            0.6,
            to_mode(|modes| modes.1),
        ),
        Target::ratio(
            "cast, 1 producer ÷ floor",
            0.6,
            0.35,
            to_floor(cast::ONE_PRODUCER),
        ),
        Target::ratio(
            "cast, 4 producers ÷ floor",
            0.3,
            0.1,
            to_floor(cast::FOUR_PRODUCERS),
        ),
        Target::ratio(
            "bounded cast (1,024) ÷ tokio bounded mpsc",
            0.8,
            0.5,
            book.ratio(cast::BOUNDED, OTP, FLOOR_BOUNDED),
        ),
        Target::ratio(
            "start with `init` awaited ÷ floor's spawn",
            1.0,
            0.6,
            to_floor(start::START),
        ),
        Target::ratio(
            "the same in a fresh process",
            1.0,
            0.6,
            to_floor(memory::FRESH_START),
        ),
        Target {
            what: "idle memory of a server with 8 bytes of state",
            target: 800.0,
            stretch: Some(600.0),
            measured: book.median(memory::IDLE, OTP),
            unit: "B",
        },
        Target::ratio(
            "call, 1 caller ÷ best peer",
            0.5,
            0.3,
            to_best_peer(call::ONE_CALLER),
        ),
        Target::ratio(
            "call, 64 callers ÷ best peer",
            0.5,
            0.3,
            to_best_peer(call::MANY_CALLERS),
        ),
        Target::ratio(
            "cast, 1 producer ÷ best peer",
            0.5,
            0.3,
            to_best_peer(cast::ONE_PRODUCER),
        ),
        Target::ratio(
            "cast, 4 producers ÷ best peer",
            0.5,
            0.3,
            to_best_peer(cast::FOUR_PRODUCERS),
        ),
        Target::ratio(
            "call, 1 caller ÷ Elixir",
            0.2,
            0.1,
            to_beam(call::ONE_CALLER),
        ),
        Target::ratio(
            "call, 64 callers ÷ Elixir",
            0.2,
            0.1,
            to_beam(call::MANY_CALLERS),
        ),
        Target::ratio(
            "cast, 1 producer ÷ Elixir",
            0.2,
            0.1,
            to_beam(cast::ONE_PRODUCER),
        ),
        Target::ratio(
            "cast, 4 producers ÷ Elixir",
            0.2,
            0.1,
            to_beam(cast::FOUR_PRODUCERS),
        ),
        Target::ratio("start ÷ Elixir", 0.2, 0.1, to_beam(start::START)),
        Target::ratio(
            "start under a dynamic supervisor ÷ Elixir",
            0.2,
            0.1,
            to_beam(registry::START_CHILD),
        ),
        Target::ratio(
            "registry lookup ÷ Elixir",
            0.2,
            0.1,
            to_beam(registry::LOOKUP),
        ),
        to_dashmap(
            "registry lookup ÷ dashmap with the same hasher, `u64`",
            registry::LOOKUP,
        ),
        to_dashmap("… 20-byte `String`", registry::LOOKUP_STRING),
        crash(
            "crash to next incarnation serving a call: a kill",
            supervision::KILL,
        ),
        crash("… a panic that is not printed", supervision::PANIC),
        Target {
            what: "1 million live servers: memory",
            target: 1000.0,
            stretch: None,
            measured: book
                .median(memory::MILLION_MEMORY, OTP)
                .map(|bytes| bytes / 1e6),
            unit: "MB",
        },
        Target {
            what: "1 million: start of one ÷ that in 100,000 (linear: about 1)",
            target: 1.3,
            stretch: None,
            measured: growth(memory::MILLION_START, memory::FRESH_START),
            unit: "",
        },
        Target {
            what: "1 million: stop of one ÷ that in 100,000 (linear: about 1)",
            target: 1.3,
            stretch: None,
            measured: growth(memory::MILLION_STOP, memory::FRESH_STOP),
            unit: "",
        },
    ]
}

fn number_without_fraction(value: f64) -> String {
    number(value).trim_end_matches(".0").to_owned()
}
