//! Tables from `u64` to `u64` that many threads read, and whose values are counted up under a lock or by trying again.

mod dashmap;
mod ours;
mod papaya;
mod scc;

use std::collections::hash_map::RandomState;

pub(crate) use self::ours::Ours;

/// The name of patterns-store in every table.
pub(crate) const STORE: &str = "patterns-store";
/// The name of dashmap, with its default hasher, in every table.
pub(crate) const DASHMAP_DEFAULT: &str = "dashmap";
/// The name of dashmap with the hasher of patterns-store in every table.
pub(crate) const DASHMAP_FOLDHASH: &str = "dashmap, foldhash";

/// A table.
pub(crate) trait StoreContender: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    fn get(&self, key: u64) -> Option<u64>;

    fn put(&self, key: u64, value: u64);

    /// Adds one to the key's value, or begins with one. Returns the sum.
    fn count(&self, key: u64) -> u64;
}

/// Runs `visit` with a new table of each kind.
pub(crate) trait StoreVisit {
    fn visit<C: StoreContender>(&mut self, build: fn() -> C);
}

/// Visits all tables.
pub(crate) fn every(visit: &mut impl StoreVisit) {
    visit.visit(dashmap::Dashmap::<RandomState>::new);
    visit.visit(Ours::new);
    visit.visit(dashmap::Dashmap::<foldhash::fast::RandomState>::new);
    visit.visit(papaya::Papaya::new);
    visit.visit(scc::Scc::new);
}
