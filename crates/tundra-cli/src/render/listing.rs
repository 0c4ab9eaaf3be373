//! What is in stores, for a person and for programs that read lines.

use std::{fmt::Write, time::SystemTime};

use tundra_core::ObjectInfo;
use tundra_storage::{AbandonedUpload, SignedUrl};

use crate::render::{
    counted, one_line, size,
    table::{Head, table},
};

/// An object with the location that other commands take.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Its place.
    pub(crate) location: String,
    /// What the store says of it.
    pub(crate) info: ObjectInfo,
}

/// Returns a table of objects for a terminal of this width.
pub(crate) fn listing(listed: &[Listed], width: u16) -> String {
    if listed.is_empty() {
        return String::new();
    }
    let rows = listed
        .iter()
        .map(|it| vec![size(it.info.size), modified(it), one_line(&it.location, None)])
        .collect();
    let heads = [Head::Number("size"), Head::Word("modified (UTC)"), Head::Text("location")];
    table(&heads, rows, Some(width))
}

/// Returns one location in each line.
pub(crate) fn locations(listed: &[Listed]) -> String {
    listed.iter().map(|it| format!("{}\n", it.location)).collect()
}

/// Returns size, time and location of each, with tabs between them.
pub(crate) fn long_listing(listed: &[Listed]) -> String {
    let line = |it: &Listed| format!("{}\t{}\t{}\n", it.info.size, modified(it), it.location);
    listed.iter().map(line).collect()
}

/// Returns the location and the time of each upload, with a tab between them.
pub(crate) fn uploads(base: &str, uploads: &[AbandonedUpload]) -> String {
    uploads
        .iter()
        .map(|it| format!("{}\t{base}/{}\n", moment(it.begun), one_line(&it.key, None)))
        .collect()
}

/// Returns what became of the uploads.
pub(crate) fn cleaned(count: usize, dry_run: bool) -> String {
    let uploads = counted(count as u64, "abandoned upload");
    match (count, dry_run) {
        (0, _) => "found no abandoned uploads\n".to_owned(),
        (_, true) => format!("found {uploads}; nothing was removed\n"),
        (_, false) => format!("removed {uploads}\n"),
    }
}

/// Returns what has to be known of a signed URL besides itself.
pub(crate) fn signed(signed: &SignedUrl) -> String {
    let seconds = signed.lasts.as_secs();
    let lasts = match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (days, ..) if seconds.is_multiple_of(86_400) => counted(days, "day"),
        (_, hours, _) if seconds.is_multiple_of(3600) => counted(hours, "hour"),
        (.., minutes) if seconds.is_multiple_of(60) => counted(minutes, "minute"),
        _ => counted(seconds, "second"),
    };
    let mut text = format!("good for {lasts}, for one object by {}\n", signed.method);
    for (name, value) in &signed.headers {
        text.push_str(&format!("send it with the header `{name}: {value}`\n"));
    }
    text
}

/// Returns the moment in UTC, such as `2026-11-21T10:02:15Z`.
pub(crate) fn moment(time: SystemTime) -> String {
    let mut text = String::new();
    // A moment before 1970 or behind the year 9999 has no such form.
    let is_late = time >= SystemTime::UNIX_EPOCH;
    match is_late && write!(text, "{}", humantime::format_rfc3339_seconds(time)).is_ok() {
        true => text,
        false => "-".to_owned(),
    }
}

fn modified(listed: &Listed) -> String {
    listed.info.modified.map_or_else(|| "-".to_owned(), moment)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tundra_core::Secret;

    use super::*;

    fn listed() -> Vec<Listed> {
        let object = |location: &str, size, modified| Listed {
            location: location.to_owned(),
            info: ObjectInfo { path: "x".parse().unwrap(), size, etag: None, modified },
        };
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        vec![
            object("s3://bucket/in/a.csv", 5, Some(time)),
            object("s3://bucket/in/b.csv", 773_000_000, None),
        ]
    }

    #[test]
    fn a_terminal_gets_a_table() {
        insta::assert_snapshot!(listing(&listed(), 80), @"
               size  modified (UTC)        location
          ─────────────────────────────────────────────────────
                5 B  1994-11-06T08:49:37Z  s3://bucket/in/a.csv
          737.2 MiB  -                     s3://bucket/in/b.csv
        ");
        assert_eq!(listing(&[], 80), "");
    }

    #[test]
    fn programs_get_lines() {
        assert_eq!(locations(&listed()), "s3://bucket/in/a.csv\ns3://bucket/in/b.csv\n");
        assert_eq!(
            long_listing(&listed()),
            "5\t1994-11-06T08:49:37Z\ts3://bucket/in/a.csv\n773000000\t-\ts3://bucket/in/b.csv\n"
        );
    }

    #[test]
    fn a_moment_without_a_form_is_none() {
        assert_eq!(moment(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
        assert_eq!(moment(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "-");
        assert_eq!(moment(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40)), "-");
    }

    #[test]
    fn a_signature_says_how_long_and_with_what() {
        let mut url = SignedUrl {
            url: Secret::new("https://hunter2"),
            method: "PUT",
            location: "s3://b/k".to_owned(),
            lasts: Duration::from_secs(3600),
            headers: vec![("Content-Type".to_owned(), "text/csv".to_owned())],
        };
        assert_eq!(
            signed(&url),
            "good for 1 hour, for one object by PUT\nsend it with the header `Content-Type: text/csv`\n"
        );
        for (seconds, says) in
            [(1, "1 second,"), (90, "90 seconds,"), (900, "15 minutes,"), (604_800, "7 days,")]
        {
            url.lasts = Duration::from_secs(seconds);
            assert!(signed(&url).contains(says), "{}", signed(&url));
        }
    }

    #[test]
    fn what_was_cleaned_is_counted() {
        assert_eq!(cleaned(0, true), "found no abandoned uploads\n");
        assert_eq!(cleaned(1, true), "found 1 abandoned upload; nothing was removed\n");
        assert_eq!(cleaned(1200, false), "removed 1,200 abandoned uploads\n");
    }
}
