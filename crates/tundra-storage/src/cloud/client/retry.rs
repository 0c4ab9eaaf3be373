//! What is tried again, and when.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use crate::{
    cloud::failure::{Asked, Failure, Seen},
    settings::TransferSettings,
};

/// The first pause lasts up to this long, and each one up to twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// No pause of our own lasts longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A store that refuses connections, or speaks something else, is asked less often: more likely than
/// that it is being restarted, the endpoint is wrong, and a person waits.
const CONNECTIONS: u32 = 4;

/// Returns how long to wait before the next attempt; nothing when there shall be none.
pub(super) fn pause(
    transfer: &TransferSettings,
    attempts: u32,
    begun: Instant,
    repeatable: bool,
    failure: &Failure,
) -> Option<Duration> {
    let limit = match &failure.seen {
        Seen::Answer(answer) if answer.deserves_retry() => transfer.attempts,
        Seen::Broken(_) | Seen::Silent(_) | Seen::Slow { .. } if repeatable => transfer.attempts,
        Seen::NoConnection(_) | Seen::NoHttp(_) if failure.asked == Asked::Store => {
            transfer.attempts.min(CONNECTIONS)
        }
        Seen::NoConnection(_) | Seen::NoHttp(_) => transfer.attempts.min(2),
        _ => return None,
    };
    if attempts >= limit {
        return None;
    }
    let mut pause = backoff(attempts);
    if let Seen::Answer(answer) = &failure.seen {
        // Never earlier than the store asks for.
        pause = pause.max(answer.retry_after.unwrap_or_default());
    }
    (begun.elapsed() + pause < transfer.retry_time).then_some(pause)
}

/// Returns a pause between half and all of what doubles with each attempt, so that those who were
/// refused together do not come back together.
fn backoff(attempts: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << (attempts - 1).min(16));
    let longest = doubled.min(LONGEST_PAUSE);
    longest / 2 + (longest / 2).mul_f64(chance())
}

/// Returns a number from 0 to 1. The keys of a hasher are random enough to spread pauses.
fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::failure::Answer;

    fn failed(seen: Seen) -> Failure {
        Failure {
            endpoint: "https://host".to_owned(),
            asked: Asked::Store,
            seen,
            attempts: 1,
            elapsed: Duration::ZERO,
        }
    }

    fn busy(retry_after: Option<u64>) -> Failure {
        let mut answer = Answer::new(503, None, "");
        answer.retry_after = retry_after.map(Duration::from_secs);
        failed(Seen::Answer(answer))
    }

    #[test]
    fn pauses_grow_and_end() {
        let transfer = TransferSettings::default();
        let pause = |attempts| super::pause(&transfer, attempts, Instant::now(), true, &busy(None));
        for (attempts, longest) in [(1, 100), (2, 200), (5, 1600), (9, 15_000)] {
            for _ in 0..50 {
                let pause = pause(attempts).unwrap().as_millis();
                assert!((longest / 2..=longest).contains(&pause), "{attempts}: {pause} ms");
            }
        }
        assert!(pause(10).is_none());
    }

    #[test]
    fn a_store_is_left_alone_for_as_long_as_it_asks() {
        let transfer = TransferSettings::default();
        let pause =
            |seconds| super::pause(&transfer, 1, Instant::now(), true, &busy(Some(seconds)));
        assert_eq!(pause(7), Some(Duration::from_secs(7)));
        assert_eq!(pause(100_000), None, "nobody waits for a day");
    }

    #[test]
    fn what_may_have_happened_is_not_repeated_blindly() {
        let transfer = TransferSettings::default();
        let broken = failed(Seen::Broken("reset".to_owned()));
        assert!(pause(&transfer, 1, Instant::now(), true, &broken).is_some());
        assert!(pause(&transfer, 1, Instant::now(), false, &broken).is_none());
    }

    #[test]
    fn a_wrong_endpoint_is_told_soon() {
        let transfer = TransferSettings::default();
        for seen in [Seen::NoConnection("refused".to_owned()), Seen::NoHttp("TLS".to_owned())] {
            let failure = failed(seen);
            assert!(pause(&transfer, 3, Instant::now(), true, &failure).is_some());
            assert!(pause(&transfer, 4, Instant::now(), true, &failure).is_none());
        }
        let insecure = failed(Seen::Insecure);
        assert!(pause(&transfer, 1, Instant::now(), true, &insecure).is_none());
    }
}
