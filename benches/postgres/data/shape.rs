use fastrand::Rng;

/// How many consumers output ports have, and how often these come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Log-normal sizes, median 19, 99th percentile 137; consumers that differ little; the default.
    Even,
    /// Pareto sizes, median 19, 99th percentile 258; few consumers come daily, most seldom, and some consume
    /// very many output ports.
    HeavyTail,
}

impl Shape {
    /// The number of consumers that this part of all output ports stays under.
    pub(super) fn quantile(self, part: f64) -> usize {
        let consumers = match self {
            Self::Even => {
                // the logistic approximation of the normal quantile, exact at the median and close at 0.99
                let normal = (part / (1.0 - part)).ln() / 1.975;
                19.0 * (0.849 * normal).exp()
            }
            Self::HeavyTail => 12.0 * (1.0 - part).powf(-1.0 / 1.5),
        };
        consumers.clamp(1.0, 400.0).round() as usize
    }

    /// How likely a consumer queries an output port on a working day; places are in the order of ids.
    pub(super) fn activity(self, place: usize, of: usize, rng: &mut Rng) -> f64 {
        match self {
            Self::Even => 0.25 + 0.6 * rng.f64(),
            Self::HeavyTail => {
                let rank = (place + 1) as f64 / of as f64;
                (0.3 / rank.sqrt() * (0.7 + 0.6 * rng.f64())).min(0.97)
            }
        }
    }

    pub(super) fn consumer(self, of: usize, rng: &mut Rng) -> usize {
        match self {
            Self::Even => rng.usize(..of),
            Self::HeavyTail => (rng.f64().powi(2) * of as f64) as usize,
        }
    }
}
