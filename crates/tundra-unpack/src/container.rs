//! What a container is, by its first bytes.

use crate::{Codec, archive::tar, codec::is_zlib};

/// Something that stands around data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// A compressed stream of bytes.
    Compressed(Codec),
    /// A tar archive.
    Tar,
    /// A zip archive, which may also be an office document.
    Zip,
}

impl Container {
    /// Bytes at the beginning of the data that are enough to find out, where there are so many.
    pub const HEAD_BYTES: usize = 64 << 10;

    /// Finds out what stands around data that begins with `head`, which is all of it or as much as
    /// [`Container::HEAD_BYTES`].
    pub fn find(head: &[u8]) -> Option<Self> {
        let head = &head[..head.len().min(Self::HEAD_BYTES)];
        if let Some(codec) = Codec::by_magic(head) {
            return Some(Self::Compressed(codec));
        }
        // An archive without a member begins with its end.
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            return Some(Self::Zip);
        }
        if tar::is_tar(head) {
            return Some(Self::Tar);
        }
        is_zlib(head).then_some(Self::Compressed(Codec::Zlib))
    }

    /// Returns its name as it stands in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compressed(codec) => codec.name(),
            Self::Tar => "tar",
            Self::Zip => "zip",
        }
    }
}
