//! Every item of a list, or every entry of a map, with all their errors.

use std::fmt::Display;

use crate::error::Errors;
use crate::path::Segment;
use crate::placed::Placed;

/// Does `f` for each item, and returns all values, or all errors, each below its item's index.
///
/// Every item is looked at, whatever comes of those before; `items` has to end. A list with a hundred thousand wrong items has that many errors:
/// what comes from outside should have a bound (`take`, or a check of its length) before it is checked item by item.
///
/// # Errors
///
/// All errors of all items, in their order.
///
/// # Panics
///
/// If `f` does. What was gathered is dropped.
///
/// # Examples
///
/// ```
/// use patterns_railway::{ResultExt, each};
///
/// let ports = each(["80", "443"], |text| text.parse::<u16>().here());
/// assert_eq!(ports, Ok(vec![80, 443]));
///
/// let ports = each(["80", "http", "65536"], |text| text.parse::<u16>().here()).under("ports");
/// assert_eq!(
///     ports.unwrap_err().to_string(),
///     "ports[1]: invalid digit found in string\nports[2]: number too large to fit in target type",
/// );
/// ```
pub fn each<I, F, R>(items: I, mut f: F) -> Result<Vec<R::Value>, Errors<R::Error>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> R,
    R: Placed,
{
    let items = items.into_iter().enumerate();
    collect(items.map(|(index, item)| f(item).into_result().map_err(|errors| errors.under(index))))
}

/// Does `f` for each entry of a map, and returns all values, or all errors, each below its entry's key; otherwise as [`each`].
///
/// The values are collected into whatever the place wants that they go to: `f` makes pairs, if that is a map. Errors come in the order of the
/// iteration, which for a `HashMap` is any.
///
/// # Errors
///
/// All errors of all entries.
///
/// # Panics
///
/// If `f` does, or the key's `Display`.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
/// use std::num::ParseIntError;
/// use patterns_railway::{Errors, ResultExt, each_entry};
///
/// fn limits(raw: &BTreeMap<String, String>) -> Result<BTreeMap<String, u32>, Errors<ParseIntError>> {
///     each_entry(raw, |name, limit| limit.parse().map(|limit| ((*name).clone(), limit)).here())
/// }
///
/// let raw = BTreeMap::from([("cpu".to_owned(), "4".to_owned()), ("disk 1".to_owned(), "full".to_owned())]);
/// assert_eq!(
///     limits(&raw).under("limits").unwrap_err().to_string(),
///     "limits[\"disk 1\"]: invalid digit found in string",
/// );
/// ```
pub fn each_entry<I, K, V, F, R, C>(entries: I, mut f: F) -> Result<C, Errors<R::Error>>
where
    I: IntoIterator<Item = (K, V)>,
    K: Display,
    F: FnMut(&K, V) -> R,
    R: Placed,
    C: FromIterator<R::Value>,
{
    collect(entries.into_iter().map(|(key, value)| {
        f(&key, value)
            .into_result()
            .map_err(|errors| errors.under(Segment::from(key.to_string())))
    }))
}

/// Collects the values, or all errors. Values are not kept from the first error on.
pub(crate) fn collect<T, E, C: FromIterator<T>>(
    results: impl Iterator<Item = Result<T, Errors<E>>>,
) -> Result<C, Errors<E>> {
    let mut errors: Option<Errors<E>> = None;
    let mut values = results.filter_map(|result| match (result, &mut errors) {
        (Ok(value), None) => Some(value),
        (Ok(_), Some(_)) => None,
        (Err(first), None) => {
            errors = Some(first);
            None
        }
        (Err(more), Some(errors)) => {
            errors.merge(more);
            None
        }
    });
    let collected = values.by_ref().collect();
    // A collection may have had enough before the end. The rest is looked at all the same.
    values.for_each(drop);
    errors.map_or(Ok(collected), Err)
}
