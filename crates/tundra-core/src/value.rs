//! Scalar values in text, read without loss.
//!
//! Every function takes the bytes of one value and returns it only when nothing of it is lost: an
//! integer with a leading zero is not an integer here, a decimal that a double cannot hold is not
//! a double. None of them allocates, none of them panics on any bytes.

pub(crate) mod asked;
pub(crate) mod decimal;
pub(crate) mod double;
pub(crate) mod figure;
pub(crate) mod forced;
pub(crate) mod format;
pub(crate) mod gap;
pub(crate) mod integer;
pub(crate) mod moment;
pub(crate) mod temporal;
pub(crate) mod words;

/// Reads `true` or `false`, in lower case, upper case or with a capital.
pub(crate) fn parse_boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}
