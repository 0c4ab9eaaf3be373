//! The circuit breaker: it lets nobody wait for a server that keeps failing.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

#[cfg(any(feature = "supabase", test))]
use tundra_core::BreakerState;

use super::BreakerSettings;

/// A breaker of one server, shared by all who ask it.
///
/// Closed, it counts failures in a row. Open, it refuses at once. When its time is over it lets one
/// request through and refuses the others until that one is answered: a success closes it, a failure
/// opens it again.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
    /// Permits that were given and neither used nor dropped.
    going: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        failures: u32,
        until: Instant,
    },
    /// Half open: a request is on its way that decides.
    Trying {
        failures: u32,
    },
}

/// The refusal of an open breaker. It continues a sentence that begins with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    /// How many failures there were in a row.
    pub(crate) failures: u32,
    /// When a request is let through again; zero when one is on its way.
    pub(crate) again_in: Duration,
}

/// The right to ask once. Dropped without a word, as when the caller gave up, it decides nothing.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    /// Whether this is the one request that decides.
    decides: bool,
    is_told: bool,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: Mutex::new(State::Closed { failures: 0 }),
            going: AtomicUsize::new(0),
        }
    }

    /// Returns whether it refuses, or would but for the time that has passed.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.lock(), State::Closed { .. })
    }

    /// Returns what it does, and how many requests are on their way.
    #[cfg(any(feature = "supabase", test))]
    pub(crate) fn standing(&self) -> (BreakerState, usize) {
        let state = match *self.lock() {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until, .. } if Instant::now() < until => BreakerState::Open,
            State::Open { .. } | State::Trying { .. } => BreakerState::HalfOpen,
        };
        (state, self.going.load(Ordering::Relaxed))
    }

    /// Asks whether the server may be asked.
    pub(crate) fn admit(&self) -> Result<Permit<'_>, Open> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Result<Permit<'_>, Open> {
        let mut state = self.lock();
        let decides = match *state {
            State::Closed { .. } => false,
            State::Open { failures, until } if now < until => {
                return Err(Open { failures, again_in: until - now });
            }
            State::Open { failures, .. } => {
                *state = State::Trying { failures };
                true
            }
            State::Trying { failures } => return Err(Open { failures, again_in: Duration::ZERO }),
        };
        self.going.fetch_add(1, Ordering::Relaxed);
        Ok(Permit { breaker: self, decides, is_told: false })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// The server answered, whatever it said.
    pub(crate) fn answered(mut self) {
        self.is_told = true;
        let mut state = self.breaker.lock();
        match *state {
            State::Closed { .. } => *state = State::Closed { failures: 0 },
            _ if self.decides => {
                tracing::info!("the server answers again, so it is asked again");
                *state = State::Closed { failures: 0 };
            }
            // An answer to what was asked before it was opened.
            State::Open { .. } | State::Trying { .. } => {}
        }
    }

    /// The server failed.
    pub(crate) fn failed(self) {
        self.failed_at(Instant::now());
    }

    fn failed_at(mut self, now: Instant) {
        self.is_told = true;
        let settings = self.breaker.settings;
        let mut state = self.breaker.lock();
        let failures = match *state {
            State::Closed { failures } => failures.saturating_add(1),
            State::Trying { failures } if self.decides => failures.saturating_add(1),
            State::Open { .. } | State::Trying { .. } => return,
        };
        if !self.decides && failures < settings.failure_threshold {
            *state = State::Closed { failures };
            return;
        }
        let seconds = settings.recovery_timeout.as_secs();
        tracing::warn!(failures, seconds, "the server keeps failing, so it is left alone");
        *state = State::Open { failures, until: now + settings.recovery_timeout };
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.breaker.going.fetch_sub(1, Ordering::Relaxed);
        if self.is_told || !self.decides {
            return;
        }
        let mut state = self.breaker.lock();
        if let State::Trying { failures } = *state {
            // The next one decides.
            *state = State::Open { failures, until: Instant::now() };
        }
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = if self.failures == 1 { "time" } else { "times" };
        write!(f, "has failed {} {times} in a row; ", self.failures)?;
        match self.again_in {
            Duration::ZERO => f.write_str("it is being tried again now"),
            left => write!(f, "trying again in {} s", left.as_secs_f64().ceil()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECOVERY: Duration = Duration::from_secs(30);

    fn breaker(failure_threshold: u32) -> Breaker {
        Breaker::new(BreakerSettings { failure_threshold, recovery_timeout: RECOVERY })
    }

    fn fail(breaker: &Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            breaker.admit_at(now).unwrap().failed_at(now);
        }
    }

    #[test]
    fn opens_after_failures_in_a_row_and_says_when_it_tries_again() {
        let (breaker, now) = (breaker(3), Instant::now());
        fail(&breaker, 2, now);
        let going = breaker.admit_at(now).unwrap();
        assert_eq!(breaker.standing(), (BreakerState::Closed, 1));
        going.answered();
        fail(&breaker, 3, now);
        assert_eq!(breaker.standing(), (BreakerState::Open, 0));
        let open = breaker.admit_at(now + Duration::from_millis(500)).unwrap_err();
        assert_eq!(open.to_string(), "has failed 3 times in a row; trying again in 30 s");
    }

    #[test]
    fn lets_one_request_through_when_its_time_is_over_and_closes_by_its_success() {
        let (breaker, now) = (breaker(1), Instant::now());
        fail(&breaker, 1, now);
        let later = now + RECOVERY;
        let probe = breaker.admit_at(later).unwrap();
        assert_eq!(breaker.standing(), (BreakerState::HalfOpen, 1));
        let open = breaker.admit_at(later).unwrap_err();
        assert_eq!(open.to_string(), "has failed 1 time in a row; it is being tried again now");
        probe.answered();
        breaker.admit_at(later).unwrap().answered();
    }

    #[test]
    fn opens_again_by_the_failure_of_the_one_request() {
        let (breaker, now) = (breaker(3), Instant::now());
        fail(&breaker, 3, now);
        let later = now + RECOVERY;
        breaker.admit_at(later).unwrap().failed_at(later);
        let open = breaker.admit_at(later).unwrap_err();
        assert_eq!(open, Open { failures: 4, again_in: RECOVERY });
    }

    #[test]
    fn a_request_that_was_given_up_leaves_the_decision_to_the_next() {
        let (breaker, now) = (breaker(1), Instant::now());
        fail(&breaker, 1, now);
        let later = now + RECOVERY;
        drop(breaker.admit_at(later).unwrap());
        breaker.admit_at(later + RECOVERY).unwrap().answered();
        breaker.admit_at(now).unwrap().answered();
    }

    #[test]
    fn answers_from_before_it_was_opened_change_nothing() {
        let (breaker, now) = (breaker(1), Instant::now());
        let (early, other) = (breaker.admit_at(now).unwrap(), breaker.admit_at(now).unwrap());
        fail(&breaker, 1, now);
        early.answered();
        other.failed_at(now + RECOVERY);
        let open = breaker.admit_at(now).unwrap_err();
        assert_eq!(open, Open { failures: 1, again_in: RECOVERY });
    }
}
