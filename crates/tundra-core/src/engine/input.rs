//! What an input is: its format and, for text, its encoding.

use std::{borrow::Cow, sync::Arc};

use encoding_rs::{Encoding, UTF_8};
use tokio::runtime::Handle;
use tundra_unpack::Unpacked;

use crate::{
    ConvertOptions, Decision, Error, Format, Input, JsonHints, ObjectPath, ObjectReader,
    SourceFacts,
    engine::unpack::{Unpacking, is_read_in_order},
    read::{
        csv::table::CsvTable,
        encoding::{TextEncoding, find_encoding, utf16, utf32},
        json::{self, GeoJsonTable, JsonTable},
        located::{Located, ObjectBytes},
        source::{Explain, TextSource, read_error},
        table::{ReadContext, Table},
        unpack,
        workbook::{Container, Source, WorkbookTable, may_be_workbook, recognise},
    },
};

/// Bytes at the beginning of an input that are looked at before it is read. About a thousand
/// records of ordinary width, and still read in under a millisecond.
const SAMPLE_BYTES: u64 = 1 << 20;

/// What encrypted Parquet begins and ends with.
const ENCRYPTED: &[u8] = b"PARE";

/// An input that is open, and what it is.
#[derive(Debug)]
pub(crate) struct OpenInput {
    /// The object that was opened.
    pub(crate) original: Arc<dyn ObjectReader>,
    /// The object that is read: the one that was opened, or a temporary file with what was unpacked of it.
    /// Of text that is packed it is the former, which only [`OpenInput::table`] knows to read.
    pub(crate) object: Arc<dyn ObjectReader>,
    /// What errors call it: its place, and what of it is read where that is not all.
    pub(crate) location: String,
    /// Its place as a person would write it.
    place: String,
    /// Its format.
    pub(crate) format: Format,
    /// Its first bytes.
    head: Vec<u8>,
    /// The head is all of it.
    is_whole: bool,
    /// What it is packed in.
    packed: Option<Packed>,
}

/// What stands around an input.
#[derive(Debug)]
struct Packed {
    way: Arc<Unpacked>,
    asked: Unpacking,
}

impl OpenInput {
    /// Opens the input and finds out its format, unless `format` is given. What is packed is unpacked.
    pub(crate) async fn open(
        input: &Input,
        format: Option<Format>,
        asked: Unpacking,
    ) -> Result<Self, Error> {
        let read = |source| Error::Storage { role: "could not read the input", source };
        let location = input.storage.display(&input.path);
        let object = input.storage.open(&input.path).await.map_err(read)?;
        Self::of(object, &input.path, location, format, asked).await
    }

    /// Finds out what an object is that is open, as [`OpenInput::open`] does. `location` is what errors call
    /// it.
    pub(crate) async fn of(
        object: Arc<dyn ObjectReader>,
        path: &ObjectPath,
        location: String,
        format: Option<Format>,
        asked: Unpacking,
    ) -> Result<Self, Error> {
        let read = |source| Error::Storage { role: "could not read the input", source };
        let size = object.info().size;
        if size == 0 {
            return Err(Error::EmptyInput { input: location });
        }
        let head = object.read(0..size.min(SAMPLE_BYTES)).await.map_err(read)?;
        let way = match asked.find(&object, &head, SAMPLE_BYTES, &location).await {
            // What is left of a workbook is an archive without a directory, too. It has no members that
            // could be asked for.
            Err(_) if asked.member.is_none() && find_workbook(&object, &head).await?.is_some() => {
                None
            }
            found => found?,
        };
        if let Some(way) = way {
            let packed = Packed { way, asked };
            let extension = packed.way.extension(path.file_name());
            return Self::open_packed(object, packed, format, extension.as_deref(), location).await;
        }
        let format = match format {
            Some(format) => format,
            None => format_of(&object, &head, path.extension(), &location).await?,
        };
        let (original, head, is_whole) =
            (Arc::clone(&object), head.to_vec(), head.len() as u64 == size);
        let place = location.clone();
        Ok(Self { original, object, location, place, format, head, is_whole, packed: None })
    }

    /// Takes GeoJSON that was found for plain JSON where the options ask for what only that has.
    #[must_use]
    pub(crate) fn settled(self, format: Option<Format>, json: &JsonHints) -> Self {
        let is_found = self.format == Format::GeoJson && format.is_none();
        let format = if is_found && json.records.is_some() { Format::Json } else { self.format };
        Self { format, ..self }
    }

    /// Finds out the format of what is packed, and unpacks it where it is not read in order.
    async fn open_packed(
        original: Arc<dyn ObjectReader>,
        packed: Packed,
        format: Option<Format>,
        extension: Option<&str>,
        place: String,
    ) -> Result<Self, Error> {
        let Packed { way, asked } = &packed;
        let location = unpack::name(&place, way);
        let head = way.head().to_vec();
        if head.is_empty() {
            return Err(Error::EmptyInput { input: location });
        }
        // What a workbook is shows only to who can look at its end.
        let file = match format.is_none() && may_be_workbook(&head) {
            true => Some(asked.to_file(&original, way, &place).await?),
            false => None,
        };
        let format = match format {
            Some(format) => format,
            None => {
                format_of(file.as_ref().unwrap_or(&original), &head, extension, &location).await?
            }
        };
        let object = match file {
            Some(file) => file,
            None if is_read_in_order(format) => Arc::clone(&original),
            None => asked.to_file(&original, way, &place).await?,
        };
        let is_whole = way.is_whole();
        let packed = Some(packed);
        Ok(Self { original, object, location, place, format, head, is_whole, packed })
    }

