//! Trying again, with waits that grow and differ from client to client.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::{Breaker, Open, UpstreamSettings};

/// The first wait, which doubles. Enough for a server that restarts a worker, and nothing that a person
/// notices.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait that a server may ask for. Who asks for more is told to the caller instead.
const LONGEST_ASKED: Duration = Duration::from_secs(10);

/// What a failure says about the server, and whether the same request can succeed later. With it, how
/// long the server asks to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server did its part: the same request fails again.
    Final,
    /// The server is well and wants less.
    Busy(Option<Duration>),
    /// The server does not do its part.
    Broken(Option<Duration>),
}

/// An error that can be judged.
pub(crate) trait Judge {
    /// Returns what it means.
    fn verdict(&self) -> Verdict;
}

/// Why a server was not asked, or not with success.
#[derive(Debug)]
pub(crate) enum Failed<E> {
    /// It was not asked.
    Open(Open),
    /// It was, and this is how the last try ended.
    Asked(E),
}

/// A server that is asked.
#[derive(Debug)]
pub(crate) struct Upstream {
    breaker: Breaker,
    tries: u32,
}

/// The waits between tries.
#[derive(Debug)]
pub(crate) struct Waits(ExponentialBackoff);

impl Upstream {
    pub(crate) fn new(settings: &UpstreamSettings) -> Self {
        Self { breaker: Breaker::new(settings.breaker), tries: settings.tries }
    }

    /// Returns what the breaker does, and how many requests are on their way.
    #[cfg(feature = "supabase")]
    pub(crate) fn standing(&self) -> tundra_core::CatalogStanding {
        let (breaker, requests) = self.breaker.standing();
        tundra_core::CatalogStanding { breaker: Some(breaker), requests }
    }

    /// Asks once, unless the breaker is open.
    pub(crate) async fn once<T, E: Judge>(
        &self,
        attempt: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failed<E>> {
        let permit = self.breaker.admit().map_err(Failed::Open)?;
        let result = attempt.await;
        match &result {
            Err(error) if matches!(error.verdict(), Verdict::Broken(_)) => permit.failed(),
            _ => permit.answered(),
        }
        result.map_err(Failed::Asked)
    }

    /// Asks until there is an answer, or a failure that is final, or no try is left. Only for what may
    /// be done twice.
    pub(crate) async fn repeatedly<T, E: Judge, F>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Failed<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut waits = self.waits();
        let mut last = None;
        loop {
            let error = match self.once(attempt()).await {
                Ok(answer) => return Ok(answer),
                // What opened the breaker says more than that it is open.
                Err(Failed::Open(open)) => {
                    return Err(last.map_or(Failed::Open(open), Failed::Asked));
                }
                Err(Failed::Asked(error)) => error,
            };
            // Nobody waits for a try that there will not be.
            if self.breaker.is_open() || !waits.wait(error.verdict()).await {
                return Err(Failed::Asked(error));
            }
            last = Some(error);
        }
    }

    /// Returns the waits of one request.
    pub(crate) fn waits(&self) -> Waits {
        let again = self.tries.saturating_sub(1) as usize;
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_jitter()
            .with_max_times(again);
        Waits(waits.build())
    }
}

impl Waits {
    /// Waits for the next try. Returns at once that there is none when the failure is final, the server
    /// asks for too long a wait, or all tries are used up.
    pub(crate) async fn wait(&mut self, verdict: Verdict) -> bool {
        let (Verdict::Busy(asked) | Verdict::Broken(asked)) = verdict else { return false };
        let Some(own) = self.0.next() else { return false };
        let asked = asked.unwrap_or_default();
        if asked > LONGEST_ASKED {
            return false;
        }
        tokio::time::sleep(own.max(asked)).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;
    use crate::upstream::BreakerSettings;

    impl Judge for Verdict {
        fn verdict(&self) -> Verdict {
            *self
        }
    }

    fn upstream(failure_threshold: u32) -> Upstream {
        let recovery_timeout = Duration::from_secs(30);
        let breaker = BreakerSettings { failure_threshold, recovery_timeout };
        Upstream::new(&UpstreamSettings { breaker, ..UpstreamSettings::default() })
    }

    /// Asks a server that fails in these ways and then answers. Returns how often it was asked and how
    /// long it took.
    async fn ask(
        upstream: &Upstream,
        failures: &[Verdict],
    ) -> (Result<(), Failed<Verdict>>, usize, Duration) {
        let (asked, began) = (Cell::new(0), Instant::now());
        let result = upstream
            .repeatedly(|| {
                let asked = &asked;
                async move {
                    let failure = failures.get(asked.get()).copied();
                    asked.set(asked.get() + 1);
                    failure.map_or(Ok(()), Err)
                }
            })
            .await;
        (result, asked.get(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn tries_three_times_with_growing_waits() {
        let (result, asked, took) = ask(&upstream(5), &[Verdict::Broken(None); 2]).await;
        assert!(result.is_ok());
        assert_eq!(asked, 3);
        let least = FIRST_WAIT * 3;
        assert!(took >= least && took <= least * 2 + FIRST_WAIT, "{took:?}");
        let (result, asked, _) = ask(&upstream(5), &[Verdict::Busy(None); 3]).await;
        assert!(matches!(result, Err(Failed::Asked(Verdict::Busy(None)))));
        assert_eq!(asked, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_final_is_not_tried_again() {
        let (result, asked, took) = ask(&upstream(5), &[Verdict::Final]).await;
        assert!(matches!(result, Err(Failed::Asked(Verdict::Final))));
        assert_eq!((asked, took), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_the_server_asks_but_not_too_long() {
        let short = Verdict::Busy(Some(Duration::from_secs(3)));
        let (result, asked, took) = ask(&upstream(5), &[short]).await;
        assert!(result.is_ok() && asked == 2);
        assert_eq!(took.as_secs(), 3);
        let long = Verdict::Busy(Some(Duration::from_secs(3600)));
        let (result, asked, took) = ask(&upstream(5), &[long]).await;
        assert!(matches!(result, Err(Failed::Asked(error)) if error == long));
        assert_eq!((asked, took), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_breaker_ends_the_tries_with_what_opened_it() {
        let upstream = upstream(2);
        let (result, asked, took) = ask(&upstream, &[Verdict::Broken(None); 3]).await;
        assert!(matches!(result, Err(Failed::Asked(Verdict::Broken(None)))));
        assert_eq!(asked, 2);
        assert!(took < FIRST_WAIT * 2, "{took:?}");
        let (result, asked, took) = ask(&upstream, &[]).await;
        assert!(matches!(result, Err(Failed::Open(Open { failures: 2, .. }))));
        assert_eq!((asked, took), (0, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_and_refusals_open_no_breaker() {
        let upstream = upstream(1);
        for failure in [Verdict::Busy(None), Verdict::Final] {
            let (result, ..) = ask(&upstream, &[failure; 3]).await;
            assert!(matches!(result, Err(Failed::Asked(_))));
        }
        assert!(ask(&upstream, &[]).await.0.is_ok());
    }
}
