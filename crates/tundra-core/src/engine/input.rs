//! What an input is: its format and, for text, its encoding.

use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use tokio::runtime::Handle;

use crate::{
    ConvertOptions, Decision, Error, Format, Input, ObjectReader, SourceFacts, TextHints,
    read::{
        csv::table::CsvTable,
        json::{self, JsonTable},
        source::{TextSource, read_error},
        table::{ReadContext, Table},
    },
};

/// Bytes at the beginning of an input that are looked at before it is read. About a thousand
/// records of ordinary width, and still read in under a millisecond.
const SAMPLE_BYTES: u64 = 1 << 20;

/// An input that is open, and what it is.
#[derive(Debug)]
pub(crate) struct OpenInput {
    /// The object.
    pub(crate) object: Arc<dyn ObjectReader>,
    /// Its place as a person would write it.
    pub(crate) location: String,
    /// Its format.
    pub(crate) format: Format,
    /// Its first bytes.
    head: Vec<u8>,
}

impl OpenInput {
    /// Opens the input and finds out its format, unless `format` is given.
    pub(crate) async fn open(input: &Input, format: Option<Format>) -> Result<Self, Error> {
        let read = |source| Error::Storage { role: "could not read the input", source };
        let location = input.storage.display(&input.path);
        let object = input.storage.open(&input.path).await.map_err(read)?;
        let size = object.info().size;
        if size == 0 {
            return Err(Error::EmptyInput { input: location });
        }
        let head = object.read(0..size.min(SAMPLE_BYTES)).await.map_err(read)?.to_vec();
        let format = match format {
            Some(format) => format,
            None => find_format(&head, input.path.extension(), &location)?,
        };
        Ok(Self { object, location, format, head })
    }

    /// Returns whether the head is all of the input.
    fn is_whole(&self) -> bool {
        self.head.len() as u64 == self.object.info().size
    }

    /// Returns what the receipt says of the source.
    pub(crate) fn facts(&self) -> SourceFacts {
        let info = self.object.info();
        SourceFacts {
            location: self.location.clone(),
            format: self.format.name().to_owned(),
            size_bytes: info.size,
            etag: info.etag.clone(),
        }
    }

    /// Reads the beginning of a text input and returns it as a table, with what was decided about
    /// its encoding.
    pub(crate) fn table(
        &self,
        options: &ConvertOptions,
        runtime: &Handle,
        context: ReadContext,
    ) -> Result<(Box<dyn Table>, Decision), Error> {
        let (encoding, mark, decision) = find_encoding(&self.head, self.is_whole(), &options.text)?;
        let source = TextSource::new(
            Arc::clone(&self.object),
            self.location.clone(),
            runtime.clone(),
            encoding,
            mark,
        );
        let (sample, whole) = self.sample(&source, encoding, mark)?;
        if sample.iter().all(u8::is_ascii_whitespace) && whole {
            return Err(Error::EmptyInput { input: self.location.clone() });
        }
        let table: Box<dyn Table> = match self.format {
            Format::Csv => {
                Box::new(CsvTable::open(source, &sample, whole, options, None, context)?)
            }
            Format::Tsv => {
                let delimiter = Some("\t");
                Box::new(CsvTable::open(source, &sample, whole, options, delimiter, context)?)
            }
            Format::Json | Format::Ndjson => {
                Box::new(JsonTable::open(source, &sample, whole, options, context)?)
            }
            Format::Parquet => {
                return Err(Error::Internal("Parquet is not read as text".to_owned()));
            }
        };
        Ok((table, decision))
    }

    /// Returns the beginning of the text as UTF-8, and whether it is all of it.
    fn sample(
        &self,
        source: &TextSource,
        encoding: &'static Encoding,
        mark: u64,
    ) -> Result<(Vec<u8>, bool), Error> {
        use std::io::Read;

        if encoding == UTF_8 {
            let mark = usize::try_from(mark).unwrap_or(0);
            return Ok((self.head[mark.min(self.head.len())..].to_vec(), self.is_whole()));
        }
        let mut sample = Vec::new();
        let mut reader = source.open()?;
        reader
            .by_ref()
            .take(SAMPLE_BYTES)
            .read_to_end(&mut sample)
            .map_err(|error| read_error(error, &self.location))?;
        let whole = (sample.len() as u64) < SAMPLE_BYTES;
        Ok((sample, whole))
    }
}

