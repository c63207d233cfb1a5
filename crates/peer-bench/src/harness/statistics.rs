//! Medians, and the modes of a figure that has two.

/// The figures of all runs of one contender, smallest first.
#[derive(Debug, Clone)]
pub(crate) struct Runs {
    sorted: Vec<f64>,
}

impl Runs {
    pub(crate) fn new(mut figures: Vec<f64>) -> Self {
        assert!(!figures.is_empty(), "a scenario runs at least once");
        figures.sort_by(f64::total_cmp);
        Self { sorted: figures }
    }

    pub(crate) fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    pub(crate) fn median(&self) -> f64 {
        median(&self.sorted)
    }

    pub(crate) fn min(&self) -> f64 {
        self.sorted[0]
    }

    pub(crate) fn max(&self) -> f64 {
        self.sorted[self.sorted.len() - 1]
    }

    /// The medians of the fast and of the slow runs, split at the widest gap; `None` if no gap is
    /// wider than a quarter. Where there are runs enough, one alone is an outlier and no mode.
    pub(crate) fn modes(&self) -> Option<(f64, f64)> {
        let length = self.sorted.len();
        let smallest_mode = if length >= 6 { 2 } else { 1 };
        let (split, gap) = (smallest_mode..=length.saturating_sub(smallest_mode))
            .filter(|&index| index > 0 && index < length)
            .map(|index| (index, self.sorted[index] / self.sorted[index - 1]))
            .max_by(|left, right| left.1.total_cmp(&right.1))?;
        let (fast, slow) = self.sorted.split_at(split);
        (gap > 1.25).then(|| (median(fast), median(slow)))
    }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}
