//! What finds the address of a worker by its key, and the list of them.

mod dashmap;
mod dashmap_servers;
pub(crate) mod otp;
mod papaya;
mod scc;
mod workers;

use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};

/// A key by which a worker is found.
pub(crate) trait Key: Hash + Eq + Clone + Send + Sync + 'static {
    /// What it is called in tables.
    const NAME: &'static str;

    fn new(number: u64) -> Self;
}

impl Key for u64 {
    const NAME: &'static str = "`u64`";

    fn new(number: u64) -> Self {
        number
    }
}

/// Of 20 bytes, as session tokens have them.
impl Key for String {
    const NAME: &'static str = "`String`";

    fn new(number: u64) -> Self {
        format!("session-{number:012}")
    }
}

/// How keys are hashed. All contenders of a table have the same one.
pub(crate) trait Hasher: BuildHasher + Default + Clone + Send + Sync + 'static {
    /// What it is called in tables.
    const NAME: &'static str;
}

impl Hasher for RandomState {
    const NAME: &'static str = "`RandomState`";
}

impl Hasher for foldhash::fast::RandomState {
    const NAME: &'static str = "foldhash";
}

/// Workers under keys.
pub(crate) trait Directory<K: Key>: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    /// What is found: something shared that keeps the worker there, counted and given back.
    type Found;

    fn new() -> Self;

    /// Puts a worker, or what stands for one, under a new key.
    fn add(&self, key: K) -> impl Future<Output = ()> + Send;

    fn find(&self, key: &K) -> Option<Self::Found>;

    /// All keys.
    fn list(&self) -> Vec<K>;
}

/// Runs `visit` with each kind of directory.
pub(crate) trait Visit<K: Key> {
    fn visit<D: Directory<K>>(&mut self);
}

/// Visits all directories, dashmap first; each hashes keys by `S`.
pub(crate) fn every<K: Key, S: Hasher>(visit: &mut impl Visit<K>) {
    visit.visit::<dashmap::Arcs<K, S>>();
    visit.visit::<dashmap_servers::Servers<K, S>>();
    visit.visit::<otp::Otp<K, S>>();
    visit.visit::<workers::Workers<K, S>>();
    visit.visit::<papaya::Papaya<K, S>>();
    visit.visit::<scc::Scc<K, S>>();
}