/// Finds out the format by the content first and the name second: a name can be wrong.
fn find_format(head: &[u8], extension: Option<&str>, location: &str) -> Result<Format, Error> {
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if let Some(found) = known_binary(head) {
        return Err(Error::UnknownFormat { input: location.to_owned(), found: found.to_owned() });
    }
    let by_name = extension.and_then(Format::from_extension);
    if by_name == Some(Format::Parquet) {
        return Err(Error::BadParquet {
            input: location.to_owned(),
            source: "it does not begin with `PAR1`".into(),
        });
    }
    if is_binary(head) {
        return Err(Error::UnknownFormat {
            input: location.to_owned(),
            found: "binary data".to_owned(),
        });
    }
    if let Some(format) = by_name {
        return Ok(format);
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if matches!(text.first(), Some(b'{' | b'[')) && json::detect(text).is_some() {
        return Ok(Format::Json);
    }
    Ok(Format::Csv)
}

/// Names the well-known formats that are not read.
fn known_binary(head: &[u8]) -> Option<&'static str> {
    const MAGICS: [(&[u8], &str); 15] = [
        (b"\x1f\x8b", "a gzip archive"),
        (b"PK\x03\x04", "a zip archive or an Office document"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ\x00", "an xz archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
        (b"SQLite format 3\x00", "a SQLite database"),
        (b"%PDF-", "a PDF document"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"ARROW1", "an Arrow IPC file"),
        (b"Obj\x01", "an Avro file"),
        (b"ORC", "an ORC file"),
        (b"\x7fELF", "a program"),
    ];
    MAGICS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

/// Returns whether the bytes are no text in any encoding that is read: text has no control
/// characters but blanks, and zeros only in UTF-16.
fn is_binary(head: &[u8]) -> bool {
    if Encoding::for_bom(head).is_some() || looks_like_utf16(head).is_some() {
        return false;
    }
    let head = &head[..head.len().min(64 << 10)];
    let controls = head
        .iter()
        .filter(|&&byte| {
            byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b | 0x1e | 0x1f)
        })
        .count();
    let zeros = head.contains(&0);
    // A stray control character happens in exports; many do not.
    zeros && controls * 50 > head.len() || controls * 10 > head.len()
}

/// Recognises UTF-16 without a byte-order mark: half of the bytes of Western text are zero.
fn looks_like_utf16(head: &[u8]) -> Option<&'static Encoding> {
    let head = &head[..head.len().min(4096) & !1];
    if head.len() < 4 {
        return None;
    }
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|&&b| b == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
    if odd * 10 >= half * 7 && even * 20 < half {
        return Some(UTF_16LE);
    }
    (even * 10 >= half * 7 && odd * 20 < half).then_some(UTF_16BE)
}

/// Finds out the encoding and the length of a byte-order mark.
fn find_encoding(
    head: &[u8],
    whole: bool,
    hints: &TextHints,
) -> Result<(&'static Encoding, u64, Decision), Error> {
    let decide = |encoding: &'static Encoding, mark: usize, confidence: f64, reason: &str| {
        let decision = Decision {
            what: "encoding".to_owned(),
            value: encoding.name().to_owned(),
            confidence,
            reason: reason.to_owned(),
        };
        (encoding, mark as u64, decision)
    };
    let mark = Encoding::for_bom(head);
    if let Some(label) = &hints.encoding {
        let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| Error::Request {
            message: format!("there is no encoding `{label}`"),
            hint: Some(
                "use a WHATWG label such as utf-8, utf-16le, windows-1252, iso-8859-2, shift_jis, \
                 gb18030, big5, euc-kr or koi8-r"
                    .to_owned(),
            ),
        })?;
        let length = mark.filter(|(found, _)| *found == encoding).map_or(0, |(_, length)| length);
        return Ok(decide(encoding, length, 1.0, "given"));
    }
    if let Some((encoding, length)) = mark {
        return Ok(decide(encoding, length, 1.0, "byte-order mark"));
    }
    if let Some(encoding) = looks_like_utf16(head) {
        return Ok(decide(encoding, 0, 0.9, "every other byte is zero"));
    }
    match std::str::from_utf8(head) {
        Ok(_) if head.is_ascii() => return Ok(decide(UTF_8, 0, 1.0, "the sample is ASCII")),
        Ok(_) => return Ok(decide(UTF_8, 0, 1.0, "the sample is valid UTF-8")),
        // The sample may end within a character.
        Err(error) if !whole && error.error_len().is_none() => {
            return Ok(decide(UTF_8, 0, 1.0, "the sample is valid UTF-8"));
        }
        Err(_) => {}
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(head, whole);
    let encoding = detector.guess(None, chardetng::Utf8Detection::Deny);
    Ok(decide(encoding, 0, 0.7, "not UTF-8; the likeliest by the frequency of its characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(head: &[u8], extension: Option<&str>) -> Option<Format> {
        find_format(head, extension, "x").ok()
    }

    #[test]
    fn content_goes_before_the_name() {
        assert_eq!(format(b"PAR1....", Some("csv")), Some(Format::Parquet));
        assert_eq!(format(b"a,b\n1,2\n", None), Some(Format::Csv));
        assert_eq!(format(b"a\tb\n", Some("tsv")), Some(Format::Tsv));
        assert_eq!(format(b"\xEF\xBB\xBF {\"a\": 1}", None), Some(Format::Json));
        assert_eq!(format(b"a,b", Some("parquet")), None);
        assert_eq!(format(b"\x1f\x8b\x08", Some("csv")), None);
        assert_eq!(format(b"\x00\x01\x02\x03\x04\x05\x00\x00", None), None);
        assert_eq!(format(b"a\x00,\x00b\x00\n\x00", None), Some(Format::Csv));
    }

    #[test]
    fn finds_encodings() {
        let find = |head: &[u8]| {
            let (encoding, mark, _) = find_encoding(head, true, &TextHints::default()).unwrap();
            (encoding.name(), mark)
        };
        assert_eq!(find(b"abc"), ("UTF-8", 0));
        assert_eq!(find(b"\xEF\xBB\xBFabc"), ("UTF-8", 3));
        assert_eq!(find(b"\xFF\xFEa\0b\0"), ("UTF-16LE", 2));
        assert_eq!(find(b"a\0,\0b\0\n\0"), ("UTF-16LE", 0));
        assert_eq!(find("Grüße, Straße, möglich".as_bytes()), ("UTF-8", 0));
        assert_eq!(find(b"Gr\xfc\xdfe aus M\xfcnchen, sch\xf6n"), ("windows-1252", 0));
        let hints = TextHints { encoding: Some("latin-9000".to_owned()), ..TextHints::default() };
        assert!(find_encoding(b"a", true, &hints).is_err());
    }
}
