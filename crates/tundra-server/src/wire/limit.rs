//! How many things a request asks for: [`limit`].

use std::fmt::Display;

use crate::Failure;

/// Returns how many are answered at most: what is asked for, or what is usual.
///
/// # Errors
/// When it is none, or more than `most`: an answer that is shorter than was asked for would look like the end.
pub(super) fn limit<N>(asked: Option<N>, usual: N, most: N) -> Result<N, Failure>
where
    N: Copy + PartialOrd + From<u8> + Display,
{
    let asked = asked.unwrap_or(usual);
    if asked >= N::from(1) && asked <= most {
        return Ok(asked);
    }
    Err(Failure::invalid(format!("`limit` must be from 1 to {most}, and is {asked}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_outside_its_bounds_is_refused() {
        let check = |asked| limit::<u64>(asked, 50, 500).map_err(|failure| failure.detail);
        for (asked, answered) in [(None, 50), (Some(1), 1), (Some(500), 500)] {
            assert_eq!(check(asked), Ok(answered));
        }
        for asked in [0, 501, u64::MAX] {
            let told = format!("`limit` must be from 1 to 500, and is {asked}");
            assert_eq!(check(Some(asked)), Err(told));
        }
    }
}
