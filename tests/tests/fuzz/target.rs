//! Runs a target: every file of its corpus, then damaged ones.
//!
//! As a test the same inputs come each time. Under `cargo xtask fuzz` others come for as long as was
//! asked. An input that causes a fault is made smaller and kept in the folder for temporary files of
//! the build; what was mended goes into the corpus.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use tundra_tests::env::fuzz_time;

use super::{mutate::damaged, run::Fault};

/// How long an input is made smaller.
const REDUCE: Duration = Duration::from_secs(20);

/// A reader and what must hold of it.
pub(crate) struct Target {
    /// The name, and that of the folder of its corpus.
    pub(crate) name: &'static str,
    /// What its inputs are made of.
    pub(crate) words: &'static [&'static [u8]],
    /// Damaged inputs of one ordinary run.
    pub(crate) inputs: usize,
    /// In how many ways an input can be read.
    pub(crate) ways: usize,
    /// Reads an input in one of the ways.
    pub(crate) check: fn(&[u8], usize) -> Result<(), Fault>,
}

impl Target {
    /// Checks every file of the corpus; as a test in two of the ways, so that all of them come up
    /// among the files, and in every way when there is time.
    pub(crate) fn replay(&self) {
        for (index, (path, bytes)) in self.corpus().into_iter().enumerate() {
            let step = if fuzz_time().is_some() { 1 } else { self.ways.div_ceil(2) };
            for way in (0..self.ways).step_by(step).map(|way| (way + index) % self.ways) {
                if let Err(fault) = self.try_check(&bytes, way) {
                    panic!("{}, way {way}: {fault}", path.display());
                }
            }
        }
    }

    /// Checks damaged files of the corpus, each in one way.
    pub(crate) fn fuzz(&self) {
        let corpus = self.corpus().into_iter().map(|(_, bytes)| bytes).collect();
        let strategy = (damaged(corpus, self.words), 0..self.ways);
        let time = fuzz_time();
        let mut runner = match time {
            None => TestRunner::deterministic(),
            Some(_) => TestRunner::default(),
        };
        let started = Instant::now();
        let mut inputs = 0;
        while time.map_or(inputs < self.inputs, |time| started.elapsed() < time) {
            let (bytes, way) = strategy.new_tree(&mut runner).unwrap().current();
            inputs += 1;
            if time.is_some() {
                // What ends the process leaves the input that did it.
                fs::write(self.place("last"), &bytes).unwrap();
            }
            if let Err(fault) = self.try_check(&bytes, way) {
                let bytes = self.reduce(bytes, way);
                let fault = self.try_check(&bytes, way).err().unwrap_or(fault);
                let path = self.place("found");
                fs::write(&path, &bytes).unwrap();
                panic!(
                    "input {inputs}, way {way}: {fault}\nb\"{}\"\nkept as {}",
                    bytes.escape_ascii(),
                    path.display()
                );
            }
        }
    }

    fn try_check(&self, bytes: &[u8], way: usize) -> Result<(), Fault> {
        catch_unwind(AssertUnwindSafe(|| (self.check)(bytes, way)))
            .unwrap_or_else(|_| Err("panic outside of a run".to_owned()))
    }

    /// Takes out whatever is not needed for a fault.
    fn reduce(&self, mut bytes: Vec<u8>, way: usize) -> Vec<u8> {
        let started = Instant::now();
        let mut length = bytes.len().div_ceil(2);
        while length > 0 {
            let mut at = 0;
            while at < bytes.len() {
                if started.elapsed() > REDUCE {
                    return bytes;
                }
                let mut shorter = bytes.clone();
                shorter.drain(at..(at + length).min(bytes.len()));
                match self.try_check(&shorter, way) {
                    Err(_) => bytes = shorter,
                    Ok(()) => at += length,
                }
            }
            length /= 2;
        }
        bytes
    }

    fn corpus(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name);
        let mut paths: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        assert!(paths.len() >= 10, "{} files in the corpus", paths.len());
        paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    fn place(&self, what: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(folder).unwrap();
        folder.join(format!("fuzz-{}-{what}", self.name))
    }
}
