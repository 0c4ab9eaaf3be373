//! The members of archives, and which of them is meant.

pub(crate) mod tar;
pub(crate) mod zip;

use std::collections::HashSet;

use crate::{
    Codec, Error,
    shown::{escaped, listed, shown},
};

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name, which may be anything.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Where its bytes begin.
    pub(crate) start: u64,
    /// How many there are.
    pub(crate) packed: u64,
    /// How they are packed.
    pub(crate) packing: Packing,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file.
    File,
    /// Something that holds no data of its own: what it is, with its article.
    NoData(&'static str),
    /// A file that cannot be unpacked, and why.
    Unsupported(String),
}

/// How a member is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As it is.
    Tar,
    /// As a zip archive has it: compressed or not, with its length and its check sum.
    Zip { codec: Option<Codec>, size: u64, crc: u32 },
}

impl Entry {
    /// Returns its name without the `./` that `tar` puts before it, as it may be shown but in full:
    /// what is compared and kept must not lose what tells it from others.
    pub(crate) fn escaped(&self) -> String {
        escaped(plain(&self.name))
    }

    /// Returns the same, shortened.
    pub(crate) fn shown(&self) -> String {
        shown(plain(&self.name))
    }

    /// Returns whether somebody may have meant it when no name was given: a file that is not empty and not
    /// what macOS puts beside files.
    pub(crate) fn is_data(&self) -> bool {
        let name = plain(&self.name);
        let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_beside =
            name.starts_with(b"__MACOSX/") || last.starts_with(b"._") || last == b".DS_Store";
        let size = match self.packing {
            Packing::Tar => self.packed,
            Packing::Zip { size, .. } => size,
        };
        !matches!(self.kind, Kind::NoData(_)) && size > 0 && !is_beside
    }
}

/// Returns a name without the `./` that `tar` puts before it.
fn plain(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"./").unwrap_or(name)
}

/// Returns the member of this name, or the only one that holds data.
pub(crate) fn choose(entries: Vec<Entry>, member: Option<&str>) -> Result<Entry, Error> {
    let candidates = || entries.iter().filter(|entry| entry.is_data());
    let Some(wanted) = member else {
        let count = candidates().count();
        if count > 1 {
            let members = listed(candidates().map(|entry| entry.name.as_slice()));
            return Err(Error::SeveralMembers { count, members });
        }
        let found = entries.into_iter().find(Entry::is_data).ok_or(Error::NoMembers)?;
        return check(found);
    };
    // A name that is no UTF-8 can be given as it is shown.
    let is_wanted = |entry: &&Entry| {
        plain(&entry.name) == plain(wanted.as_bytes()) || escaped(&entry.name) == wanted
    };
    match entries.iter().filter(is_wanted).count() {
        0 => {
            let members = match candidates().count() {
                0 => "none that could be read".to_owned(),
                _ => listed(candidates().map(|entry| entry.name.as_slice())),
            };
            Err(Error::NoSuchMember { member: shown(wanted.as_bytes()), members })
        }
        1 => {
            let found = entries.iter().find(is_wanted).cloned().ok_or(Error::NoMembers)?;
            check(found)
        }
        _ => Err(Error::Ambiguous { member: shown(wanted.as_bytes()) }),
    }
}

/// Checks that no two members have one name, of which nobody could say which is meant.
pub(crate) fn check_names(entries: &[Entry]) -> Result<(), Error> {
    let mut seen = HashSet::with_capacity(entries.len());
    match entries.iter().find(|entry| !seen.insert(plain(&entry.name))) {
        Some(twice) => Err(Error::Ambiguous { member: twice.shown() }),
        None => Ok(()),
    }
}

/// Checks that a member can be read.
pub(crate) fn check(entry: Entry) -> Result<Entry, Error> {
    let member = || shown(&entry.name);
    match &entry.kind {
        Kind::File => Ok(entry),
        Kind::NoData(what) => Err(Error::NotData { member: member(), what }),
        Kind::Unsupported(what) => Err(Error::Unsupported { member: member(), what: what.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: Kind, packed: u64) -> Entry {
        Entry { name: name.into(), kind, start: 0, packed, packing: Packing::Tar }
    }

    #[test]
    fn the_only_data_is_meant_and_of_several_one_must_be_named() {
        let beside = [
            entry("a/", Kind::NoData("a directory"), 0),
            entry("__MACOSX/a/._x.csv", Kind::File, 9),
            entry("a/.DS_Store", Kind::File, 9),
            entry("a/empty", Kind::File, 0),
        ];
        let one = entry("./a/x.csv", Kind::File, 3);
        let other = entry("a/y.csv", Kind::File, 3);
        let with = |more: &[&Entry]| {
            beside.iter().chain(more.iter().copied()).cloned().collect::<Vec<_>>()
        };
        assert_eq!(choose(with(&[]), None), Err(Error::NoMembers));
        assert_eq!(choose(with(&[&one]), None), Ok(one.clone()));
        let several = choose(with(&[&one, &other]), None).unwrap_err();
        assert_eq!(
            several,
            Error::SeveralMembers { count: 2, members: "`./a/x.csv`, `a/y.csv`".to_owned() }
        );
        for name in ["a/x.csv", "./a/x.csv"] {
            assert_eq!(choose(with(&[&one, &other]), Some(name)), Ok(one.clone()));
        }
        assert!(matches!(
            choose(with(&[&one, &one]), Some("a/x.csv")),
            Err(Error::Ambiguous { .. })
        ));
        assert!(matches!(choose(with(&[&one]), Some("x.csv")), Err(Error::NoSuchMember { .. })));
        assert!(matches!(choose(with(&[&one]), Some("a/")), Err(Error::NotData { .. })));
    }
}