    /// Returns what was decided about what the input is packed in.
    pub(crate) fn decisions(&self) -> Vec<Decision> {
        self.packed.as_ref().map_or_else(Vec::new, |packed| {
            let asked = &packed.asked;
            unpack::decisions(&packed.way, asked.member.is_some() || asked.found.is_some())
        })
    }

    /// Returns how many bytes there are to be read, as progress counts them.
    pub(crate) fn total_bytes(&self) -> u64 {
        match &self.packed {
            Some(packed) if is_read_in_order(self.format) => packed.way.packed_size(),
            _ => self.object.info().size,
        }
    }

    /// Returns whether all of it was looked at when it was opened, as with every small input.
    pub(crate) fn is_small(&self) -> bool {
        self.is_whole
    }

    /// Returns its first bytes.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns how many bytes of memory a table of it goes on to hold.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.packed.as_ref().map_or(0, |packed| packed.way.head().len() as u64)
    }

    /// Returns whether the bytes at its beginning, all of them if it is short, are ASCII.
    pub(crate) fn begins_with_ascii(&self) -> bool {
        self.head.is_ascii()
    }

    /// Returns what the receipt says of the source.
    pub(crate) fn facts(&self) -> SourceFacts {
        let info = self.original.info();
        SourceFacts {
            location: self.place.clone(),
            format: self.format.name().to_owned(),
            size_bytes: info.size,
            etag: info.etag.clone(),
            database: None,
            inputs: None,
        }
    }

    /// Reads the beginning of an input that is not Parquet and returns it as a table, with what was
    /// decided about its encoding, if it is text.
    pub(crate) fn table(
        &self,
        options: &ConvertOptions,
        runtime: &Handle,
        context: ReadContext,
    ) -> Result<(Box<dyn Table>, Option<Decision>), Error> {
        if self.format == Format::Excel {
            let source = Source::new(Arc::clone(&self.object), runtime.clone());
            return Ok((Box::new(WorkbookTable::open(source, options, context)?), None));
        }
        let label = options.text.encoding.as_deref();
        let TextEncoding { encoding, mark, may_switch, decision } =
            find_encoding(&self.head, self.is_whole, label, &self.location)?;
        let mut source = TextSource::new(
            Arc::clone(&self.object),
            self.location.clone(),
            runtime.clone(),
            encoding,
            mark,
        );
        if let Some(Packed { way, asked }) = &self.packed {
            let stored = asked.stored(&self.original, runtime);
            source = source.unpacking(stored, Arc::clone(way));
        }
        let source = if may_switch { source.refusing_switches() } else { source };
        let mut context = context;
        if source.counts_object_bytes() {
            let source = source.clone();
            context.reporter = Arc::new(ObjectBytes { reporter: context.reporter, source });
        }
        let (sample, whole) = self.sample(&source)?;
        if sample.iter().all(u8::is_ascii_whitespace) && whole {
            return Err(Error::EmptyInput { input: self.location.clone() });
        }
        let table = self
            .open_table(source.clone(), &sample, whole, options, context)
            .map_err(|error| Explain::new(source.clone()).error(error))?;
        Ok((Box::new(Located::new(table, source)), Some(decision)))
    }

    fn open_table(
        &self,
        source: TextSource,
        sample: &[u8],
        whole: bool,
        options: &ConvertOptions,
        context: ReadContext,
    ) -> Result<Box<dyn Table>, Error> {
        Ok(match self.format {
            Format::Csv => Box::new(CsvTable::open(source, sample, whole, options, None, context)?),
            Format::Tsv => {
                let delimiter = Some("\t");
                Box::new(CsvTable::open(source, sample, whole, options, delimiter, context)?)
            }
            Format::Json | Format::Ndjson => {
                Box::new(JsonTable::open(source, sample, whole, options, context)?)
            }
            Format::GeoJson => {
                Box::new(GeoJsonTable::open(source, sample, whole, options, context)?)
            }
            Format::Parquet | Format::Excel => {
                return Err(Error::Internal(format!("{} is not read as text", self.format)));
            }
        })
    }

    /// Returns the beginning of the text as UTF-8, and whether it is all of it.
    fn sample(&self, source: &TextSource) -> Result<(Vec<u8>, bool), Error> {
        use std::io::Read;

        if !source.is_transcoded() {
            let mark = usize::try_from(source.mark()).unwrap_or(0);
            return Ok((self.head[mark.min(self.head.len())..].to_vec(), self.is_whole));
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

/// Finds out what an object that begins with `head` is.
async fn format_of(
    object: &Arc<dyn ObjectReader>,
    head: &[u8],
    extension: Option<&str>,
    location: &str,
) -> Result<Format, Error> {
    if head.starts_with(ENCRYPTED) && ends_with(object, ENCRYPTED).await? {
        return Err(Error::EncryptedParquet { input: location.to_owned() });
    }
    match find_workbook(object, head).await? {
        Some(Container::Encrypted) => Err(Error::EncryptedWorkbook { input: location.to_owned() }),
        Some(_) => Ok(Format::Excel),
        None => Ok(or_geojson(find_format(head, extension, location)?, head)),
    }
}

/// Returns whether the object ends with these bytes.
async fn ends_with(object: &Arc<dyn ObjectReader>, bytes: &[u8]) -> Result<bool, Error> {
    let size = object.info().size;
    let tail = object.read(size.saturating_sub(bytes.len() as u64)..size).await;
    let tail =
        tail.map_err(|source| Error::Storage { role: "could not read the input", source })?;
    Ok(*tail == *bytes)
}

/// Returns which sort of workbook the object is, if it is one.
async fn find_workbook(
    object: &Arc<dyn ObjectReader>,
    head: &[u8],
) -> Result<Option<Container>, Error> {
    if !may_be_workbook(head) {
        return Ok(None);
    }
    let source = Source::new(Arc::clone(object), Handle::current());
    let head = head.to_vec();
    // The directory of an archive is read in small steps, which wait for the store.
    tokio::task::spawn_blocking(move || recognise(&source, &head))
        .await
        .map_err(|error| Error::Internal(format!("looking into the archive panicked: {error}")))
}

/// Finds out the format by the content first and the name second: a name can be wrong.
fn find_format(head: &[u8], extension: Option<&str>, location: &str) -> Result<Format, Error> {
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    let by_name = extension.and_then(Format::from_extension);
    if by_name == Some(Format::Excel) && may_be_workbook(head) {
        let what = "nothing in it is a workbook".to_owned();
        return Err(Error::BadWorkbook { input: location.to_owned(), what });
    }
    if let Some(found) = known_binary(head) {
        return Err(Error::UnknownFormat { input: location.to_owned(), found: found.to_owned() });
    }
    // Text is often called a workbook, so that a click opens it in one; what it is, its content says.
    let by_name = by_name.filter(|format| *format != Format::Excel);
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
    let text = beginning(head);
    let text = text.trim_ascii_start();
    if matches!(text.first(), Some(b'{' | b'[')) && json::detect(text).is_some() {
        return Ok(Format::Json);
    }
    Ok(Format::Csv)
}

/// Returns the format of JSON that begins like GeoJSON.
fn or_geojson(format: Format, head: &[u8]) -> Format {
    let may_be = match format {
        Format::Json | Format::Ndjson => true,
        // What has no name that says more, and separators in front of its texts.
        Format::Csv => beginning(head).trim_ascii_start().first() == Some(&0x1e),
        _ => false,
    };
    if may_be && json::begins_geojson(&beginning(head)) { Format::GeoJson } else { format }
}

/// Returns the beginning of a text as UTF-8, as far as its format needs it.
fn beginning(head: &[u8]) -> Cow<'_, [u8]> {
    let encoding = match Encoding::for_bom(head) {
        Some((encoding, length)) if encoding == UTF_8 => return Cow::Borrowed(&head[length..]),
        Some((encoding, _)) => encoding,
        None => match utf16(head) {
            Some((encoding, _)) => encoding,
            None => return Cow::Borrowed(head),
        },
    };
    Cow::Owned(encoding.decode(head).0.into_owned().into_bytes())
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
/// characters but blanks, and zeros only in UTF-16 and UTF-32.
fn is_binary(head: &[u8]) -> bool {
    if Encoding::for_bom(head).is_some() || utf16(head).is_some() || utf32(head).is_some() {
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
        assert_eq!(format(b"PK\x03\x04", Some("xlsx")), None);
        assert_eq!(format(b"a\tb\n1\t2\n", Some("xls")), Some(Format::Csv));
        assert_eq!(format(b"\x00\x01\x02\x03\x04\x05\x00\x00", None), None);
        assert_eq!(format(b"a\x00,\x00b\x00\n\x00", None), Some(Format::Csv));
        assert_eq!(format(b"\xFF\xFE[\x00{\x00}\x00]\x00", None), Some(Format::Json));
    }

    #[test]
    fn json_that_begins_like_geojson_is_geojson() {
        let collection = b"{\"type\":\"FeatureCollection\",\"features\":[]}";
        assert_eq!(or_geojson(Format::Json, collection), Format::GeoJson);
        assert_eq!(or_geojson(Format::Ndjson, collection), Format::GeoJson);
        assert_eq!(or_geojson(Format::Csv, collection), Format::Csv);
        let sequence = b"\x1e{\"type\":\"Feature\",\"geometry\":null}\n";
        assert_eq!(or_geojson(Format::Csv, sequence), Format::GeoJson);
        assert_eq!(or_geojson(Format::Json, b"{\"type\":\"Feature\"}"), Format::Json);
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(collection.iter().flat_map(|it| [*it, 0])).collect();
        assert_eq!(or_geojson(Format::Json, &wide), Format::GeoJson);
    }
}
