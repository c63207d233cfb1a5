//! How the workers of a registry and their supervisor are specified.

use std::sync::Arc;

use otp_core::contained::Contained;
use otp_core::{Child, DynamicSupervisor, GenServer};

use crate::closing::Closing;
use crate::keyed::Keyed;
use crate::place::{Place, Stay};
use crate::row::Key;
use crate::table::Table;
use crate::{BadOption, RegistryConfig};

/// Makes the specification of the worker of a key.
pub(super) type Specify<K, M, V> = Box<dyn Fn(K, Place<K, M, V>) -> Child<M> + Send + Sync>;

pub(super) struct Plan<K, M: Send + 'static, V> {
    pub(super) table: Arc<Table<K, M, V>>,
    pub(super) specify: Specify<K, M, V>,
    pub(super) max_workers: Option<usize>,
}

impl<K, M, V> Plan<K, M, V>
where
    K: Key,
    M: Send + 'static,
    V: Send + Sync + 'static,
{
    pub(super) fn new<S>(
        config: RegistryConfig,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> Result<Self, BadOption>
    where
        S: GenServer<Msg = M>,
    {
        config.check()?;
        Ok(Self {
            table: Table::new(config.idle_timeout.is_some()),
            max_workers: config.max_workers,
            specify: specify(config, factory),
        })
    }

    pub(super) fn supervisor(&self) -> DynamicSupervisor {
        // Not asked for anything: it is there to be dropped with the specification.
        let closing = Closing(Arc::clone(&self.table));
        DynamicSupervisor::new()
            .name("registry")
            .at_once()
            .max_children(self.max_workers.unwrap_or(usize::MAX))
            .only_if(move || {
                let _in_here = &closing;
                true
            })
    }
}

fn specify<K, S, V>(
    config: RegistryConfig,
    factory: impl Fn(&K) -> S + Send + Sync + 'static,
) -> Specify<K, S::Msg, V>
where
    K: Key,
    S: GenServer,
    V: Send + Sync + 'static,
{
    let options = config.server_options();
    let id: Arc<str> = Arc::from(config.name);
    let (max_restarts, restart_period) = (config.max_restarts, config.restart_period);
    let (restart, shutdown, idle_timeout) = (config.restart, config.shutdown, config.idle_timeout);
    let factory = Arc::new(factory);
    Box::new(move |key, place| {
        let (factory, stay) = (Arc::clone(&factory), Arc::new(Stay(place)));
        // The specification is dropped by the supervisor, which a panic must not reach.
        let key = Contained::new(key);
        let make = move || Keyed {
            server: factory(&key),
            stay: Arc::clone(&stay),
            idle_timeout,
            restart,
        };
        Child::server_with(Arc::clone(&id), options.clone(), make)
            .restart(restart)
            .shutdown(shutdown)
            .own_limit(max_restarts, restart_period)
    })
}
