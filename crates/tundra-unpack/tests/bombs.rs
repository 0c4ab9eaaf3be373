//! Little that would become much.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use tundra_unpack::{Error, Limits, Unpacked};
use zip::CompressionMethod;

use crate::support::{Refused, compress, table, tar, unpack, unpack_within, zip};

/// Zeros, so many mebibytes of them.
fn zeros(mebibytes: usize) -> Vec<u8> {
    vec![0; mebibytes << 20]
}

/// Reads without keeping anything, and returns how much came out and how it ended.
fn drain(packed: Vec<u8>, limits: Limits) -> (u64, Option<Error>) {
    let head = packed.clone();
    let found = Unpacked::find(&packed, &head, 1 << 20, None, limits);
    let mut stream = match found.and_then(|found| found.expect("it is packed").open(&packed)) {
        Ok(stream) => stream,
        Err(error) => return (0, error.downcast().ok()),
    };
    let mut buffer = vec![0; 64 << 10];
    let mut count = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (count, None),
            Ok(read) => count += read as u64,
            Err(error) => return (count, error.downcast().ok()),
        }
    }
}

#[test]
fn too_much_for_what_goes_in_is_stopped_at_once() {
    // More comes out of it than of any table.
    let limits = Limits { free_bytes: 2 << 20, ..Limits::default() };
    for codec in ["bzip2", "xz", "zstd"] {
        let packed = compress(codec, &zeros(12));
        let began = Instant::now();
        let (count, error) = drain(packed, limits);
        assert!(matches!(error, Some(Error::Ratio { .. })), "{codec}: {error:?}");
        assert!(count < 6 << 20, "{codec}: {count} bytes came out");
        assert!(began.elapsed() < Duration::from_secs(30), "{codec}");
    }
}

#[test]
fn a_bomb_in_a_bomb_does_not_multiply() {
    let limits = Limits { ratio: 100, free_bytes: 1 << 20, ..Limits::default() };
    let once = compress("gzip", &zeros(64));
    let twice = compress("gzip", &once);
    let (count, error) = drain(twice, limits);
    assert!(matches!(error, Some(Error::Ratio { .. })), "{error:?}");
    assert!(count <= 2 << 20, "{count} bytes came out");
}

#[test]
fn no_more_comes_out_than_is_allowed() {
    let data = table(10_000);
    let exact = Limits { bytes: data.len() as u64, ..Limits::default() };
    let less = Limits { bytes: data.len() as u64 - 1, ..Limits::default() };
    for codec in ["gzip", "bzip2", "xz", "zstd", "lz4"] {
        let packed = compress(codec, &data);
        assert!(unpack_within(&packed, None, exact).as_ref() == Ok(&data), "{codec}");
        let expected = Error::TooLarge { limit: less.bytes };
        assert!(unpack_within(&packed, None, less) == Err(Refused::Error(expected)), "{codec}");
    }
    // A member counts that is passed over.
    let archive = compress("gzip", &tar(&[("a", &zeros(8)), ("b", b"x\n1\n")]));
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let expected = Error::TooLarge { limit: 1 << 20 };
    assert_eq!(unpack_within(&archive, Some("b"), limits), Err(Refused::Error(expected)));
}

#[test]
fn what_needs_too_much_memory_is_told_as_such() {
    // `a`, a newline, `1`: with a dictionary of 256 MiB, and with a window as long.
    let xz = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\
          \x20\x00\x00\x00\x09\x88\xa5\x76\x01\x00\x03\x61\x0a\x31\x0a\x00\
          \xa5\x95\xdb\xc3\xb7\xbe\xa3\xf0\x00\x01\x1c\x04\x6f\x2c\x9c\xc1\
          \x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";
    let zstd = b"\x28\xb5\x2f\xfd\x00\x90\x19\x00\x00a\n1";
    for (what, packed, limit) in [("xz", &xz[..], 192), ("zstd", zstd, 128)] {
        let expected = Error::Memory { what, limit };
        assert_eq!(unpack(packed, None), Err(Refused::Error(expected)));
    }
}

#[test]
fn archives_of_too_many_members_are_refused() {
    let names: Vec<String> = (0..101).map(|number| format!("{number}.csv")).collect();
    let members: Vec<(&str, &[u8])> =
        names.iter().map(|name| (name.as_str(), &b"x\n"[..])).collect();
    let limits = Limits { members: 100, ..Limits::default() };
    for archive in [tar(&members), zip(&members, CompressionMethod::STORE)] {
        let expected = Error::TooManyMembers { limit: 100 };
        assert_eq!(unpack_within(&archive, Some("7.csv"), limits), Err(Refused::Error(expected)));
        assert_eq!(unpack(&archive, Some("7.csv")), Ok(b"x\n".to_vec()));
    }
    // A directory that only says so is not believed, and nothing is set aside for it.
    let mut archive = zip(&members[..1], CompressionMethod::STORE);
    let end = archive.len() - 22;
    archive[end + 8..end + 12].copy_from_slice(&[0xff; 4]);
    assert!(matches!(unpack(&archive, None), Err(Refused::Error(_))));
}

#[test]
fn a_name_of_a_gigabyte_is_not_held() {
    let mut header = tar::Header::new_gnu();
    header.set_path("././@LongLink").unwrap();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 30);
    header.set_cksum();
    let began = Instant::now();
    let archive = [header.as_bytes().to_vec(), zeros(2)].concat();
    assert!(matches!(unpack(&archive, None), Err(Refused::Error(Error::Corrupt { .. }))));
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// A source whose reader fails.
#[derive(Debug)]
struct Failing(Vec<u8>);

impl tundra_unpack::Source for Failing {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn open(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        let rest = self.0[usize::try_from(at).unwrap()..self.0.len() / 2].to_vec();
        Ok(Box::new(io::Cursor::new(rest).chain(Fails)))
    }

    fn open_few(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        self.open(at)
    }
}

struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the store is away"))
    }
}

#[test]
fn what_a_store_says_is_not_taken_for_damage() {
    for codec in crate::support::CODECS {
        let data = compress(codec, &table(20_000));
        let head = data[..1000].to_vec();
        let source = Failing(data);
        let found = Unpacked::find(&source, &head, 1 << 10, None, Limits::default());
        let opened = found.and_then(|found| found.expect("it is packed").open(&source));
        let read = opened.and_then(|mut stream| io::copy(&mut stream, &mut io::sink()));
        assert_eq!(read.unwrap_err().to_string(), "the store is away", "{codec}");
    }
}
