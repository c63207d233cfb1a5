//! Ranges that end before they begin.

use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::ops::RangeBounds;

/// The bounds of a range, unless it ends before it begins: the tree of std panics at such a one.
pub(crate) fn proper<Q: Ord + ?Sized>(
    range: &impl RangeBounds<Q>,
) -> Option<(Bound<&Q>, Bound<&Q>)> {
    let bounds = (range.start_bound(), range.end_bound());
    let is_proper = match bounds {
        (Excluded(start), Excluded(end)) => start < end,
        (Included(start) | Excluded(start), Included(end) | Excluded(end)) => start <= end,
        (Unbounded, _) | (_, Unbounded) => true,
    };
    is_proper.then_some(bounds)
}
