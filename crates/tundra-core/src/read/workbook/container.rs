//! What an archive, or an old Office document, holds.
//!
//! Start at [`recognise`]. It looks at names of parts and streams and at nothing within them but the
//! line that says what an OpenDocument is.

use std::io::Read;

use zip::ZipArchive;

use super::{bytes::Source, cfb::Streams, package::key};

/// What begins an archive.
const ZIP: &[u8] = b"PK\x03\x04";

/// What begins an old Office document.
pub(super) const CFB: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// What begins the line that names a spreadsheet of OpenDocument.
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// A workbook of XML parts: xlsx, xlsm.
    Xlsx,
    /// A workbook of binary parts.
    Xlsb,
    /// A spreadsheet of OpenDocument.
    Ods,
    /// A workbook of an old program.
    Xls,
    /// A workbook of one of these, encrypted.
    Encrypted,
}

/// Returns whether the first bytes are those of an archive or of an old Office document, which may be a
/// workbook.
pub(crate) fn may_be_workbook(head: &[u8]) -> bool {
    head.starts_with(ZIP) || head.starts_with(CFB)
}

/// Returns which sort of workbook it is; `None` when it is none. `head` is its first bytes: they say it
/// where the rest is cut off.
pub(crate) fn recognise(source: &Source, head: &[u8]) -> Option<Container> {
    if head.starts_with(CFB) {
        return of_streams(source);
    }
    if !head.starts_with(ZIP) {
        return None;
    }
    let Ok(mut archive) = ZipArchive::new(source.cursor()) else { return of_names_in(head) };
    let names: Vec<String> =
        archive.file_names().filter_map(Result::ok).map(|name| key(&name)).collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has("xl/workbook.xml") {
        return Some(Container::Xlsx);
    }
    if has("xl/workbook.bin") {
        return Some(Container::Xlsb);
    }
    let mut mime = String::new();
    if let Ok(part) = archive.by_name("mimetype") {
        // What cannot be read names nothing.
        drop(part.take(100).read_to_string(&mut mime));
    }
    if mime.starts_with(ODS) {
        return Some(Container::Ods);
    }
    // The main part may have another name.
    names.iter().any(|name| name.starts_with("xl/worksheets/")).then_some(Container::Xlsx)
}

/// Looks for names of parts in the beginning of an archive without a directory.
fn of_names_in(head: &[u8]) -> Option<Container> {
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    if has(ODS.as_bytes()) {
        return Some(Container::Ods);
    }
    if has(b"xl/workbook.bin") {
        return Some(Container::Xlsb);
    }
    (has(b"xl/workbook.xml") || has(b"xl/worksheets/")).then_some(Container::Xlsx)
}

fn of_streams(source: &Source) -> Option<Container> {
    let streams = Streams::open(source).ok()?;
    let has = |name: &str| streams.find(name).is_some();
    if has("EncryptedPackage") {
        return Some(Container::Encrypted);
    }
    (has("Workbook") || has("Book")).then_some(Container::Xls)
}

/// Returns whether the parts of an OpenDocument are encrypted, by what its manifest says.
pub(super) fn is_encrypted_manifest(manifest: &[u8]) -> bool {
    memchr::memmem::find(manifest, b"encryption-data").is_some()
}
