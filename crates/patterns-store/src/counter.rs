//! Counters: what counts, and a step of it.

use std::fmt;

/// A number that [`update_counter`](crate::Table::update_counter) can change: the integers of up to 64 bits.
pub trait Counter:
    Copy + Ord + Default + fmt::Debug + Send + Sync + 'static + sealed::Sealed
{
    /// The sum, if it is a number of this type.
    #[doc(hidden)]
    fn plus(self, step: i64) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! counters {
    ($($number:ty)*) => {$(
        impl sealed::Sealed for $number {}

        impl Counter for $number {
            #[inline]
            fn plus(self, step: i64) -> Option<Self> {
                // Every number here fits into 128 bits, and so does its sum with a step.
                Self::try_from(i128::try_from(self).ok()? + i128::from(step)).ok()
            }
        }
    )*};
}

counters!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

/// A step of a counter: by how much, from what number where there is none yet, and how far.
///
/// A plain number converts into a step, for [`update_counter`](crate::Table::update_counter) takes what does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a step does nothing by itself"]
pub struct Step<V> {
    by: i64,
    from: V,
    bound: Option<(V, V)>,
}

impl<V: Counter> Step<V> {
    /// A step by so much, upwards or downwards.
    pub fn by(by: i64) -> Self {
        Self {
            by,
            from: V::default(),
            bound: None,
        }
    }

    /// Sets the number that a missing row is taken to have. Default: 0.
    pub fn from(self, from: V) -> Self {
        Self { from, ..self }
    }

    /// Sets a bound: a step that would lead beyond `threshold` (above it, or below if it leads downwards) sets the
    /// counter to `reset` instead. As in ETS. Default: none.
    ///
    /// With both equal the counter stays at its bound. A bound goes before the range of the type: a step that would
    /// leave both is no overflow.
    pub fn bound(self, threshold: V, reset: V) -> Self {
        Self {
            bound: Some((threshold, reset)),
            ..self
        }
    }

    /// The number after the step; `None` if it would overflow.
    #[inline]
    pub(crate) fn after(&self, value: Option<V>) -> Option<V> {
        let next = value.unwrap_or(self.from).plus(self.by);
        let Some((threshold, reset)) = self.bound else {
            return next;
        };
        let within = |next: &V| {
            if self.by >= 0 {
                *next <= threshold
            } else {
                *next >= threshold
            }
        };
        Some(next.filter(within).unwrap_or(reset))
    }
}

impl<V: Counter> From<i64> for Step<V> {
    fn from(by: i64) -> Self {
        Self::by(by)
    }
}
