//! The house rules that no other tool knows.
//!
//! Each rule is a function from a file to faults, and each has tests. A rule has no exceptions but
//! those that its own text names.

use super::code::{code_only, without_comments};
use crate::{metadata::Package, workspace::SourceFile};

/// Which files are looked at.
pub(super) const ENDINGS: &[&str] =
    &[".rs", ".md", ".toml", ".py", ".sql", ".cpp", ".hpp", ".h", ".yml", ".ci/run"];

/// Longer files are two modules.
const MAX_LINES: usize = 800;

/// Unfinished work is an issue, not a comment. Written apart, or this file would break its own rule.
const UNFINISHED_WORDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Code that is not there yet, or that was for a while.
const UNFINISHED_MACROS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

/// Where the environment is read: in one file per crate, with a documented constant per variable. A
/// build script has no other way to learn things, and a test may talk so to a process it starts.
const MAY_READ_ENVIRONMENT: [&str; 3] = ["/env.rs", "/build.rs", "/tests/"];

/// The macros of `tracing` that log a line.
const LOG_MACROS: [&str; 5] = ["trace!(", "debug!(", "info!(", "warn!(", "error!("];

/// A fault in a line, which is counted from one.
type Fault = (usize, String);

/// Returns what the files hold against the rules, with file and line.
pub(super) fn check(files: &[SourceFile]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        let mut found = white_space(&file.text);
        found.extend(unfinished_words(&file.text));
        if file.path.ends_with(".rs") {
            found.extend(rust_rules(file));
        }
        found.sort();
        let with_place = |(line, fault)| format!("{}:{line}: {fault}", file.path);
        faults.extend(found.into_iter().map(with_place));
    }
    faults
}

/// Returns which packages have more than one integration test: each links DuckDB again, and a file
/// beside `tests/main.rs` is compiled into a test of its own as well.
pub(super) fn check_test_targets(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in packages {
        let tests: Vec<&str> = package
            .targets
            .iter()
            .filter(|target| target.kind.iter().any(|kind| kind == "test"))
            .map(|target| target.name.as_str())
            .collect();
        if tests.len() > 1 {
            faults.push(format!(
                "`{}` has {} integration tests ({}); keep one, `tests/main.rs`, with modules",
                package.name,
                tests.len(),
                tests.join(", ")
            ));
        }
    }
    faults
}

fn rust_rules(file: &SourceFile) -> Vec<Fault> {
    let code = code_only(&file.text);
    let mut faults = module_doc(&file.text);
    faults.extend(length(&file.text));
    faults.extend(unfinished_macros(&code));
    faults.extend(tests(&code));
    if !MAY_READ_ENVIRONMENT.iter().any(|name| file.path.contains(name)) {
        faults.extend(environment(&code));
    }
    faults.extend(log_messages(&without_comments(&file.text), &code));
    faults
}

