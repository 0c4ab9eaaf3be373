//! How much may come out of what is packed.

/// Bytes that may come out of a compressed input or of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnpackLimit {
    /// 1 TiB, and so many times as much as goes in: what is likely for a table.
    #[default]
    Usual,
    /// So many, and no more of what goes in than usual: for input of people who are not known.
    AtMost(u64),
    /// So many, whatever goes in: for somebody who knows what the input is.
    Allowed(u64),
}
