//! All figures measured so far, by scenario and contender.

use std::collections::HashMap;

use crate::harness::statistics::Runs;

/// Where the scenarios write and the report reads. The unit is the scenario's own.
#[derive(Debug, Default)]
pub(crate) struct Book {
    entries: HashMap<(String, &'static str), Runs>,
}

impl Book {
    pub(crate) fn enter(&mut self, scenario: &str, contender: &'static str, runs: Runs) {
        self.entries.insert((scenario.to_owned(), contender), runs);
    }

    pub(crate) fn runs(&self, scenario: &str, contender: &'static str) -> Option<&Runs> {
        self.entries.get(&(scenario.to_owned(), contender))
    }

    pub(crate) fn median(&self, scenario: &str, contender: &'static str) -> Option<f64> {
        self.runs(scenario, contender).map(Runs::median)
    }

    /// The median of `contender` over that of `base`, if both were measured.
    pub(crate) fn ratio(
        &self,
        scenario: &str,
        contender: &'static str,
        base: &'static str,
    ) -> Option<f64> {
        Some(self.median(scenario, contender)? / self.median(scenario, base)?)
    }
}
