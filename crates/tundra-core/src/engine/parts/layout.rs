//! What the files of an output are called, and what of earlier runs is in their way.

use std::collections::BTreeSet;

use crate::{
    Error, FilesOptions, IfExists, ObjectInfo, ObjectPath, ObjectWriter, Output, Result, RunId,
    StorageError,
    engine::{copy::Stop, prepared::not_published, run::create},
};

/// The most files of one name: their numbers have five digits, so that they sort.
const MOST: u64 = 99_999;

/// Digits of a number.
const DIGITS: usize = 5;

/// What files in a directory are called before their number.
const STEM: &str = "part";

/// Their extension.
const EXTENSION: &str = "parquet";

/// Where the data of a run goes.
pub(crate) enum Place {
    /// Into one object.
    One(Box<dyn ObjectWriter>),
    /// Into files.
    Several(Layout),
}

impl Place {
    /// Looks whether the place can be written, before anything is read.
    ///
    /// # Errors
    /// Fails when something is there that may not be replaced, and when the store does.
    pub(crate) async fn begin(output: &Output, files: &FilesOptions, stop: &Stop) -> Result<Self> {
        if !files.are_several() {
            return Ok(Self::One(create(output, stop).await?));
        }
        let layout = Layout { output: output.clone(), in_directory: files.in_directory };
        stop.unless_stopped(layout.check()).await??;
        let first = Output { path: layout.trial()?, ..output.clone() };
        let begun = create(&first, stop).await?;
        begun.abort().await.map_err(not_written)?;
        Ok(Self::Several(layout))
    }
}

/// What files are called.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The directory, or the file that would be there if there were one.
    pub(super) output: Output,
    in_directory: bool,
}

impl Layout {
    /// Returns the place of a file; `directories` are those of its partition.
    ///
    /// # Errors
    /// Fails when there are too many.
    pub(super) fn path(&self, directories: &str, number: u64) -> Result<ObjectPath> {
        if number > MOST {
            return Err(Error::Request {
                message: format!("there would be more than {MOST} files"),
                hint: Some("allow larger ones with `--max-file-size`".to_owned()),
            });
        }
        let path = &self.output.path;
        let name = if self.in_directory {
            format!("{path}/{directories}{STEM}-{number:0DIGITS$}.{EXTENSION}").parse()
        } else {
            let (stem, extension) = self.stem();
            path.sibling(&format!("{stem}-{number:0DIGITS$}{extension}"))
        };
        name.map_err(|error| Error::request(error.to_string()))
    }

    /// Returns a place that can be written when those of the files can. A directory is not made before there
    /// is something in it, so that of one this is beside it.
    fn trial(&self) -> Result<ObjectPath> {
        if !self.in_directory {
            return self.path("", 1);
        }
        let path = self.output.path.sibling(&format!("tundra-{}", RunId::generate()));
        path.map_err(|error| Error::Internal(error.to_string()))
    }

    /// Returns a file's place as a person would write it.
    pub(super) fn display(&self, path: &ObjectPath) -> String {
        self.output.storage.display(path)
    }

    /// Returns what stands before and behind the number of a file.
    fn stem(&self) -> (&str, &str) {
        let name = self.output.path.file_name();
        let extension = self.output.path.extension().map_or(0, |extension| extension.len() + 1);
        name.split_at(name.len() - extension)
    }

    /// Looks for what may not be replaced.
    async fn check(&self) -> Result<()> {
        if !self.in_directory {
            return Ok(());
        }
        let present = self.present().await.map_err(not_written)?;
        let location = |object: &ObjectInfo| self.display(&object.path);
        if self.output.if_exists == IfExists::Fail {
            return match present.first().map(location) {
                Some(location) => Err(not_written(StorageError::AlreadyExists { location })),
                None => Ok(()),
            };
        }
        let is_parquet = |object: &&ObjectInfo| {
            let extension = object.path.extension();
            extension.is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
        };
        let others = present.iter().filter(is_parquet).find(|object| !self.is_ours(&object.path));
        match others.map(location) {
            Some(location) => Err(Error::Request {
                message: format!(
                    "`{location}` is no file of an earlier run, and would be read together with \
                     those of this one"
                ),
                hint: Some("write to another directory, or move or remove that file".to_owned()),
            }),
            None => Ok(()),
        }
    }

    /// Returns what is in the directory.
    async fn present(&self) -> Result<Vec<ObjectInfo>, StorageError> {
        match self.output.storage.list(Some(&self.output.path)).await {
            Err(StorageError::NotFound { .. } | StorageError::NoDirectory { .. }) => Ok(Vec::new()),
            listed => listed,
        }
    }

    /// Returns whether a file of the directory has a name that we give.
    fn is_ours(&self, path: &ObjectPath) -> bool {
        let below = path.as_str().strip_prefix(self.output.path.as_str());
        let Some(below) = below.and_then(|below| below.strip_prefix('/')) else { return false };
        let (directories, name) = below.rsplit_once('/').unwrap_or(("", below));
        let number = name
            .strip_prefix(STEM)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(EXTENSION))
            .and_then(|rest| rest.strip_suffix('.'));
        number.is_some_and(is_number)
            && (directories.is_empty() || directories.split('/').all(|name| name.contains('=')))
    }

    /// Returns the files of an earlier run that would stand beside those of this one.
    ///
    /// # Errors
    /// Fails when there are some and nothing may be replaced, and when the store does.
    pub(super) async fn leftovers(
        &self,
        written: &BTreeSet<ObjectPath>,
    ) -> Result<Vec<ObjectPath>> {
        let mut left = Vec::new();
        if self.in_directory {
            let present = self.present().await.map_err(not_published)?.into_iter();
            let present = present.map(|object| object.path);
            left.extend(present.filter(|path| self.is_ours(path) && !written.contains(path)));
        } else {
            for number in written.len() as u64 + 1.. {
                let path = self.path("", number)?;
                match self.output.storage.head(&path).await {
                    Ok(_) => left.push(path),
                    Err(StorageError::NotFound { .. } | StorageError::NoDirectory { .. }) => break,
                    Err(error) => return Err(not_published(error)),
                }
            }
        }
        match left.first() {
            Some(path) if self.output.if_exists == IfExists::Fail => {
                Err(not_published(StorageError::AlreadyExists { location: self.display(path) }))
            }
            _ => Ok(left),
        }
    }
}

fn is_number(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_written(source: StorageError) -> Error {
    Error::Storage { role: "could not write the output", source }
}
