//! What the paths do, a file for each group of them.
//!
//! Handlers are thin: they ask whether the caller may, check what can be checked at once, and hand a task
//! over. Which layers stand before them is the router's.

pub(crate) mod admin;
pub(crate) mod connection;
pub(crate) mod convert;
pub(crate) mod docs;
pub(crate) mod infer;
pub(crate) mod jobs;
pub(crate) mod metrics;
pub(crate) mod preview;
pub(crate) mod service;
pub(crate) mod sources;
pub(crate) mod uploads;

use std::str::FromStr;

use tundra_core::ErrorKind;

use crate::Failure;

/// Returns the failure of an answer that is not of the kind that was asked for: a bug.
pub(crate) fn other_answer() -> Failure {
    Failure::of_kind(ErrorKind::Internal, "the run answered something else than was asked for")
}

/// Reads where a page begins: the `next_cursor` of the page before it, if there was one.
pub(crate) fn cursor<T: FromStr>(text: Option<&str>) -> Result<Option<T>, Failure> {
    text.map(str::parse).transpose().map_err(|_| {
        Failure::invalid("`cursor` is none of this list").hint("give the `next_cursor` of a page")
    })
}

/// Cuts a page off what was found, which is one more than a page has where there are others behind it.
/// Returns the last of the page then.
pub(crate) fn cut<T>(found: &mut Vec<T>, page: usize) -> Option<&T> {
    let is_more = found.len() > page;
    found.truncate(page);
    found.last().filter(|_| is_more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_next_one_only_where_there_are_others_behind() {
        let mut found = vec![1, 2, 3];
        assert_eq!(cut(&mut found, 2), Some(&2));
        assert_eq!(found, [1, 2]);
        assert_eq!(cut(&mut found, 2), None);
        assert_eq!(found, [1, 2]);
        assert_eq!(cut(&mut Vec::<u8>::new(), 2), None);
    }

    #[test]
    fn a_cursor_of_no_page_is_refused() {
        assert_eq!(cursor::<u8>(None).unwrap(), None);
        assert_eq!(cursor::<u8>(Some("7")).unwrap(), Some(7));
        assert_eq!(cursor::<u8>(Some("seven")).unwrap_err().status, 400);
    }
}
