//! For how long what is tried again. Layer 7: pure but for the clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::call::Class;

/// How seldom at most something is tried again.
const SELDOM: Duration = Duration::from_secs(30);

/// Why a call is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// EC2 refused it for its rate.
    Throttled,
    /// It names something so young that EC2 does not see it everywhere yet.
    Young,
    /// What should go is still held; EC2 lets go of things with a delay.
    InUse,
    /// Something is between two states.
    Between,
    /// No answer came.
    NoAnswer,
    /// The endpoint could not be reached.
    Unreachable,
}

impl Reason {
    /// For how long at most, how soon first, and how seldom in the end.
    const fn limits(self) -> (Duration, Duration, Duration) {
        let (limit, first, last) = match self {
            Reason::Throttled => (300_000, 500, 20_000),
            Reason::Young => (60_000, 500, 5_000),
            Reason::InUse => (120_000, 1_000, 10_000),
            Reason::Between => (120_000, 1_000, 10_000),
            Reason::NoAnswer => (60_000, 1_000, 10_000),
            Reason::Unreachable => (10_000, 500, 4_000),
        };
        (Duration::from_millis(limit), Duration::from_millis(first), Duration::from_millis(last))
    }

    /// For how long at most.
    pub const fn limit(self) -> Duration {
        self.limits().0
    }

    /// Why a call that got this error may be sent again; `None`: it may not.
    pub const fn of(class: Class, deletes: bool, names_young: bool) -> Option<Reason> {
        match class {
            Class::Throttled => Some(Reason::Throttled),
            Class::Ambiguous => Some(Reason::NoAnswer),
            Class::Unreachable => Some(Reason::Unreachable),
            Class::NotFound if names_young => Some(Reason::Young),
            Class::InUse if deletes => Some(Reason::InUse),
            Class::State => Some(Reason::Between),
            Class::NotFound | Class::InUse | Class::Duplicate | Class::Denied | Class::Invalid | Class::Quota => None,
        }
    }
}

/// What one call has been tried for.
#[derive(Debug)]
pub struct Patience {
    tried: Vec<(Reason, Instant, u32)>,
    started: Instant,
}

impl Patience {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { tried: vec![], started: Instant::now() }
    }

    /// How long to wait before the next try; `None` when it has been tried long enough.
    ///
    /// The times double, and are shortened by up to a half at random, so that those who failed together do not come back together.
    pub fn next(&mut self, reason: Reason) -> Option<Duration> {
        self.next_within(reason, reason.limit())
    }

    /// The same with another limit.
    pub fn next_within(&mut self, reason: Reason, limit: Duration) -> Option<Duration> {
        let now = Instant::now();
        let (_, first, last) = reason.limits();
        // What takes long is asked for less often.
        let last = last.max((limit / 60).min(SELDOM));
        let index = self.tried.iter().position(|(r, ..)| *r == reason).unwrap_or_else(|| {
            self.tried.push((reason, now, 0));
            self.tried.len() - 1
        });
        let (_, since, count) = self.tried.get_mut(index)?;
        if now.duration_since(*since) >= limit {
            return None;
        }
        let whole = first.saturating_mul(1 << (*count).min(16)).min(last);
        *count += 1;
        Some(whole.mul_f64(1.0 - jitter() / 2.0))
    }

    /// For how long there have been tries.
    pub fn spent(&self) -> Duration {
        self.started.elapsed()
    }
}

/// From 0 to 1, at random; without randomness, 0.
fn jitter() -> f64 {
    let mut byte = [0u8];
    getrandom::fill(&mut byte).map_or(0.0, |()| f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn patience_ends_and_waits_longer_each_time() {
        let mut patience = Patience::new();
        let mut waits = vec![];
        while let Some(wait) = patience.next(Reason::Young) {
            tokio::time::sleep(wait).await;
            waits.push(wait);
        }
        assert!(patience.spent() >= Duration::from_secs(60) && patience.spent() <= Duration::from_secs(66), "{waits:?}");
        assert!(waits[0] <= Duration::from_millis(500) && waits[5] >= Duration::from_millis(2500), "{waits:?}");
        assert!(patience.next(Reason::Throttled).is_some());
    }
}
