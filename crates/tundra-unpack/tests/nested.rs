//! Containers within containers.

use tundra_unpack::{Codec, Container, Error, Layer, Limits, Unpacked};
use zip::CompressionMethod;

use crate::support::{CODECS, Refused, compress, table, tar, unpack, zip};

fn found(packed: &[u8], member: Option<&str>) -> Unpacked {
    let source = packed.to_vec();
    let found = Unpacked::find(&source, packed, 1 << 20, member, Limits::default());
    found.unwrap().expect("something packed")
}

#[test]
fn archives_are_compressed_and_members_are_too() {
    let data = table(5_000);
    for codec in CODECS {
        let member = compress(codec, &data);
        let plain = tar(&[("a.csv", &data), ("b.csv", b"x\n1\n")]);
        assert!(unpack(&compress(codec, &plain), Some("a.csv")).as_ref() == Ok(&data), "{codec}");
        let packed = tar(&[("a.csv.x", &member)]);
        assert!(unpack(&packed, None).as_ref() == Ok(&data), "{codec}");
        assert!(unpack(&compress(codec, &packed), None).as_ref() == Ok(&data), "{codec}");
        let packed = zip(&[("a.csv.x", &member)], CompressionMethod::DEFLATE);
        assert!(unpack(&packed, None).as_ref() == Ok(&data), "{codec}");
    }
}

#[test]
fn the_layers_are_told_and_the_name_within_them_counts() {
    let data = table(3);
    let archive = tar(&[("dir/table.TSV.gz", &compress("gzip", &data))]);
    let packed = found(&compress("zstd", &archive), None);
    let layers: Vec<Layer> = packed.layers().collect();
    assert_eq!(
        layers,
        [
            Layer::Compressed(Codec::Zstd),
            Layer::Member { archive: Container::Tar, name: b"dir/table.TSV.gz".to_vec() },
            Layer::Compressed(Codec::Gzip),
        ]
    );
    assert_eq!(packed.extension("x.csv.zst").as_deref(), Some("TSV"));
    assert_eq!(packed.head(), data);

    let packed = found(&compress("gzip", &data), None);
    for (name, extension) in [
        ("x.csv.gz", Some("csv")),
        ("x.json.GZ", Some("json")),
        ("x.csv", Some("csv")),
        ("x.gz", None),
        ("gz", None),
        (".gz", None),
    ] {
        assert_eq!(packed.extension(name).as_deref(), extension, "{name}");
    }
}

#[test]
fn only_so_many_layers_are_unpacked() {
    let mut packed = table(3);
    for _ in 0..3 {
        packed = compress("gzip", &packed);
    }
    assert_eq!(unpack(&packed, None), Ok(table(3)));
    let deeper = compress("gzip", &packed);
    let expected = Error::TooDeep { limit: 3 };
    assert_eq!(unpack(&deeper, None), Err(Refused::Error(expected)));
}

#[test]
fn an_archive_in_an_archive_is_refused() {
    let inner = zip(&[("a.csv", &table(3))], CompressionMethod::DEFLATE);
    for (outer, archive, member) in [
        ("tar", tar(&[("b/inner.zip", &inner)]), Some("b/inner.zip")),
        ("zip", zip(&[("inner.zip", &inner)], CompressionMethod::STORE), Some("inner.zip")),
        ("gzip", compress("gzip", &inner), None),
    ] {
        let member = member.map(str::to_owned);
        let expected = Error::Nested { inner: "zip", outer, member };
        assert_eq!(unpack(&archive, None), Err(Refused::Error(expected)));
    }
    let twice = tar(&[("inner.tar", &tar(&[("a.csv", &table(3))]))]);
    let member = Some("inner.tar".to_owned());
    let expected = Error::Nested { inner: "tar", outer: "tar", member };
    assert_eq!(unpack(&twice, None), Err(Refused::Error(expected.clone())));
    assert_eq!(
        expected.to_string(),
        "its member `inner.tar` is a tar archive, and an archive within an archive is not unpacked"
    );
    let expected = Error::Nested { inner: "zip", outer: "gzip", member: None };
    assert_eq!(expected.to_string(), "a zip archive within a gzip file is not unpacked");
}

#[test]
fn workbooks_and_documents_are_no_archives_but_their_members_are_found() {
    let workbook = zip(
        &[("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")],
        CompressionMethod::DEFLATE,
    );
    assert_eq!(unpack(&workbook, None), Err(Refused::Plain));
    assert_eq!(unpack(&workbook, Some("xl/workbook.xml")), Err(Refused::Error(Error::NoArchive)));
    assert_eq!(unpack(&compress("gzip", &workbook), None).as_ref(), Ok(&workbook));
    let archive = tar(&[("a.xlsx", &workbook)]);
    assert_eq!(unpack(&archive, Some("a.xlsx")).as_ref(), Ok(&workbook));
}
