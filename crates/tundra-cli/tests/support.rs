//! A directory of its own for each test, the program in it, and what is there afterwards.

use std::{
    fmt, fs,
    io::Write,
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::reader::RowIter,
};
use tempfile::TempDir;

/// The program under test.
pub(crate) const TUNDRA: &str = env!("CARGO_BIN_EXE_tundra");

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// A small CSV file and the rows in it.
pub(crate) const SALES: &str = "id,name,price\n1,apple,1.50\n2,pear,2.25\n3,,0.75\n";

/// A working directory and a temporary directory, both empty, which end with the test.
pub(crate) struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("the system's temporary directory is writable");
        let sandbox = Self { root };
        for directory in [sandbox.work(), sandbox.temp()] {
            fs::create_dir(&directory).unwrap();
            // Other users run the program in here, too.
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        }
        fs::set_permissions(sandbox.root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        sandbox
    }

    /// A sandbox with `sales.csv` in it.
    pub(crate) fn with_sales() -> Self {
        let sandbox = Self::new();
        sandbox.write("sales.csv", SALES);
        sandbox
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    pub(crate) fn temp(&self) -> PathBuf {
        self.root.path().join("tmp")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.work().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Writes `big.csv`: enough work for a second or more on one thread.
    pub(crate) fn write_big(&self) {
        let mut csv = String::with_capacity(130 << 20);
        csv.push_str("id,amount,day,text\n");
        for n in 0..3_000_000_u64 {
            let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            csv.push_str(&format!(
                "{n},{}.{:02},2024-01-{:02},{mixed:x}\n",
                mixed % 9999,
                n % 100,
                n % 28 + 1
            ));
        }
        self.write("big.csv", csv);
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A command that runs here and sees nothing of the developer's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.root.path())
            .env("TMPDIR", self.temp())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn tundra(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(TUNDRA);
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(&mut self.tundra(arguments))
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command = self.tundra(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            // The program may end without having read all of it.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        self.ran(output)
    }

    /// Runs the program as a user that owns nothing. Root may do everything, so without this there
    /// is no permission to be denied.
    pub(crate) fn run_as_nobody(&self, arguments: &[&str]) -> Ran {
        if !is_root() {
            return self.run(arguments);
        }
        // The build directory may be closed to others.
        let program = self.root.path().join("tundra");
        if !program.exists() && fs::hard_link(TUNDRA, &program).is_err() {
            fs::copy(TUNDRA, &program).unwrap();
        }
        let mut command = self.command(program.to_str().unwrap());
        command.args(arguments).gid(NOBODY).uid(NOBODY);
        self.finish(&mut command)
    }

    /// Runs a shell script in a mount namespace of its own, whose mounts end with it. Returns
    /// nothing, after saying why, where that is not allowed.
    pub(crate) fn run_with_mounts(&self, script: &str) -> Option<Ran> {
        let allowed = self
            .command("unshare")
            .args(["--mount", "sh", "-c", "mount -t tmpfs none /mnt"])
            .output()
            .is_ok_and(|output| output.status.success());
        if !allowed {
            skipped("file systems can only be mounted by root with `unshare`");
            return None;
        }
        let mut command = self.command("unshare");
        command.args(["--mount", "sh", "-c", script, TUNDRA]);
        Some(self.finish(&mut command))
    }

    pub(crate) fn finish(&self, command: &mut Command) -> Ran {
        let output = command.output().unwrap();
        self.ran(output)
    }

    pub(crate) fn ran(&self, output: Output) -> Ran {
        let root = self.root.path().to_str().unwrap();
        Ran {
            code: output.status.code(),
            signal: output.status.signal(),
            stderr: String::from_utf8_lossy(&output.stderr).replace(root, "[ROOT]"),
            stdout: output.stdout,
        }
    }

    /// The names in the working directory, hidden ones included, sorted.
    pub(crate) fn listing(&self) -> Vec<String> {
        listing(&self.work())
    }

    /// Checks that there is nothing but these files in the working directory, and nothing at all in
    /// the temporary one.
    #[track_caller]
    pub(crate) fn holds_only(&self, names: &[&str]) {
        assert_eq!(self.listing(), names);
        assert_eq!(listing(&self.temp()), [""; 0], "in the temporary directory");
    }

    /// The rows of a Parquet file as text.
    pub(crate) fn rows(&self, name: &str) -> Vec<String> {
        rows(open(&self.path(name)))
    }

    /// The columns of a Parquet file: name, physical and logical type.
    pub(crate) fn schema(&self, name: &str) -> Vec<String> {
        schema(&open(&self.path(name)))
    }

    pub(crate) fn open(&self, name: &str) -> SerializedFileReader<fs::File> {
        open(&self.path(name))
    }
}

/// Says that a test could not look at everything here, and why.
#[expect(clippy::print_stderr, reason = "it is the test runner that shows it")]
pub(crate) fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == 0
    })
}

fn listing(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn open(path: &Path) -> SerializedFileReader<fs::File> {
    SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap()
}

/// The rows of a Parquet file in memory, as text.
pub(crate) fn rows_of(bytes: Vec<u8>) -> Vec<String> {
    rows(SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap())
}

fn rows(reader: impl FileReader + 'static) -> Vec<String> {
    RowIter::from_file_into(Box::new(reader)).map(|row| row.unwrap().to_string()).collect()
}

fn schema(reader: &impl FileReader) -> Vec<String> {
    let descriptor = reader.metadata().file_metadata().schema_descr_ptr();
    descriptor
        .columns()
        .iter()
        .map(|column| {
            let kind = column.physical_type();
            match column.logical_type_ref() {
                Some(logical) => format!("{}: {kind} {logical:?}", column.path()),
                None => format!("{}: {kind}", column.path()),
            }
        })
        .collect()
}

/// What a run of the program left to be seen.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The object under `error` that `--json` prints.
    #[track_caller]
    pub(crate) fn json_error(&self) -> serde_json::Value {
        let mut document: serde_json::Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self}"));
        document["error"].take()
    }

    /// Checks that the program succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// Checks that the program failed with this code, wrote no data, and said these things.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, says: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        assert!(self.stdout.is_empty(), "{self}");
        assert!(self.stderr.starts_with("error: "), "{self}");
        for text in says {
            assert!(self.stderr.contains(text), "`{text}` is missing: {self}");
        }
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => writeln!(f, "exit code: {code}")?,
            (None, signal) => writeln!(f, "signal: {signal:?}")?,
        }
        let stdout = String::from_utf8_lossy(&self.stdout);
        write!(f, "----- stdout -----\n{stdout}----- stderr -----\n{}", self.stderr)
    }
}

/// Compares what is printed with a snapshot in which times, sizes and tags stand for themselves.
macro_rules! shows {
    ($ran:expr, @$expected:literal) => {
        insta::with_settings!({
            filters => vec![
                (r"\d+\.\d+ s, .* of memory at most", "[TIME], [MEMORY] of memory at most"),
                (r"-> [\d.]+ (B|KiB|MiB|GiB) \([\d.]+ %\)", "-> [SIZE] ([SHARE] %)"),
                (r"(?m)[ \t]+$", ""),
            ],
        }, {
            insta::assert_snapshot!($ran.to_string(), @$expected);
        })
    };
}

pub(crate) use shows;
