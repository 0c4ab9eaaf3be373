//! Inputs and outputs as they are typed: `-`, a path or a URL.
//!
//! Start at [`Source`] and [`Target`]. What a path or a URL means is decided by `tundra-storage`;
//! this decides where an output goes when it is not said, and refuses what would destroy the input.
//! A URL may hold a signature: what was typed is not shown but for paths.

use std::{
    fs,
    io::{self, IsTerminal},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use tundra_core::{
    FilesOptions, IfExists, Input, ObjectPath, Output, OutputFormat, Resources, SchemaFile,
    SchemaFileError, Storage, StorageError,
};
use tundra_storage::Stores;

use crate::{
    failure::Failure,
    streams::{Pipe, StandardOutput},
};

/// The name of standard input and of standard output.
const STANDARD: &str = "-";

/// The names that standard input has in the file system. What they lead to may not be opened again,
/// as a pipe of another user may not.
const STANDARD_INPUT: [&str; 4] = [STANDARD, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// What files in the directory of an output are called, but for their number.
const PART: &str = "part.parquet";

/// Characters that make a pattern of a location.
pub(crate) const PATTERN: [char; 3] = ['*', '?', '['];

/// Extensions of inputs that give way to `.parquet`. Any other may be a part of the name, as that of
/// `sales.2024` is, so `.parquet` goes behind it.
const REPLACED: [&str; 22] = [
    "csv",
    "tsv",
    "tab",
    "txt",
    "json",
    "geojson",
    "geojsonl",
    "geojsons",
    "geojsonseq",
    "ndjson",
    "jsonl",
    "ldjson",
    "pq",
    "parq",
    "xlsx",
    "xlsm",
    "xlsb",
    "xls",
    "ods",
    "tar",
    "tgz",
    "zip",
];

/// Extensions of compressed inputs, before which another one may stand.
const COMPRESSED: [&str; 7] = ["gz", "bz2", "xz", "zst", "zstd", "lz4", "zz"];

/// Where an input comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// Standard input or another pipe, which has to be read before it can be used.
    Pipe(Pipe),
    /// An object.
    Object(Input),
}

impl Source {
    /// Finds the place of an input. A pattern must stand for one object.
    ///
    /// # Errors
    /// Fails when the text names no place, and when it is a pattern for nothing or for several
    /// objects.
    pub(crate) async fn locate(text: &str, stores: &Stores) -> Result<Self, Failure> {
        if STANDARD_INPUT.contains(&text) {
            return Ok(Self::Pipe(Pipe::StandardInput));
        }
        if !text.contains(PATTERN) {
            let (storage, path) = stores.resolve(text)?;
            let pipe = local_path(&*storage, &path).filter(|file| {
                fs::metadata(file).is_ok_and(|metadata| metadata.file_type().is_fifo())
            });
            if let Some(pipe) = pipe {
                return Ok(Self::Pipe(Pipe::Named(pipe)));
            }
            return Ok(Self::Object(Input { storage, path }));
        }
        let mut found = stores.expand(text).await?;
        match (found.pop(), found.len()) {
            (Some((storage, path)), 0) => Ok(Self::Object(Input { storage, path })),
            (_, others) => Err(Failure::usage(
                format!(
                    "`{text}` stands for {} objects, and a conversion has one input",
                    others + 1
                ),
                "see which they are with `tundra ls`, and convert each by itself",
            )),
        }
    }

    /// Returns how messages name an input that was typed like this.
    pub(crate) fn shown(&self, text: &str) -> String {
        match self {
            Self::Pipe(Pipe::StandardInput) => STANDARD.to_owned(),
            Self::Pipe(Pipe::Named(_)) => text.to_owned(),
            // What was typed stands for this one.
            Self::Object(input) if text.contains(PATTERN) || text.ends_with('/') => {
                input.storage.display(&input.path)
            }
            Self::Object(input) => shown(&*input.storage, &input.path, text),
        }
    }
}

/// Where an output goes.
#[derive(Debug)]
pub(crate) struct Target {
    /// The engine's form of it.
    pub(crate) output: Output,
    /// How messages name it.
    pub(crate) shown: String,
    /// Whether it is standard output.
    pub(crate) is_standard: bool,
}

impl Target {
    /// Finds the place of an output as typed; `input` is as messages show it.
    ///
    /// # Errors
    /// Fails when the text names no place, when the place is the input, when its directory does not
    /// exist, when it is a terminal, or when nothing was typed and nothing can stand beside the input.
    pub(crate) fn locate(
        output: Option<&str>,
        input: &str,
        format: OutputFormat,
        if_exists: IfExists,
        resources: &Resources,
        stores: &Stores,
    ) -> Result<Self, Failure> {
        let typed = match output {
            Some(output) => output.to_owned(),
            None if input == STANDARD => STANDARD.to_owned(),
            None if has_nothing_beside(input) => {
                return Err(Failure::usage(
                    format!("nothing can be written beside `{input}`"),
                    "say where with `-o`",
                ));
            }
            None => beside(input, format.name()),
        };
        if typed == STANDARD {
            let is_text = !matches!(format, OutputFormat::Parquet | OutputFormat::Arrow);
            if io::stdout().is_terminal() && !is_text {
                return Err(Failure::usage(
                    format!("standard output is a terminal, which cannot show {format}"),
                    "send it to a file or a program with `>` or `|`, or name a file with `-o`",
                ));
            }
            let storage = Arc::new(StandardOutput::new(resources.temp_directory.clone()));
            let output = Output { storage, path: StandardOutput::path(), if_exists };
            return Ok(Self { output, shown: "standard output".to_owned(), is_standard: true });
        }
        // A directory is named with a `/` at its end.
        let place = Some(typed.trim_end_matches('/')).filter(|place| !place.is_empty());
        let (storage, path) = locate_new(place.unwrap_or(&typed), stores)?;
        let shown = shown(&*storage, &path, &typed);
        if input != STANDARD && is_same(input, &shown, stores) {
            return Err(Failure::usage(
                format!("the output `{shown}` is the input itself"),
                "name another file with `-o`",
            ));
        }
        Ok(Self { output: Output { storage, path, if_exists }, shown, is_standard: false })
    }

    /// Checks that several files, if there are to be any, have a place and do not replace the input, which is
    /// as messages show it.
    ///
    /// # Errors
    /// Fails when they have none or could.
    pub(crate) fn check_files(
        &self,
        input: &str,
        files: &FilesOptions,
        stores: &Stores,
    ) -> Result<(), Failure> {
        if !files.are_several() {
            return Ok(());
        }
        if self.is_standard || has_nothing_beside(&self.shown) {
            return Err(Failure::usage(
                format!("`{}` is a place for one file only", self.shown),
                "name a file or a directory with `-o`, or leave out `--max-file-size` and \
                 `--partition-by`",
            ));
        }
        let is_hit = if files.in_directory {
            is_below(input, &self.shown, stores)
        } else {
            self.is_numbered(input, stores)
        };
        if input != STANDARD && is_hit {
            return Err(Failure::usage(
                format!("the input `{input}` is where the files of the output go"),
                "write them to another place",
            ));
        }
        Ok(())
    }

    /// Returns whether a place is one where data is written, also by way of links.
    pub(crate) fn is_written(&self, place: &str, files: &FilesOptions, stores: &Stores) -> bool {
        if self.is_standard {
            return false;
        }
        if !files.are_several() {
            return is_same(place, &self.shown, stores);
        }
        if !files.in_directory {
            return self.is_numbered(place, stores);
        }
        let Ok((storage, path)) = stores.resolve(place) else { return false };
        let place = resolved(&*storage, &path);
        let name = place.rsplit('/').next().unwrap_or(&place);
        is_numbered(name, PART) && is_below(&place, &self.shown, stores)
    }

    /// Returns whether a place is that of a file with a number, whatever its number: those of an earlier run
    /// are replaced.
    fn is_numbered(&self, place: &str, stores: &Stores) -> bool {
        let Output { storage, path: output, .. } = &self.output;
        let Ok((other, path)) = stores.resolve(place) else { return false };
        let place = resolved(&*other, &path);
        // What is written by the name of a link goes where that leads.
        let names = [path.file_name(), place.rsplit('/').next().unwrap_or(&place)];
        names.into_iter().filter(|name| is_numbered(name, output.file_name())).any(|name| {
            output.sibling(name).is_ok_and(|beside| resolved(&**storage, &beside) == place)
        })
    }
}

/// A place for the receipt.
#[derive(Debug)]
pub(crate) struct ReceiptPlace {
    /// The engine's form of it.
    pub(crate) output: Output,
}

impl ReceiptPlace {
    /// Finds the place of the receipt, and looks whether it may be written there, so that a run
    /// does not fail for it when the data is written already. `is_taken` says whether data is read or
    /// written at a place.
    ///
    /// # Errors
    /// Fails when the text names no place or one that is taken, or when there is such a file and it may not
    /// be replaced.
    pub(crate) async fn locate(
        text: &str,
        is_taken: impl Fn(&str) -> bool,
        if_exists: IfExists,
        stores: &Stores,
    ) -> Result<Self, Failure> {
        if text == STANDARD {
            return Err(Failure::usage(
                "`--receipt` needs a file",
                "`--json` prints the receipt on standard output",
            ));
        }
        let (storage, path) = locate_new(text, stores)?;
        let shown = shown(&*storage, &path, text);
        if is_taken(&shown) {
            return Err(Failure::usage(
                format!("`--receipt {shown}` is an input or an output itself"),
                "name another file",
            ));
        }
        let output = Output { storage, path, if_exists };
        try_out(&output).await.map_err(|source| Failure::ReceiptPlace { source })?;
        Ok(Self { output })
    }

    /// Writes the receipt.
    ///
    /// # Errors
    /// Fails when the store does.
    pub(crate) async fn write(self, text: String) -> Result<(), StorageError> {
        write(self.output, text).await
    }
}

/// A place for a schema file.
#[derive(Debug)]
pub(crate) enum SchemaPlace {
    /// Standard output.
    StandardOutput,
    /// A file.
    File {
        /// The engine's form of it.
        output: Output,
        /// How messages name it.
        shown: String,
    },
}

impl SchemaPlace {
    /// Finds the place of the schema, and looks whether it may be written there before the input is
    /// read.
    ///
    /// # Errors
    /// Fails when the text names no place or that of the input, or when there is such a file and it
    /// may not be replaced.
    pub(crate) async fn locate(
        text: &str,
        input: &str,
        if_exists: IfExists,
        stores: &Stores,
    ) -> Result<Self, Failure> {
        if text == STANDARD {
            return Ok(Self::StandardOutput);
        }
        let (storage, path) = locate_new(text, stores)?;
        let shown = shown(&*storage, &path, text);
        if is_same(&shown, input, stores) {
            return Err(Failure::usage(
                format!("`--output {shown}` is the input itself"),
                "name another file for the schema",
            ));
        }
        let output = Output { storage, path, if_exists };
        try_out(&output).await.map_err(|source| Failure::SchemaPlace { source })?;
        Ok(Self::File { output, shown })
    }
}

/// Reads a schema file.
///
/// # Errors
/// Fails when the text names no file that can be read, and when the file is no schema.
pub(crate) async fn read_schema(file: &str, stores: &Stores) -> Result<SchemaFile, Failure> {
    /// A schema of 10,000 columns has 2 MB.
    const LARGEST: u64 = 64 << 20;
    if file == STANDARD {
        return Err(Failure::usage("`--schema` needs a file", "name the file of the schema"));
    }
    let read = |source| Failure::SchemaRead { source };
    let (storage, path) = stores.resolve(file)?;
    let file = shown(&*storage, &path, file);
    let wrong = |message: &str| Failure::Schema {
        file: file.clone(),
        source: SchemaFileError { line: None, character: None, message: message.to_owned() },
    };
    let object = storage.open(&path).await.map_err(read)?;
    let size = object.info().size;
    if size > LARGEST {
        return Err(wrong("it is longer than 64 MiB"));
    }
    let bytes =
        if size == 0 { Vec::new() } else { object.read(0..size).await.map_err(read)?.to_vec() };
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text in UTF-8"))?;
    text.parse().map_err(|source| Failure::Schema { file: file.clone(), source })
}

/// Begins a file and takes it back, which is the one honest answer to whether it can be written.
async fn try_out(output: &Output) -> Result<(), StorageError> {
    output.storage.create(&output.path, output.if_exists).await?.abort().await
}

/// Writes a small text.
///
/// # Errors
/// Fails when the store does.
pub(crate) async fn write(output: Output, text: String) -> Result<(), StorageError> {
    let Output { storage, path, if_exists } = output;
    let mut writer = storage.create(&path, if_exists).await?;
    writer.write(text.into()).await?;
    writer.publish().await?;
    Ok(())
}

/// Returns the name of the output that stands beside an input.
fn beside(input: &str, extension: &str) -> String {
    let file = input.rsplit('/').next().unwrap_or(input);
    // `x.csv.gz` is `x.csv` that was compressed.
    let name = match file.rsplit_once('.') {
        Some((stem, extension))
            if !stem.is_empty()
                && COMPRESSED.iter().any(|known| extension.eq_ignore_ascii_case(known)) =>
        {
            stem
        }
        _ => file,
    };
    let stem = match name.rsplit_once('.') {
        Some((stem, old))
            if !stem.is_empty() && REPLACED.iter().any(|known| old.eq_ignore_ascii_case(known)) =>
        {
            stem
        }
        // `x.parquet` keeps its name and is then found to be the input.
        Some((stem, old)) if old.eq_ignore_ascii_case("parquet") => stem,
        _ => name,
    };
    format!("{}{stem}.{extension}", &input[..input.len() - file.len()])
}

/// Returns the name of one of several outputs of an input: beside it, or in the directory that is given.
///
/// # Errors
/// Fails when there is nothing beside the input.
pub(crate) fn beside_of(
    input: &str,
    part: &str,
    extension: &str,
    directory: Option<&str>,
) -> Result<String, Failure> {
    let is_nowhere = input == STANDARD || has_nothing_beside(input);
    if directory.is_none() && is_nowhere {
        return Err(Failure::usage(
            format!("nothing can be written beside `{input}`"),
            "say in which directory with `-o DIRECTORY/`",
        ));
    }
    let plain = input.split('?').next().unwrap_or(input);
    let plain = if input == STANDARD { "input" } else { plain };
    let whole = beside(plain, part);
    let name = format!("{whole}.{extension}");
    Ok(match directory {
        Some(directory) => format!("{directory}{}", name.rsplit('/').next().unwrap_or(&name)),
        None => name,
    })
}

/// Returns the local path of an object, if it is a local file.
fn local_path(storage: &dyn Storage, path: &ObjectPath) -> Option<PathBuf> {
    let shown = storage.display(path);
    (!shown.contains("://")).then(|| PathBuf::from(shown))
}

/// Returns how messages name a place: a path as it was typed, and of everything else what holds no
/// signature.
fn shown(storage: &dyn Storage, path: &ObjectPath, typed: &str) -> String {
    if local_path(storage, path).is_some() { typed.to_owned() } else { storage.display(path) }
}

/// Returns whether it is a URL of the web or something that the system offers, such as the pipes that
/// a shell makes: beside these there is no place.
fn has_nothing_beside(text: &str) -> bool {
    if ["/dev/", "/proc/"].iter().any(|directory| text.starts_with(directory)) {
        return true;
    }
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// Returns whether both names lead to one object, also by way of links.
pub(crate) fn is_same(one: &str, other: &str, stores: &Stores) -> bool {
    if one == other {
        return true;
    }
    let identity = |text| {
        let (storage, path) = stores.resolve(text).ok()?;
        Some(Identity::of(&*storage, &path))
    };
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

/// Returns whether a name is `output` with a number before its extension.
fn is_numbered(name: &str, output: &str) -> bool {
    let (stem, extension) = output.rsplit_once('.').unwrap_or((output, ""));
    let number = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|rest| rest.strip_suffix(extension));
    number.is_some_and(|rest| rest.trim_end_matches('.').bytes().all(|it| it.is_ascii_digit()))
}

/// Returns whether an object is in a directory, also by way of links.
fn is_below(object: &str, directory: &str, stores: &Stores) -> bool {
    let place = |text: &str| {
        let (storage, path) = stores.resolve(text.trim_end_matches('/')).ok()?;
        Some(resolved(&*storage, &path))
    };
    let (Some(object), Some(directory)) = (place(object), place(directory)) else { return false };
    object.strip_prefix(&directory).is_some_and(|below| below.starts_with('/'))
}

/// What tells one object from another.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// A local file's device and number.
    File(u64, u64),
    /// The place of an object, or of a file that is not there.
    Place(String),
}

impl Identity {
    /// Finds out what is at a place.
    pub(crate) fn of(storage: &dyn Storage, path: &ObjectPath) -> Self {
        match local_path(storage, path).map(fs::metadata) {
            Some(Ok(metadata)) => Self::File(metadata.dev(), metadata.ino()),
            _ => Self::Place(resolved(storage, path)),
        }
    }
}

/// Returns the place of an object without links on the way to it; the file need not be there.
fn resolved(storage: &dyn Storage, path: &ObjectPath) -> String {
    let shown = storage.display(path);
    let Some(file) = local_path(storage, path) else { return shown };
    let canonical = fs::canonicalize(&file).or_else(|_| {
        let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
        let directory = fs::canonicalize(directory.unwrap_or(Path::new(".")))?;
        Ok::<_, io::Error>(directory.join(file.file_name().unwrap_or_default()))
    });
    canonical.map_or(shown, |file| file.to_string_lossy().into_owned())
}

/// Finds the place of a file to be written, and checks that its directory exists: Tundra makes no
/// directories, because a misspelt one would hide the output.
fn locate_new(text: &str, stores: &Stores) -> Result<(Arc<dyn Storage>, ObjectPath), Failure> {
    let (storage, path) = stores.resolve(text)?;
    let file = local_path(&*storage, &path);
    match file.as_deref().and_then(Path::parent) {
        Some(directory) if !directory.as_os_str().is_empty() && !directory.is_dir() => {
            let directory = directory.display().to_string();
            Err(Failure::NoDirectory { file: text.to_owned(), directory })
        }
        _ => Ok((storage, path)),
    }
}

#[cfg(test)]
mod tests {
    use tundra_storage::StoreSettings;

    use super::*;

    #[test]
    fn the_output_stands_beside_the_input() {
        for (input, output) in [
            ("sales.csv", "sales.parquet"),
            ("a/b.c/sales.TSV", "a/b.c/sales.parquet"),
            ("/data/x.jsonl", "/data/x.parquet"),
            ("file:///data/x.json", "file:///data/x.parquet"),
            ("sales", "sales.parquet"),
            ("sales.2024", "sales.2024.parquet"),
            ("sales.csv.bak", "sales.csv.bak.parquet"),
            (".csv", ".csv.parquet"),
            ("ä ö.csv", "ä ö.parquet"),
            ("x.parquet", "x.parquet"),
            ("x.pq", "x.parquet"),
            ("a/sales.csv.gz", "a/sales.parquet"),
            ("sales.ZST", "sales.parquet"),
            ("sales.tar.gz", "sales.parquet"),
            ("sales.zip", "sales.parquet"),
            (".gz", ".gz.parquet"),
        ] {
            assert_eq!(beside(input, "parquet"), output, "{input}");
        }
    }

    #[test]
    fn a_file_is_the_same_by_every_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        let link = directory.path().join("b");
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let (file, link) = (file.to_str().unwrap(), link.to_str().unwrap());
        let stores = Stores::new(StoreSettings::default());
        assert!(is_same(file, link, &stores));
        assert!(is_same(&format!("file://{file}"), link, &stores));
        assert!(!is_same(file, &format!("{file}c"), &stores));
        // Neither has to be there.
        let absent = directory.path().join("c").to_str().unwrap().to_owned();
        assert!(is_same(&absent, &absent.replace("/c", "/./c"), &stores));
    }

    #[test]
    fn an_object_is_the_same_under_every_signature() {
        let stores = Stores::new(StoreSettings::default());
        let same = |one, other| is_same(one, other, &stores);
        assert!(same("https://h.org/a.csv?sig=1", "https://h.org/a.csv?sig=2"));
        assert!(!same("https://h.org/a.csv?sig=1", "https://h.org/b.csv?sig=1"));
        assert!(!same("https://h.org/a.csv", "a.csv"));
    }
}
