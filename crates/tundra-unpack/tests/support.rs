//! Files that are packed by other programs than those that unpack them, where there are such.

use std::io::{self, Read, Write};

use tundra_unpack::{Error, Limits, Unpacked};

/// The codecs that have a file format of their own, by their names.
pub(crate) const CODECS: [&str; 6] = ["gzip", "zlib", "bzip2", "xz", "zstd", "lz4"];

/// Compresses with the check sums that each codec has.
pub(crate) fn compress(codec: &str, data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    match codec {
        "gzip" => {
            let mut writer = flate2::GzBuilder::new()
                .filename("table.csv")
                .write(&mut packed, flate2::Compression::default());
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "zlib" => {
            let mut writer =
                flate2::write::ZlibEncoder::new(&mut packed, flate2::Compression::default());
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "bzip2" => {
            let mut writer =
                bzip2::write::BzEncoder::new(&mut packed, bzip2::Compression::default());
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "xz" => {
            let options = lzma_rust2::XzOptions::with_preset(1);
            let mut writer = lzma_rust2::XzWriter::new(&mut packed, options).unwrap();
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "zstd" => {
            let mut writer = zstd::Encoder::new(&mut packed, 3).unwrap();
            writer.include_checksum(true).unwrap();
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        "lz4" => {
            let info = lz4_flex::frame::FrameInfo::new()
                .block_checksums(true)
                .content_checksum(true)
                .block_mode(lz4_flex::frame::BlockMode::Linked);
            let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(info, &mut packed);
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        other => panic!("no codec is named {other}"),
    }
    packed
}

/// A table of so many rows.
pub(crate) fn table(rows: u32) -> Vec<u8> {
    let mut text = b"id,name,amount\n".to_vec();
    for row in 0..rows {
        let amount = u64::from(row) * 7919 % 100_003;
        writeln!(text, "{row},name {},{amount}.{:02}", amount % 977, row % 100).unwrap();
    }
    text
}

/// A tar archive of these members.
pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *data).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A zip archive of these members.
pub(crate) fn zip(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, data) in members {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(*name, options).unwrap();
        archive.write_all(data).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Why something was not unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not packed, as far as can be seen.
    Plain,
    /// It cannot be unpacked.
    Error(Error),
}

/// Unpacks all of it.
pub(crate) fn unpack(packed: &[u8], member: Option<&str>) -> Result<Vec<u8>, Refused> {
    unpack_within(packed, member, Limits::default())
}

/// Unpacks all of it, within limits.
pub(crate) fn unpack_within(
    packed: &[u8],
    member: Option<&str>,
    limits: Limits,
) -> Result<Vec<u8>, Refused> {
    let source = packed.to_vec();
    let head = &packed[..packed.len().min(1 << 20)];
    let found = Unpacked::find(&source, head, 1 << 20, member, limits).map_err(refused)?;
    let found = found.ok_or(Refused::Plain)?;
    let mut data = Vec::new();
    let mut stream = found.open(&source).map_err(refused)?;
    let read = stream.read_to_end(&mut data);
    read.map_err(refused)?;
    assert!(data.starts_with(found.head()), "the head is another one");
    assert_eq!(found.is_whole(), data.len() == found.head().len());
    Ok(data)
}

#[track_caller]
fn refused(error: io::Error) -> Refused {
    Refused::Error(error.downcast::<Error>().expect("an error of the packed bytes"))
}