fn white_space(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (line, text) in lines(text) {
        if text.ends_with([' ', '\t', '\r']) {
            faults.push((line, "white space at the end of the line".to_owned()));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push((text.lines().count(), "no line break at the end of the file".to_owned()));
    }
    faults
}

fn unfinished_words(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (line, text) in lines(text) {
        let mut words = text.split(|char: char| !char.is_alphanumeric());
        if let Some(word) = words.find(|word| UNFINISHED_WORDS.contains(word)) {
            faults.push((line, format!("`{word}`: do it, or file an issue")));
        }
    }
    faults
}

fn module_doc(text: &str) -> Vec<Fault> {
    if text.starts_with("//!") {
        return Vec::new();
    }
    vec![(1, "a module begins with `//!`: what it is for, what it refuses to do".to_owned())]
}

fn length(text: &str) -> Vec<Fault> {
    let count = text.lines().count();
    if count <= MAX_LINES {
        return Vec::new();
    }
    vec![(MAX_LINES, format!("{count} lines, more than {MAX_LINES}: split the module"))]
}

fn unfinished_macros(code: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in UNFINISHED_MACROS {
        for line in lines_with(code, name) {
            faults.push((line, format!("`{name}` is not for code that stays")));
        }
    }
    faults
}

fn tests(code: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut is_test = false;
    for (line, text) in lines(code) {
        if is_test && text.contains("fn test_") {
            let fault = "name a test by the behaviour it shows, without `test_`";
            faults.push((line, fault.to_owned()));
        }
        // The attributes of a function stand above it: `#[test]`, `#[tokio::test(…)]`.
        let is_attribute = text.trim_start().starts_with("#[");
        is_test = is_attribute && (is_test || text.contains("test]") || text.contains("test("));
    }
    for line in lines_with(code, "#[ignore") {
        faults.push((line, "a test runs or is not there: no `#[ignore]`".to_owned()));
    }
    for line in lines_with(code, "#[should_panic") {
        faults.push((line, "test the error, or catch the panic: no `#[should_panic]`".to_owned()));
    }
    faults
}

fn environment(code: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for call in ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("] {
        for line in lines_with(code, call) {
            let fault = "read the environment in the crate's `env.rs` only";
            faults.push((line, fault.to_owned()));
        }
    }
    faults
}

/// Log lines are constant text in lower case with the values as fields before it, so that they can
/// be searched and counted.
fn log_messages(text: &str, code: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in LOG_MACROS {
        for (at, _) in code.match_indices(name) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|char| char.is_alphanumeric() || char == '_') {
                continue;
            }
            let line = line_of(code, at);
            let arguments = arguments(text, code, at + name.len());
            let message = arguments.iter().position(|argument| argument.starts_with('"'));
            let Some(message) = message else {
                continue;
            };
            if message + 1 != arguments.len() {
                faults.push((line, "log values as fields before the message".to_owned()));
            } else if let Some(fault) = fault_of_message(arguments[message].trim_matches('"')) {
                faults.push((line, fault.to_owned()));
            }
        }
    }
    faults
}

fn fault_of_message(message: &str) -> Option<&'static str> {
    let first = message.split_whitespace().next().unwrap_or_default();
    // A name such as `DuckDB` keeps its case.
    let is_name = first.chars().skip(1).any(char::is_uppercase);
    if message.contains('{') {
        Some("a log message is constant: log values as fields before it")
    } else if message.ends_with('.') {
        Some("a log message ends without a full stop")
    } else if first.starts_with(char::is_uppercase) && !is_name {
        Some("a log message begins in lower case")
    } else {
        None
    }
}

/// Splits what stands between a macro's parentheses, which begins at `start`, at its own commas.
/// `code` is `text` with strings blanked, so that a comma in one does not count.
fn arguments<'a>(text: &'a str, code: &str, start: usize) -> Vec<&'a str> {
    let mut depth = 0_usize;
    let mut begin = start;
    let mut arguments = Vec::new();
    for (offset, char) in code[start..].char_indices() {
        let at = start + offset;
        match char {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ')' | ',' if depth == 0 => {
                arguments.extend(text.get(begin..at).map(str::trim));
                begin = at + 1;
                if char == ')' {
                    break;
                }
            }
            _ => {}
        }
    }
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
}

