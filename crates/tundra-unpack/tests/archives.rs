//! Archives, whole and damaged, and hostile ones.

use tundra_unpack::Error;
use zip::CompressionMethod;

use crate::support::{Refused, compress, table, tar, unpack, zip};

fn archives(members: &[(&str, &[u8])]) -> [(&'static str, Vec<u8>); 3] {
    [
        ("tar", tar(members)),
        ("stored zip", zip(members, CompressionMethod::STORE)),
        ("zip", zip(members, CompressionMethod::DEFLATE)),
    ]
}

#[test]
fn the_only_member_needs_no_name_and_one_of_several_does() {
    let (one, other) = (table(50_000), table(3));
    for (what, archive) in archives(&[("a/one.csv", &one), ("a/empty.csv", b"")]) {
        assert!(unpack(&archive, None).as_ref() == Ok(&one), "{what}");
    }
    for (what, archive) in archives(&[("a/one.csv", &one), ("other.csv", &other)]) {
        let several =
            Error::SeveralMembers { count: 2, members: "`a/one.csv`, `other.csv`".to_owned() };
        assert_eq!(unpack(&archive, None), Err(Refused::Error(several)), "{what}");
        assert!(unpack(&archive, Some("a/one.csv")).as_ref() == Ok(&one), "{what}");
        assert!(unpack(&archive, Some("other.csv")).as_ref() == Ok(&other), "{what}");
        let missing = unpack(&archive, Some("one.csv"));
        assert!(matches!(missing, Err(Refused::Error(Error::NoSuchMember { .. }))), "{what}");
    }
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_an_error_or_the_same() {
    let data = table(40);
    for (what, archive) in archives(&[("one.csv", &data)]) {
        for length in 1..archive.len() {
            match unpack(&archive[..length], None) {
                Err(Refused::Error(_)) => {}
                Err(Refused::Plain) => assert!(length < 512, "{what} at {length}"),
                // The last blocks of a tar archive are nothing but zeros.
                Ok(found) => assert!(what == "tar" && found == data, "{what} at {length}"),
            }
        }
    }
}

#[test]
fn a_zip_archive_with_a_wrong_byte_anywhere_is_an_error_or_the_same() {
    let data = table(40);
    for (what, archive) in &archives(&[("one.csv", &data)])[1..] {
        for at in 0..archive.len() {
            for flipped in [0x01, 0x08, 0x80, 0xff] {
                let mut archive = archive.clone();
                archive[at] ^= flipped;
                if let Ok(other) = unpack(&archive, None) {
                    assert!(other == data, "{what} at {at}: other data");
                }
            }
        }
    }
}

#[test]
fn a_tar_archive_with_a_wrong_byte_anywhere_does_no_harm() {
    // It has no check sums of data, so only headers can be told to be damaged.
    let data = table(40);
    let archive = tar(&[("one.csv", &data)]);
    for at in 0..archive.len() {
        let mut archive = archive.clone();
        archive[at] ^= 0xff;
        let is_data = (512..512 + data.len()).contains(&at);
        assert_eq!(
            unpack(&archive, None).is_ok(),
            is_data || at >= 512 + data.len() && at < 512 + data.len().next_multiple_of(512),
            "at {at}"
        );
    }
}

#[test]
fn names_are_shown_and_never_used() {
    let data = table(3);
    let hostile = [
        "../../../../etc/passwd",
        "/etc/shadow",
        "C:\\Windows\\system32\\x",
        "\u{1b}]0;title\u{7}.csv",
        "line\nbreak.csv",
        "a\u{202e}vsc.exe",
    ];
    for name in hostile {
        for archive in
            [zip(&[(name, &data)], CompressionMethod::DEFLATE), raw_tar(name, b'0', &data)]
        {
            assert_eq!(unpack(&archive, None).as_ref(), Ok(&data), "{name:?}");
            assert_eq!(unpack(&archive, Some(name)).as_ref(), Ok(&data), "{name:?}");
            let Err(Refused::Error(missing)) = unpack(&archive, Some("nothing")) else {
                panic!("{name:?}: there is no such member");
            };
            let text = missing.to_string();
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
    }
}

#[test]
fn what_holds_no_data_is_named_as_what_it_is() {
    let kinds = [
        (b'1', "a link to another member"),
        (b'2', "a symbolic link"),
        (b'3', "a device"),
        (b'4', "a device"),
        (b'5', "a directory"),
        (b'6', "a pipe"),
    ];
    for (kind, what) in kinds {
        let archive = raw_tar("it", kind, b"");
        assert_eq!(unpack(&archive, None), Err(Refused::Error(Error::NoMembers)));
        let expected = Error::NotData { member: "it".to_owned(), what };
        assert_eq!(unpack(&archive, Some("it")), Err(Refused::Error(expected)));
    }
    let sparse = Error::Unsupported { member: "it".to_owned(), what: "a sparse file".to_owned() };
    assert_eq!(unpack(&raw_tar("it", b'S', b"x"), None), Err(Refused::Error(sparse)));

    let mut link = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    link.add_symlink("it", "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
    let archive = link.finish().unwrap().into_inner();
    assert_eq!(unpack(&archive, None), Err(Refused::Error(Error::NoMembers)));
    let expected = Error::NotData { member: "it".to_owned(), what: "a symbolic link" };
    assert_eq!(unpack(&archive, Some("it")), Err(Refused::Error(expected)));
}

#[test]
fn encrypted_and_unknown_members_are_named_as_such() {
    let archive = zip(&[("it", b"a,b\n1,2\n")], CompressionMethod::STORE);
    // The flags stand in the member's own header and in the directory.
    let directory = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let mut encrypted = archive.clone();
    encrypted[6] |= 1;
    encrypted[directory + 8] |= 1;
    let expected = Error::Unsupported { member: "it".to_owned(), what: "encrypted".to_owned() };
    assert_eq!(unpack(&encrypted, None), Err(Refused::Error(expected)));

    let mut unknown = archive;
    unknown[8] = 14;
    unknown[directory + 10] = 14;
    let Err(Refused::Error(Error::Unsupported { what, .. })) = unpack(&unknown, None) else {
        panic!("the method is not read");
    };
    assert!(what.contains("method"), "{what}");
}

#[test]
fn long_names_of_tar_are_read_whole() {
    let data = table(3);
    let long = format!("{}/table.csv", "directory/".repeat(30));
    let archive = tar(&[(&long, &data), ("other.csv", &data)]);
    assert_eq!(unpack(&archive, Some(&long)).as_ref(), Ok(&data));

    let mut builder = tar::Builder::new(Vec::new());
    let extensions = [("path", long.as_bytes()), ("comment", b"x")];
    builder.append_pax_extensions(extensions).unwrap();
    let mut pax = builder.into_inner().unwrap();
    pax.truncate(pax.len() - 1024);
    pax.extend(raw_tar("short", b'0', &data));
    assert_eq!(unpack(&pax, Some(&long)).as_ref(), Ok(&data));
}

/// A tar archive of one member, whatever its name and its type are.
fn raw_tar(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_old();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(data.len() as u64);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend_from_slice(data);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

#[test]
fn members_are_found_by_their_names_and_unpacked_one_by_one() {
    use std::io::Read;

    use tundra_unpack::{Limits, Unpacked};

    let (one, other) = (table(50_000), table(3));
    let inner = compress("gzip", &other);
    let members: [(&str, &[u8]); 4] =
        [("a/one.csv", &one), ("a/empty.csv", b""), ("b/other.csv.gz", &inner), ("read.me", b"x")];
    let mut all = archives(&members).map(|(_, archive)| archive).to_vec();
    all.push(compress("gzip", &tar(&members)));
    for archive in all {
        let head = &archive[..archive.len().min(1 << 20)];
        let wanted = |name: &str| name.contains(".csv");
        let found = Unpacked::members(&archive, head, Limits::default(), &wanted).unwrap();
        let names: Vec<String> = found.iter().map(|member| member.name()).collect();
        assert_eq!(names, ["a/one.csv", "b/other.csv.gz"]);
        for (member, expected) in found.iter().zip([&one, &other]) {
            let way = Unpacked::of_member(&archive, member, 100, Limits::default()).unwrap();
            let mut data = Vec::new();
            way.open(&archive).unwrap().read_to_end(&mut data).unwrap();
            assert!(data == *expected, "{}", member.name());
            assert!(way.member_name().is_some());
        }
    }
    let none = Unpacked::members(&one, &one, Limits::default(), &|_| true).unwrap_err();
    let none = none.downcast::<Error>().unwrap();
    assert_eq!(none, Error::NoArchive);
}

/// Finds the members that are wanted.
fn members(
    archive: &Vec<u8>,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<tundra_unpack::Member>, Error> {
    let found = tundra_unpack::Unpacked::members(
        archive,
        archive,
        tundra_unpack::Limits::default(),
        wanted,
    );
    found.map_err(|error| error.downcast::<Error>().unwrap())
}

#[test]
fn a_long_name_is_compared_as_a_whole_and_shortened_only_where_it_is_shown() {
    let data = table(3);
    let long = format!("{}/{}.csv", "d".repeat(60), "e".repeat(80));
    let other = format!("{}/{}.tsv", "d".repeat(60), "e".repeat(80));
    for (what, archive) in archives(&[("a.csv", &data), (&long, &data), (&other, &data)]) {
        let found = members(&archive, &|name| name.ends_with(".csv")).unwrap();
        let names: Vec<String> = found.iter().map(|member| member.name()).collect();
        assert_eq!(names, ["a.csv", long.as_str()], "{what}");
        assert_eq!(found[1].shown().chars().count(), 101, "{what}");
    }
}

#[test]
fn of_two_members_of_one_name_none_is_taken_whoever_asks() {
    let data = table(3);
    let archive = tar(&[("a.csv", &data), ("./a.csv", &data), ("b.csv", &data)]);
    let expected = Error::Ambiguous { member: "a.csv".to_owned() };
    assert_eq!(unpack(&archive, Some("a.csv")), Err(Refused::Error(expected.clone())));
    assert_eq!(members(&archive, &|_| true).unwrap_err(), expected);
    assert_eq!(members(&archive, &|name| name == "b.csv").unwrap().len(), 1);
}

#[test]
fn a_zip_archive_in_something_packed_is_told_as_one() {
    let inner = zip(&[("a.csv", &table(3))], CompressionMethod::DEFLATE);
    let found = members(&compress("gzip", &inner), &|_| true).unwrap_err();
    let expected = Error::Nested { inner: "zip", outer: "gzip", member: None };
    assert_eq!(found, expected);
}

#[test]
fn members_behind_a_sparse_file_are_read() {
    let data = table(3);
    for pieces in [1, 4, 5, 12, 25, 26, 60] {
        let mut archive = sparse("holes", pieces);
        archive.extend(raw_tar("sp.csv", b'0', &data));
        for archive in [compress("gzip", &archive), archive] {
            assert_eq!(unpack(&archive, Some("sp.csv")).as_ref(), Ok(&data), "{pieces} pieces");
        }
    }
    let archive = sparse("holes", 12);
    let what = "a sparse file".to_owned();
    let refused = Error::Unsupported { member: "holes".to_owned(), what };
    assert_eq!(unpack(&[&archive[..], &[0; 1024]].concat(), None), Err(Refused::Error(refused)));
    let cut_off = unpack(&archive[..700], None);
    assert!(matches!(cut_off, Err(Refused::Error(Error::Truncated { .. }))), "{cut_off:?}");
}

/// A sparse file as GNU tar writes it, of so many pieces of data of 512 bytes: four of them stand in its
/// header, and 21 in each block behind it.
fn sparse(name: &str, pieces: usize) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(512 * pieces as u64);
    let octal = |at: usize| format!("{:011o}\0{:011o}\0", at * 1024, 512);
    let gnu = header.as_gnu_mut().unwrap();
    for (at, slot) in gnu.sparse.iter_mut().enumerate() {
        slot.offset.copy_from_slice(&octal(at).as_bytes()[..12]);
        slot.numbytes.copy_from_slice(&octal(at).as_bytes()[12..]);
    }
    gnu.set_is_extended(pieces > 4);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    let more: Vec<usize> = (4..pieces).collect();
    for (number, block) in more.chunks(21).enumerate() {
        let mut bytes: Vec<u8> = block.iter().flat_map(|at| octal(*at).into_bytes()).collect();
        bytes.resize(512, 0);
        bytes[504] = u8::from((number + 1) * 21 < more.len());
        archive.extend(bytes);
    }
    archive.extend(vec![b'x'; 512 * pieces]);
    archive
}
