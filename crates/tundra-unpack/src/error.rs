//! Why something could not be unpacked.

use std::io;

/// Why something could not be unpacked. Offsets are those in what is packed, unless the text says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The packed bytes end before their end.
    #[error("the {what} data is cut off: it ends at byte {byte}, before its end")]
    Truncated {
        /// What is packed how.
        what: &'static str,
        /// How many bytes there are.
        byte: u64,
    },

    /// The packed bytes are damaged.
    #[error("the {what} data is damaged before byte {byte}: {reason}")]
    Corrupt {
        /// What is packed how.
        what: &'static str,
        /// How many bytes were read when it showed.
        byte: u64,
        /// What is wrong with them, as a fragment.
        reason: String,
    },

    /// It cannot be unpacked with as little memory as may be used for it.
    #[error("the {what} data needs more than {limit} MiB to be unpacked, the most that is allowed")]
    Memory {
        /// What is packed how.
        what: &'static str,
        /// The limit, in MiB.
        limit: u64,
    },

    /// Bytes stand behind the end that are not packed the same way.
    #[error("other bytes stand behind the end of the {what} data, from byte {byte} on")]
    Trailing {
        /// What is packed how.
        what: &'static str,
        /// The first of them.
        byte: u64,
    },

    /// The list of an archive's members cannot be read.
    #[error("the directory of the zip archive cannot be read: {reason}")]
    Directory {
        /// What is wrong with it, as a fragment.
        reason: String,
    },

    /// More comes out than may.
    #[error(
        "more than {limit} bytes come out when it is unpacked, which is the most that is allowed"
    )]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },

    /// Too much comes out for what goes in.
    #[error("more than {ratio} bytes come out of each byte that is unpacked (at byte {packed})")]
    Ratio {
        /// Packed bytes that were read.
        packed: u64,
        /// The limit.
        ratio: u64,
    },

    /// The archive has too many members.
    #[error("the archive has more than {limit} members, the most that is allowed")]
    TooManyMembers {
        /// The limit.
        limit: usize,
    },

    /// There are too many containers within each other.
    #[error("it is packed more than {limit} times over, the most that is unpacked")]
    TooDeep {
        /// The limit.
        limit: usize,
    },

    /// An archive stands in something else that is packed.
    #[error("{}", nested(.inner, .outer, .member.as_deref()))]
    Nested {
        /// The archive.
        inner: &'static str,
        /// What stands around it.
        outer: &'static str,
        /// Its name in the archive around it, escaped, if that is one.
        member: Option<String>,
    },

    /// A member was named, and the archive has none of the name.
    #[error("the archive has no member `{member}`; it has {members}")]
    NoSuchMember {
        /// The name, escaped.
        member: String,
        /// The members that could be meant, escaped and shortened.
        members: String,
    },

    /// A member was named of something that is no archive.
    #[error("it is no archive and has no members")]
    NoArchive,

    /// No member was named, and there are several.
    #[error("the archive has {count} members that could be read: {members}")]
    SeveralMembers {
        /// How many there are.
        count: usize,
        /// Their names, escaped and shortened.
        members: String,
    },

    /// Two members have the name.
    #[error(
        "the archive has several members of the name `{member}`, so that it is not known which is meant"
    )]
    Ambiguous {
        /// The name, escaped.
        member: String,
    },

    /// There is no member that holds data.
    #[error("the archive has no member that could be read")]
    NoMembers,

    /// The member is not a file with data of its own.
    #[error("the member `{member}` is {what}")]
    NotData {
        /// The name, escaped.
        member: String,
        /// What it is, with its article.
        what: &'static str,
    },

    /// The member is packed in a way that is not unpacked.
    #[error("the member `{member}` is {what}, which is not unpacked")]
    Unsupported {
        /// The name, escaped.
        member: String,
        /// What it is.
        what: String,
    },
}

impl Error {
    /// Returns whether it is about a limit.
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. }
                | Self::Ratio { .. }
                | Self::TooManyMembers { .. }
                | Self::TooDeep { .. }
                | Self::Memory { .. }
        )
    }

    /// Returns whether it is about what was asked for, and not about the bytes.
    pub fn is_request(&self) -> bool {
        matches!(
            self,
            Self::NoSuchMember { .. }
                | Self::NoArchive
                | Self::SeveralMembers { .. }
                | Self::Ambiguous { .. }
                | Self::NotData { .. }
        )
    }

    /// Returns whether it is something that is not done.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported { .. } | Self::Nested { .. })
    }
}

/// Returns what is said of an archive within something else that is packed.
fn nested(inner: &str, outer: &str, member: Option<&str>) -> String {
    match member {
        Some(member) => format!(
            "its member `{member}` is a {inner} archive, and an archive within an archive is not unpacked"
        ),
        None => format!("a {inner} archive within a {outer} file is not unpacked"),
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
