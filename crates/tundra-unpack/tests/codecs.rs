//! Compressed files, whole and damaged.

use tundra_unpack::Error;

use crate::support::{CODECS, Refused, compress, table, unpack};

/// Long enough for several blocks of every codec but bzip2 and xz.
const ROWS: u32 = 20_000;

#[test]
fn what_was_compressed_comes_out() {
    for codec in CODECS {
        for rows in [0, 1, 100, ROWS] {
            let data = table(rows);
            assert!(unpack(&compress(codec, &data), None) == Ok(data), "{codec}, {rows} rows");
        }
    }
}

#[test]
fn nothing_that_was_compressed_is_nothing() {
    for codec in CODECS {
        assert_eq!(unpack(&compress(codec, b""), None), Ok(Vec::new()), "{codec}");
    }
}

#[test]
fn all_members_come_out_one_behind_the_other() {
    for codec in CODECS.into_iter().filter(|codec| *codec != "zlib") {
        let (one, other) = (table(ROWS), table(7));
        let members = [&one[..], b"", &other, b"", b""].map(|data| compress(codec, data));
        assert!(unpack(&members.concat(), None) == Ok([one, other].concat()), "{codec}");
    }
}

#[test]
fn frames_that_hold_no_data_are_passed_over() {
    let skipped = [&0x184d_2a53_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), b"hello"].concat();
    for codec in ["zstd", "lz4"] {
        let data = table(100);
        let packed = compress(codec, &data);
        let frames = [&skipped[..], &packed, &skipped, &skipped].concat();
        assert_eq!(unpack(&frames, None).as_deref(), Ok(&data[..]), "{codec}");
        let cut = &frames[..frames.len() - 1];
        assert!(
            matches!(unpack(cut, None), Err(Refused::Error(Error::Truncated { .. }))),
            "{codec}"
        );
    }
}

#[test]
fn zeros_behind_the_end_are_padding_where_the_format_has_it() {
    let data = table(10);
    for codec in CODECS {
        let padded = [compress(codec, &data), vec![0; 512]].concat();
        let allowed = ["gzip", "xz"].contains(&codec);
        assert_eq!(unpack(&padded, None).is_ok(), allowed, "{codec}");
    }
    let streams = [compress("xz", &data), vec![0; 8], compress("xz", &data)].concat();
    assert_eq!(unpack(&streams, None), Ok(data.repeat(2)));
}

#[test]
fn what_stands_behind_the_end_is_an_error_with_its_place() {
    for codec in CODECS {
        let packed = compress(codec, &table(10));
        for garbage in [&b"garbage"[..], b"\n", b"\xff"] {
            let byte = packed.len() as u64;
            let failed = unpack(&[&packed, garbage].concat(), None);
            let expected = Error::Trailing { what: codec, byte };
            assert_eq!(failed, Err(Refused::Error(expected)), "{codec}");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    for codec in CODECS {
        let packed = compress(codec, &table(60));
        for length in 1..packed.len() {
            match unpack(&packed[..length], None) {
                Err(Refused::Error(error)) => {
                    let byte = length as u64;
                    assert_eq!(
                        error,
                        Error::Truncated { what: codec, byte },
                        "{codec} at {length}"
                    );
                }
                // Too short to be known, or to be told from text.
                Err(Refused::Plain) => assert!(length < 12, "{codec} at {length}"),
                Ok(_) => panic!("{codec} at {length}: taken for whole"),
            }
        }
    }
}

#[test]
fn a_file_with_a_wrong_byte_anywhere_is_an_error_or_the_same() {
    for codec in CODECS {
        let data = table(60);
        let packed = compress(codec, &data);
        let mut told = 0;
        for at in 0..packed.len() {
            for flipped in [0x01, 0x20, 0x80, 0xff] {
                let mut packed = packed.clone();
                packed[at] ^= flipped;
                match unpack(&packed, None) {
                    Ok(other) => assert!(other == data, "{codec} at {at}: other data"),
                    Err(_) => told += 1,
                }
            }
        }
        // The headers of gzip have bytes that mean nothing for the data.
        assert!(told > packed.len() * 3, "{codec}: {told} of {}", packed.len() * 4);
    }
}

#[test]
fn plain_text_is_not_taken_for_compressed() {
    for text in ["a,b\n1,2\n", "x^2,y\n1,2\n", "BZh9,b\n", "", "\x1f"] {
        assert_eq!(unpack(text.as_bytes(), None), Err(Refused::Plain), "{text}");
        assert_eq!(
            unpack(text.as_bytes(), Some("x")),
            Err(Refused::Error(Error::NoArchive)),
            "{text}"
        );
    }
}
