//! The members of an archive that match a pattern.
//!
//! Start at [`Unpacking::members`]. A compressed archive is unpacked from its beginning for each member that is
//! read, so that many of them would take the square of their number. It is unpacked to a temporary file once
//! instead, as far as members are wanted of it; where there is no room for that, it takes its time.

use std::sync::{Arc, atomic::Ordering};

use tokio::runtime::Handle;
use tundra_unpack::{Container, Unpacked};

use super::{TempFile, Unpacking};
use crate::{
    Error, ObjectInfo, ObjectReader, Result, StorageError,
    read::source::{Stored, read_error},
};

/// A member of an archive.
#[derive(Debug, Clone)]
pub(crate) struct Member(Arc<Found>);

#[derive(Debug)]
struct Found {
    /// How it is got at in what was unpacked, or else in the object.
    way: tundra_unpack::Member,
    /// The version of the object that it was found in.
    version: ObjectInfo,
    /// The archive as it came out of what stands around it.
    unpacked: Option<Arc<dyn ObjectReader>>,
}

impl Member {
    /// Returns its name in full.
    pub(crate) fn name(&self) -> String {
        self.0.way.name()
    }

    /// Returns its name as messages have it.
    pub(crate) fn shown(&self) -> String {
        self.0.way.shown()
    }

    /// Returns how it is got at in what [`Member::unpacked`] returns, or else in the object.
    pub(super) fn way(&self) -> &tundra_unpack::Member {
        &self.0.way
    }

    /// Checks that an object is what the member was found in.
    pub(super) fn check_version(&self, info: &ObjectInfo, location: &str) -> Result<()> {
        if *info == self.0.version {
            return Ok(());
        }
        let source = StorageError::Changed { location: location.to_owned() };
        Err(Error::Storage { role: "could not read the input", source })
    }

    /// Returns what is read in the place of the object, if something is.
    pub(super) fn unpacked(&self) -> Option<&Arc<dyn ObjectReader>> {
        self.0.unpacked.as_ref()
    }
}

impl Unpacking {
    /// Finds the members of an archive whose names are `wanted`. Blocks.
    ///
    /// # Errors
    /// Fails when it is no archive, and when it cannot be read.
    pub(crate) fn members(
        &self,
        object: &Arc<dyn ObjectReader>,
        runtime: &Handle,
        location: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Member>> {
        let size = object.info().size.min(Container::HEAD_BYTES as u64);
        let head = runtime.block_on(object.read(0..size));
        let head =
            head.map_err(|source| Error::Storage { role: "could not read the input", source })?;
        let stored = self.stored(object, runtime);
        let found = Unpacked::members(&stored, &head, self.limits, wanted)
            .map_err(|error| read_error(error, location))?;
        let unpacked = self.archive(&stored, &found, location)?;
        let of = |way: tundra_unpack::Member| {
            let way = if unpacked.is_some() { way.of_archive() } else { way };
            let version = object.info().clone();
            Member(Arc::new(Found { way, version, unpacked: unpacked.clone() }))
        };
        Ok(found.into_iter().map(of).collect())
    }

    /// Unpacks an archive of which several members are wanted, where something stands around it and there is
    /// room.
    fn archive(
        &self,
        stored: &Stored,
        members: &[tundra_unpack::Member],
        location: &str,
    ) -> Result<Option<Arc<dyn ObjectReader>>> {
        let [first, _, ..] = members else { return Ok(None) };
        let Some(way) = first.archive(stored, self.limits) else { return Ok(None) };
        let end = members.iter().map(tundra_unpack::Member::end).max();
        let room = self.max_temp_size.saturating_sub(self.archives_size.load(Ordering::Relaxed));
        let (file, size) = match self.write(stored, &way, location, room, end) {
            Ok(written) => written,
            Err(
                Error::TooLargeForTemp { .. }
                | Error::Storage { source: StorageError::NoSpace { .. }, .. },
            ) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.archives_size.fetch_add(size, Ordering::Relaxed);
        let info = ObjectInfo { size, ..stored.object.info().clone() };
        Ok(Some(Arc::new(TempFile { info, file })))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read, ops::Range, sync::atomic::AtomicU64};

    use bytes::Bytes;
    use tundra_unpack::{Layer, Limits};

    use super::*;
    use crate::Cancel;

    /// An object of a store that counts what is read of it.
    #[derive(Debug)]
    struct Counting {
        info: ObjectInfo,
        bytes: Bytes,
        read: AtomicU64,
    }

    #[async_trait::async_trait]
    impl ObjectReader for Counting {
        fn info(&self) -> &ObjectInfo {
            &self.info
        }

        async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
            self.read.fetch_add(range.end - range.start, Ordering::Relaxed);
            Ok(self.bytes.slice(range.start as usize..range.end as usize))
        }

        fn as_file(&self) -> Option<&File> {
            None
        }

        async fn check_unchanged(&self) -> Result<(), StorageError> {
            Ok(())
        }
    }

    /// The text of a member, which is hardly smaller when it is compressed.
    fn text(number: u64) -> Vec<u8> {
        let mut state = number + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b'0' + (state >> 33) as u8 % 64
        };
        (0..100_000).map(|_| next()).collect()
    }