fn lines_with(code: &str, part: &str) -> Vec<usize> {
    lines(code).filter(|(_, line)| line.contains(part)).map(|(line, _)| line).collect()
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks one Rust file and compares the faults, each with its line.
    #[track_caller]
    fn faults(text: &str, expected: &[&str]) {
        let path = "crates/a/src/b.rs".to_owned();
        let found = check(&[SourceFile { path, text: text.to_owned() }]);
        let found: Vec<&str> =
            found.iter().filter_map(|fault| fault.strip_prefix("crates/a/src/b.rs:")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_tidy_module_has_no_faults() {
        faults("//! Adds.\n\nfn add() {}\n", &[]);
    }

    #[test]
    fn a_module_begins_with_its_doc() {
        let fault = "1: a module begins with `//!`: what it is for, what it refuses to do";
        faults("use a::b;\n", &[fault]);
        faults("", &[fault]);
    }

    #[test]
    fn a_long_file_is_a_fault() {
        let text = |lines: usize| format!("//! A.\n{}", "\n".repeat(lines - 1));
        faults(&text(800), &[]);
        faults(&text(801), &["800: 801 lines, more than 800: split the module"]);
    }

    #[test]
    fn white_space_at_the_end_is_a_fault() {
        faults("//! A. \n", &["1: white space at the end of the line"]);
        faults("//! A.\nfn a() {}", &["2: no line break at the end of the file"]);
    }

    #[test]
    fn unfinished_work_is_a_fault() {
        let word = UNFINISHED_WORDS[0];
        let fault = format!("2: `{word}`: do it, or file an issue");
        faults(&format!("//! A.\n// {word}: b\n"), &[&fault]);
        faults(&format!("//! A.\n// {word}S are a list.\n"), &[]);
        faults("//! A.\nfn a() { todo!() }\n", &["2: `todo!` is not for code that stays"]);
        faults("//! A.\n// `todo!` is a macro.\nconst A: &str = \"todo!\";\n", &[]);
    }

    #[test]
    fn tests_are_named_by_behaviour_and_run() {
        faults(
            "//! A.\n#[test]\n#[ignore]\n#[should_panic(expected = \"b\")]\nfn test_a() {}\n",
            &[
                "3: a test runs or is not there: no `#[ignore]`",
                "4: test the error, or catch the panic: no `#[should_panic]`",
                "5: name a test by the behaviour it shows, without `test_`",
            ],
        );
    }

    #[test]
    fn the_environment_is_read_in_one_file() {
        let text = "//! A.\nfn a() { std::env::var(\"B\"); }\n";
        faults(text, &["2: read the environment in the crate's `env.rs` only"]);
        let path = "crates/a/src/env.rs".to_owned();
        assert!(check(&[SourceFile { path, text: text.to_owned() }]).is_empty());
        faults("//! A.\nconst A: &str = env!(\"CARGO_PKG_NAME\");\n", &[]);
    }

    #[test]
    fn log_messages_are_constant_lower_case_fragments() {
        let line = |log: &str| format!("//! A.\nfn a() {{ {log} }}\n");
        for log in [
            "tracing::info!(rows = f(1, 2), \"wrote file\");",
            "debug!(error = %error, \"DuckDB refused\");",
            "info!(\n    path = %path,\n    \"read, then wrote\",\n);",
            "self.info!(a);",
            "my_info!(\"Other macro {}\", a);",
        ] {
            faults(&line(log), &[]);
        }
        faults(&line("info!(\"Wrote file\");"), &["2: a log message begins in lower case"]);
        faults(&line("warn!(\"wrote file.\");"), &["2: a log message ends without a full stop"]);
        faults(
            &line("error!(\"wrote {path}\");"),
            &["2: a log message is constant: log values as fields before it"],
        );
        faults(
            &line("tracing::trace!(\"wrote\", a = 1);"),
            &["2: log values as fields before the message"],
        );
    }

    #[test]
    fn a_package_has_one_integration_test() {
        let target = |name: &str, kind: &str| crate::metadata::Target {
            name: name.to_owned(),
            kind: vec![kind.to_owned()],
        };
        let package = |targets| Package { name: "a".to_owned(), dependencies: Vec::new(), targets };
        assert!(
            check_test_targets(&[package(vec![target("main", "test"), target("a", "lib")])])
                .is_empty()
        );
        let two = package(vec![target("main", "test"), target("more", "test")]);
        assert_eq!(
            check_test_targets(&[two]),
            ["`a` has 2 integration tests (main, more); keep one, `tests/main.rs`, with modules"]
        );
    }
}
