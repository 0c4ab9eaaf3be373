//! The hidden files in which objects are written before they have their name.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use tempfile::TempPath;

const MARK: &str = ".tundra-";
const SUFFIX: &str = ".tmp";
/// 62 to the power of 8 names: nobody guesses one, and two writers at once do not meet.
const RANDOM_LENGTH: usize = 8;
/// The longest file name that Linux, macOS and the common network file systems take, in bytes.
const NAME_LIMIT: usize = 255;

/// Creates a file in `directory` for an object that will be called `name`.
///
/// It is removed when the returned path is dropped. It is created as any file is, so that the
/// process's umask and the directory's defaults decide its permissions.
pub(super) fn create(directory: &Path, name: &str) -> io::Result<(File, TempPath)> {
    let spare = NAME_LIMIT - ".".len() - MARK.len() - RANDOM_LENGTH - SUFFIX.len();
    let name = &name[..name.floor_char_boundary(spare)];
    tempfile::Builder::new()
        .prefix(&format!(".{name}{MARK}"))
        .suffix(SUFFIX)
        .rand_bytes(RANDOM_LENGTH)
        .make_in(directory, |path| {
            OpenOptions::new().read(true).write(true).create_new(true).open(path)
        })
        .map(tempfile::NamedTempFile::into_parts)
}

/// Returns whether the file name is one that [`create`] makes.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    name.to_str()
        .and_then(|name| name.strip_prefix('.')?.strip_suffix(SUFFIX)?.rsplit_once(MARK))
        .is_some_and(|(_, random)| {
            random.len() == RANDOM_LENGTH && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_its_own_names_and_no_others() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a", "data.parquet", "ä".repeat(127).as_str(), "x".repeat(255).as_str()] {
            let (_file, path) = create(directory.path(), name).unwrap();
            let made = path.file_name().unwrap();
            assert!(is_temporary(made), "{made:?}");
            assert!(made.len() <= NAME_LIMIT, "{made:?}");
        }
        for name in [
            "data.parquet",
            ".hidden",
            ".tmp",
            "a.tundra-abcdefgh.tmp",
            ".a.tundra-abc.tmp",
            ".a.tundra-abcdefg!.tmp",
        ] {
            assert!(!is_temporary(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn goes_when_its_path_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        drop(create(directory.path(), "a").unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
