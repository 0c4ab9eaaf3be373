//! Rows as values. What another program wrote may make no sense; it stands in nobody's way.

use std::time::{Duration, SystemTime};

use rusqlite::{Row, Rows};

use crate::Failure;

/// Reads rows until there are `limit`, and leaves those out that make no sense: `left_out` is told why.
///
/// # Errors
/// As SQLite fails, and `read` for any other reason.
pub fn sensible<T>(
    mut found: Rows<'_>,
    limit: usize,
    read: impl Fn(&Row<'_>) -> Result<T, Failure>,
    left_out: impl Fn(&str),
) -> Result<Vec<T>, Failure> {
    let mut values = Vec::new();
    while values.len() < limit
        && let Some(row) = found.next()?
    {
        match read(row) {
            Ok(value) => values.push(value),
            Err(Failure::Senseless(reason)) => left_out(&reason),
            Err(failure) => return Err(failure),
        }
    }
    Ok(values)
}

/// Returns the moment of so many microseconds since 1970.
///
/// # Errors
/// [`Failure::Senseless`] for one before that, which [`micros`] never makes.
pub fn moment(micros: i64) -> Result<SystemTime, Failure> {
    let since = u64::try_from(micros).map(Duration::from_micros).map_err(Failure::senseless)?;
    Ok(SystemTime::UNIX_EPOCH + since)
}

/// Returns a moment in microseconds since 1970; what is before counts as its first.
pub fn micros(moment: SystemTime) -> i64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_what_it_was_to_the_microsecond() {
        for kept in [0, 1, 1_760_000_000_000_001, i64::MAX] {
            assert_eq!(micros(moment(kept).unwrap()), kept);
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(micros(before), 0);
        assert!(matches!(moment(-1), Err(Failure::Senseless(_))));
    }
}
