//! What it means to a user that something is packed, or cannot be unpacked.

use std::fmt::Write as _;

use tundra_unpack::{Error, Layer, Unpacked, shown};

use crate::{Decision, ErrorKind};

/// Returns what sort of failure it is.
pub(crate) fn kind(error: &Error) -> ErrorKind {
    if error.is_limit() {
        ErrorKind::LimitExceeded
    } else if error.is_request() {
        ErrorKind::InvalidRequest
    } else if error.is_unsupported() {
        ErrorKind::Unsupported
    } else {
        ErrorKind::InvalidData
    }
}

/// Returns what can be done about it.
pub(crate) fn hints(error: &Error) -> Vec<String> {
    let hint = match error {
        Error::Nested { member: Some(member), .. } => {
            return vec![format!(
                "take `{member}` out first, such as with `unzip` or `tar`, and read that"
            )];
        }
        Error::TooLarge { .. } | Error::Ratio { .. } => {
            return vec![
                "if it is what it should be, unpack it first and read what comes out".to_owned(),
                "or say with `--max-unpacked` how much may come out of it, whatever it is packed to"
                    .to_owned(),
            ];
        }
        Error::Truncated { .. } | Error::Directory { .. } => {
            "the file was probably cut off on its way here; fetch it again"
        }
        Error::Corrupt { .. } => "the file was probably damaged on its way here; fetch it again",
        Error::Trailing { .. } => {
            "if what stands before them is all that is wanted, cut the file off there"
        }
        Error::TooManyMembers { .. } | Error::TooDeep { .. } | Error::Nested { .. } => {
            "unpack it first, and read the file that is meant"
        }
        Error::Memory { .. } => {
            "unpack it first and read what comes out, or compress it with a smaller dictionary"
        }
        Error::SeveralMembers { .. } | Error::NoSuchMember { .. } => {
            "name the one that is meant with `--member`, as it stands in the archive"
        }
        Error::NoArchive => "leave `--member` out",
        Error::Ambiguous { .. } => "unpack the archive first, and read the file that is meant",
        Error::NoMembers | Error::NotData { .. } => {
            "check what is in the archive; links, directories and empty files hold no table"
        }
        Error::Unsupported { .. } => "unpack it first with the program that has made it",
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

/// Returns the name by which errors speak of what comes out, whose lines and bytes they count.
pub(crate) fn name(location: &str, way: &Unpacked) -> String {
    let mut name = format!("{location} (");
    if let Some(member) = way.member_name() {
        let _ = write!(name, "{member}, ");
    }
    name + "unpacked)"
}

/// Returns what was decided: what stands around the text, the outermost first.
pub(crate) fn decisions(way: &Unpacked, member_is_given: bool) -> Vec<Decision> {
    let sure = |what: &str, value: String, reason: &str| Decision {
        what: what.to_owned(),
        value,
        confidence: 1.0,
        reason: reason.to_owned(),
    };
    let mut decisions = Vec::new();
    for layer in way.layers() {
        match layer {
            Layer::Compressed(codec) => decisions.push(sure(
                "compression",
                codec.to_string(),
                "the bytes say so; places are counted in what comes out of it",
            )),
            Layer::Member { archive, name } => {
                let reason = "the bytes say so; places are counted in the member";
                decisions.push(sure("archive", archive.name().to_owned(), reason));
                let reason = if member_is_given { "given" } else { "the only one that holds data" };
                decisions.push(sure("member", shown(&name), reason));
            }
            _ => {}
        }
    }
    decisions
}
