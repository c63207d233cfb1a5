//! The rules put together and run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::driving::contained;
use super::report::{Report, RuleReport, Verdict};
use super::rules::{self, Kept, Stage};
use super::subject::{Subject, Unmet};
use crate::BoxFuture;

type Setup<S> = Box<dyn Fn() -> BoxFuture<'static, Result<S, String>> + Send + Sync>;
type Rule<S> = Box<dyn Fn(Stage<S>) -> BoxFuture<'static, Kept> + Send + Sync>;

/// The rules that implementations have to keep, and the way to make what they are tried on.
///
/// It runs inside a tokio runtime, or outside of one. Inside, each rule has a time limit, and senders that are concurrent take turns first, and then are tasks:
/// on a runtime with several threads, they run at the same time. With a paused clock everything goes on as fast as it can; but then a subject with real input and output
/// runs out of time while it waits for the outside.
///
/// # Examples
///
/// See the [module](crate::contract).
#[must_use = "a contract does nothing until it is run"]
pub struct Contract<S> {
    setup: Setup<S>,
    rules: Vec<(String, Rule<S>)>,
    skipped: Vec<(String, String)>,
    time_limit: Duration,
    patience: Duration,
}

impl<S: Subject> Contract<S> {
    /// Makes a contract with the rules of the kit. `make` makes a new subject for each.
    pub fn new(make: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self::with_setup(Box::new(move || {
            let subject = make();
            Box::pin(async { Ok(subject) })
        }))
    }

    /// The same, for subjects whose making takes time, or may fail: files, sockets. A failure to make one fails the rule.
    pub fn new_async<F, E>(make: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<S, E>> + Send + 'static,
        E: fmt::Display,
    {
        Self::with_setup(Box::new(move || {
            let subject = make();
            Box::pin(async { subject.await.map_err(|error| error.to_string()) })
        }))
    }

    fn with_setup(setup: Setup<S>) -> Self {
        let contract = Self {
            setup,
            rules: Vec::new(),
            skipped: Vec::new(),
            time_limit: Duration::from_secs(10),
            patience: Duration::from_secs(1),
        };
        rules::ALL.into_iter().fold(contract, |contract, name| {
            contract.add(
                name,
                Box::new(move |stage| Box::pin(async move { stage.judge(name).await })),
            )
        })
    }

    /// Adds a rule of your own, which runs after those of the kit, on a new subject. It says `Err` with a text if it is broken, or
    /// [`Unmet::NotApplicable`] to be skipped.
    ///
    /// A second rule of the same name is one more, and so is one that has the name of a rule of the kit.
    pub fn rule<F>(
        self,
        name: impl Into<String>,
        rule: impl Fn(Arc<S>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Unmet>> + Send + 'static,
    {
        let rule: Rule<S> = Box::new(move |stage| Box::pin(rule(stage.subject)));
        self.add(name, rule)
    }

    fn add(mut self, name: impl Into<String>, rule: Rule<S>) -> Self {
        self.rules.push((name.into(), rule));
        self
    }

    /// Does not try a rule that these implementations need not keep; the report shows it, with the reason. A name that no rule has is
    /// reported as a failure.
    pub fn skip(mut self, rule: impl Into<String>, reason: impl Into<String>) -> Self {
        self.skipped.push((rule.into(), reason.into()));
        self
    }

    /// Sets how long one rule may take, inside a runtime, the making of its subject included. Default: 10 s; [`Duration::MAX`] is without
    /// limit.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how long a rule waits for a text to arrive, after the send of it was done, inside a runtime; outside, it is some turns of
    /// everything else. Default: 1 s; zero is for implementations that are done when their send is.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the names of the rules, in the order in which they run.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|(name, _)| name.as_str())
    }

    /// Runs the rules, one after the other, each on a new subject. Panics, and rules that do not end, are failures of that rule.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the subject that is being tried.
    pub async fn run(&self) -> Report {
        let mut name = None;
        let mut reports = Vec::new();
        for (rule, judge) in &self.rules {
            let skipped = self.skipped.iter().find(|(skipped, _)| skipped == rule);
            let verdict = match skipped {
                Some((_, reason)) => Verdict::Skipped(reason.clone()),
                None => self.verdict(rule, judge, &mut name).await,
            };
            reports.push(RuleReport {
                rule: rule.clone(),
                verdict,
            });
        }
        let unknown = self
            .skipped
            .iter()
            .filter(|(skipped, _)| self.rules().all(|rule| rule != skipped));
        reports.extend(unknown.map(|(rule, _)| RuleReport {
            rule: rule.clone(),
            verdict: Verdict::Failed("it was to be skipped, but there is no such rule".to_owned()),
        }));
        Report {
            name: name.unwrap_or_else(|| "what could not be made".to_owned()),
            rules: reports,
        }
    }

    async fn verdict(&self, rule: &str, judge: &Rule<S>, name: &mut Option<String>) -> Verdict {
        let work = Box::pin(async {
            let made = |subject: Result<S, String>| {
                let broken = |error| Unmet::Broken(format!("no subject could be made: {error}"));
                subject.map(Arc::new).map_err(broken)
            };
            let subject = made((self.setup)().await)?;
            if name.is_none() {
                *name = Some(subject.name());
            }
            let another = match rule == rules::NAME {
                true => Some(made((self.setup)().await)?),
                false => None,
            };
            let stage = Stage {
                subject,
                another,
                patience: self.patience,
            };
            judge(stage).await
        });
        match contained(work, self.time_limit).await {
            Ok(Ok(())) => Verdict::Passed,
            Ok(Err(Unmet::NotApplicable(reason))) => Verdict::Skipped(reason),
            Ok(Err(Unmet::Broken(how))) => Verdict::Failed(how),
            Err(how) => Verdict::Failed(how.to_string()),
        }
    }
}

impl<S> fmt::Debug for Contract<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self.rules.iter().map(|(name, _)| name).collect();
        f.debug_struct("Contract")
            .field("rules", &rules)
            .finish_non_exhaustive()
    }
}
