//! The metrics, and their bound. It knows no clock.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::{Metric, Name};
use crate::error::Fault;

/// All metrics of a [`Statistics`](crate::Statistics): the state of its agent.
#[derive(Debug)]
pub struct Table {
    metrics: HashMap<Name, Metric>,
    most: usize,
}

impl Table {
    pub(super) fn new(most: usize) -> Self {
        Self {
            metrics: HashMap::new(),
            most,
        }
    }

    pub(super) fn add(&mut self, name: Name, amount: i64) -> Result<(), Fault> {
        let number = &mut self.metric(name)?.number;
        *number = Some(number.unwrap_or(0).saturating_add(amount));
        Ok(())
    }

    pub(super) fn set(&mut self, name: Name, number: i64) -> Result<(), Fault> {
        self.metric(name)?.number = Some(number);
        Ok(())
    }

    pub(super) fn note(&mut self, name: Name, time: Duration) -> Result<(), Fault> {
        let metric = self.metric(name)?;
        metric.timing.get_or_insert_default().note(time);
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<Metric> {
        self.metrics.get(name).copied()
    }

    pub(super) fn all(&self) -> BTreeMap<String, Metric> {
        let metrics = self.metrics.iter();
        metrics
            .map(|(name, metric)| (name.clone().into_owned(), *metric))
            .collect()
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Metric> {
        self.metrics.remove(name)
    }

    pub(super) fn clear(&mut self) -> BTreeMap<String, Metric> {
        let metrics = std::mem::take(&mut self.metrics).into_iter();
        metrics
            .map(|(name, metric)| (name.into_owned(), metric))
            .collect()
    }

    fn metric(&mut self, name: Name) -> Result<&mut Metric, Fault> {
        if self.metrics.len() >= self.most && !self.metrics.contains_key(&name) {
            return Err(Fault::refused(format!(
                "there are {} metrics, and no more are allowed",
                self.most
            )));
        }
        Ok(self.metrics.entry(name).or_default())
    }
}