    fn tar_gz(members: u64) -> Arc<Counting> {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(gzip);
        for number in 0..members {
            let text = text(number);
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append_data(&mut header, format!("{number}.csv"), text.as_slice()).unwrap();
        }
        let bytes = Bytes::from(archive.into_inner().unwrap().finish().unwrap());
        let (path, size) = ("in.tar.gz".parse().unwrap(), bytes.len() as u64);
        let info = ObjectInfo { path, size, etag: None, modified: None };
        Arc::new(Counting { info, bytes, read: AtomicU64::new(0) })
    }

    fn unpacking(max_temp_size: u64) -> Unpacking {
        Unpacking {
            member: None,
            found: None,
            limits: Limits::default(),
            temp_directory: std::env::temp_dir(),
            max_temp_size,
            archives_size: Arc::default(),
            cancel: Cancel::default(),
        }
    }

    /// Reads all members of an archive, and returns how many bytes were read of it.
    fn read_all(unpacking: &Unpacking, archive: &Arc<Counting>) -> u64 {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        archive.read.store(0, Ordering::Relaxed);
        let object: Arc<dyn ObjectReader> = Arc::clone(archive) as Arc<dyn ObjectReader>;
        let found = unpacking.members(&object, runtime.handle(), "x", &|_| true).unwrap();
        for (number, member) in (0..).zip(found) {
            assert_eq!(member.name(), format!("{number}.csv"));
            let unpacking = Unpacking { found: Some(member), ..unpacking.clone() };
            let way = runtime.block_on(unpacking.find(&object, b"", 100, "x")).unwrap().unwrap();
            let mut read = Vec::new();
            let stored = unpacking.stored(&object, runtime.handle());
            way.open(&stored).unwrap().read_to_end(&mut read).unwrap();
            assert!(read == text(number), "member {number}");
            let layers: Vec<Layer> = way.layers().collect();
            assert!(matches!(layers[..], [Layer::Compressed(_), Layer::Member { .. }]));
        }
        archive.read.load(Ordering::Relaxed)
    }

    #[test]
    fn a_compressed_archive_is_unpacked_once_for_all_of_its_members() {
        let archive = tar_gz(40);
        let read = read_all(&unpacking(u64::MAX), &archive);
        assert!(read < 4 * archive.info.size, "{read} bytes of {}", archive.info.size);
    }

    #[test]
    fn without_room_members_are_read_all_the_same() {
        let archive = tar_gz(6);
        let with_room_for_one = unpacking(700_000);
        let read = read_all(&with_room_for_one, &archive);
        assert!(read < 4 * archive.info.size, "{read} bytes of {}", archive.info.size);
        let again = read_all(&with_room_for_one, &archive);
        assert!(again > read, "{again} bytes and {read}");
        read_all(&unpacking(1000), &archive);
    }

    #[test]
    fn another_version_of_an_archive_is_not_read() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (one, other) = (tar_gz(2), tar_gz(3));
        let object: Arc<dyn ObjectReader> = one;
        let unpacking = unpacking(u64::MAX);
        let found = unpacking.members(&object, runtime.handle(), "x", &|_| true).unwrap();
        let unpacking = Unpacking { found: found.into_iter().next(), ..unpacking };
        let object: Arc<dyn ObjectReader> = other;
        let error = runtime.block_on(unpacking.find(&object, b"", 100, "x")).unwrap_err();
        let is_changed =
            matches!(error, Error::Storage { source: StorageError::Changed { .. }, .. });
        assert!(is_changed, "{error}");
    }
}
