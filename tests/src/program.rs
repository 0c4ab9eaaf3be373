//! The program `tundra` that the tests start, which must be of the sources that lie here.
//!
//! Cargo builds it beside the tests whenever the whole workspace is built, as `cargo xtask test` and
//! `cargo nextest run --workspace` do; when only these tests are built it stays what it was. What it was made
//! of stands in a file beside it, so that an old one is told and not tested.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

/// The name of the program.
const NAME: &str = "tundra";

/// What builds it.
const BUILD: &str = "build it with `cargo build --release --workspace`, or run the tests with \
                     `cargo xtask test`";

/// Returns the program beside the tests.
///
/// # Errors
/// When it is not there, was built from another working copy, or is older than its sources.
pub fn tundra() -> anyhow::Result<PathBuf> {
    // `target/release/deps/main-0123456789abcdef`.
    let tests = env::current_exe().context("the tests do not know where they are")?;
    let folder = tests.parent().and_then(Path::parent).context("the tests are in an odd place")?;
    let program = folder.join(NAME);
    ensure!(program.is_file(), "there is no `{}`: {BUILD}", program.display());
    let list = folder.join(format!("{NAME}.d"));
    let list = fs::read_to_string(&list)
        .with_context(|| format!("there is no `{}`: {BUILD}", list.display()))?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"));
    check(&program, &sources(&list), workspace)?;
    Ok(program)
}

/// Returns what stands behind the colon of a file of dependencies as `make` has it, with `\ ` for a space
/// within a name.
fn sources(list: &str) -> Vec<PathBuf> {
    let line = list.lines().next().unwrap_or_default();
    let (_, names) = line.split_once(": ").unwrap_or_default();
    let marked = names.replace("\\ ", "\0");
    let names = marked.split(' ').filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(name.replace('\0', " "))).collect()
}

/// Checks that the program was made of these sources as they are now.
fn check(program: &Path, sources: &[PathBuf], workspace: &Path) -> anyhow::Result<()> {
    ensure!(
        !sources.is_empty(),
        "it is not known what `{}` was made of: {BUILD}",
        program.display()
    );
    let built = fs::metadata(program)?.modified()?;
    for source in sources {
        ensure!(
            source.starts_with(workspace),
            "`{}` was built from another working copy, which has `{}`: {BUILD}",
            program.display(),
            source.display()
        );
        let is_older =
            fs::metadata(source).and_then(|it| it.modified()).is_ok_and(|it| it <= built);
        ensure!(is_older, "`{}` is older than `{}`: {BUILD}", program.display(), source.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_sources_are_what_stands_behind_the_colon() {
        let list = "/t/release/tundra: /w/a.rs /w/with\\ space.rs\n\n/w/a.rs:\n";
        assert_eq!(sources(list), ["/w/a.rs", "/w/with space.rs"].map(PathBuf::from));
        assert_eq!(sources(""), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn a_program_is_taken_only_when_it_is_of_the_sources_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let at = |name: &str, seconds: u64| {
            let file = fs::File::create(place(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        };
        at("tundra", 100);
        at("old.rs", 99);
        at("new.rs", 101);
        let told = |names: &[&str]| {
            let sources: Vec<PathBuf> = names.iter().map(|name| place(name)).collect();
            check(&place("tundra"), &sources, folder.path()).map_err(|error| error.to_string())
        };
        assert_eq!(told(&["old.rs"]), Ok(()));
        for (names, part) in [
            (&["old.rs", "new.rs"][..], "is older than"),
            (&["gone.rs"][..], "is older than"),
            (&["/elsewhere/lib.rs"][..], "another working copy"),
            (&[][..], "not known"),
        ] {
            let error = told(names).unwrap_err();
            assert!(error.contains(part) && error.contains("cargo xtask test"), "{error}");
        }
    }
}
