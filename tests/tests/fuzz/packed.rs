//! Compressed files and archives with delimited text in them.

use tundra_core::{ConvertOptions, InspectOptions};

use super::{
    memory::bounded,
    run::{Fault, convert, inspect},
    target::Target,
};

/// Bytes of a header of tar, and where its check sum is.
const TAR_BLOCK: usize = 512;
const TAR_SUM: std::ops::Range<usize> = 148..156;

const TARGET: Target = Target {
    name: "packed",
    words: &[
        b"\x1f\x8b\x08\0",
        b"\x78\x9c",
        b"BZh9",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"\x50\x2a\x4d\x18",
        b"\x04\x22\x4d\x18",
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"PK\x06\x07",
        b"ustar\0",
        b"././@LongLink",
        b"99 path=x\n",
        b"77777777777",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\0\0\0\0\0\0\xff",
        b"../../",
        b"a.csv",
        b",",
        b"\n",
    ],
    inputs: 120,
    ways: 4,
    check,
};

#[test]
fn packed_of_the_corpus_is_converted_or_refused() {
    TARGET.replay();
}

#[test]
fn packed_that_is_damaged_is_converted_or_refused() {
    TARGET.fuzz();
}

fn check(bytes: &[u8], way: usize) -> Result<(), Fault> {
    let mut bytes = bytes.to_vec();
    // Half of the time the headers of tar have the check sums that they should have.
    if way % 2 == 1 {
        mend_sums(&mut bytes);
    }
    let member = (way >= 2).then(|| "a.csv".to_owned());
    let options = ConvertOptions { member: member.clone(), ..ConvertOptions::default() };
    let inspected = InspectOptions { member, ..InspectOptions::default() };
    bounded(|| {
        let converted = convert(&bytes, &options)?;
        inspect(&bytes, &inspected, converted.as_ref().ok())
    })
}

/// Puts the check sums of what looks like headers of tar right, so that what is in them counts.
fn mend_sums(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(TAR_BLOCK) {
        if !block[257..].starts_with(b"ustar") {
            continue;
        }
        block[TAR_SUM].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[TAR_SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}
