//! The reference of the command line, made from the command line itself.
//!
//! Start at [`reference()`]. What it says about commands is their help; what it adds are the exit codes
//! and the environment variables, which are made from the values that the program uses.

use clap::{Arg, ArgAction, Command};
use tundra_core::ErrorKind;

use crate::{
    env,
    failure::{BROKEN_PIPE, DIFFERENT, UNWELL, USAGE},
    signals::Signal,
};

/// Returns the reference as Markdown.
pub(crate) fn reference(mut command: Command) -> String {
    command.build();
    let mut text = String::from(
        "# The command line\n\n\
         This page is made by `tundra generate-docs command-line`; do not edit it.\n\n\
         Data goes to standard output, everything else to standard error.\n",
    );
    section(&mut text, &command);
    for subcommand in shown(&command) {
        section(&mut text, subcommand);
        for below in shown(subcommand) {
            section(&mut text, below);
        }
    }
    exit_codes(&mut text);
    variables(&mut text);
    text
}

/// Returns the commands below a command that are not hidden.
fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    let is_shown = |it: &&Command| !it.is_hide_set() && it.get_name() != "help";
    command.get_subcommands().filter(is_shown)
}

fn section(text: &mut String, command: &Command) {
    let mut command = command.clone();
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    text.push_str(&format!("\n## `{name}`\n\n"));
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        text.push_str(&prose(&about.to_string()));
    }
    text.push_str(&format!("\n```text\n{}\n```\n", command.render_usage().to_string().trim_end()));
    let is_root = !name.contains(' ');
    // What has no heading of its own comes first, as in the help.
    let mut headings: Vec<Option<&str>> = vec![None];
    let shown: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && (is_root || !is_everywhere(arg)))
        .collect();
    for arg in &shown {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        if !shown.iter().any(|arg| arg.get_help_heading() == heading) {
            continue;
        }
        let title = heading.unwrap_or(if is_root { "Options" } else { "Arguments and options" });
        text.push_str(&format!("\n### {title}\n\n"));
        for arg in shown.iter().filter(|arg| arg.get_help_heading() == heading) {
            argument(text, arg);
        }
    }
    if let Some(examples) = command.get_after_long_help().or(command.get_after_help()) {
        let examples = examples.to_string();
        text.push_str(&format!("\n```text\n{}\n```\n", examples.trim_end()));
    }
}

/// Returns whether the argument is described once, with the program, for all commands.
fn is_everywhere(arg: &Arg) -> bool {
    arg.is_global_set() || arg.get_id() == "help" || arg.get_id() == "version"
}

fn argument(text: &mut String, arg: &Arg) {
    text.push_str(&format!("- {}\\\n", spelling(arg)));
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    for line in prose(&help).lines() {
        text.push_str(if line.is_empty() { "" } else { "  " });
        text.push_str(line);
        text.push('\n');
    }
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if takes_value(arg) && !defaults.is_empty() {
        text.push_str(&format!("  Default: {}.\n", defaults.join(", ")));
    }
    let values = arg.get_possible_values();
    if takes_value(arg) && values.iter().any(|value| value.get_help().is_some()) {
        for value in values {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            text.push_str(&format!("  - `{}`: {help}\n", value.get_name()));
        }
    } else if takes_value(arg) && !values.is_empty() {
        let names: Vec<String> =
            values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        text.push_str(&format!("  Values: {}.\n", names.join(", ")));
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn spelling(arg: &Arg) -> String {
    let value = arg
        .get_value_names()
        .filter(|_| takes_value(arg))
        .and_then(|names| names.first())
        .map_or(String::new(), ToString::to_string);
    match (arg.get_short(), arg.get_long()) {
        (None, None) => format!("`{value}`"),
        (short, long) => {
            let short = short.map(|short| format!("-{short}"));
            let long = long.map(|long| format!("--{long}"));
            let names: Vec<String> = short.into_iter().chain(long).collect();
            let value = if value.is_empty() { value } else { format!(" <{value}>") };
            format!("`{}{value}`", names.join(", "))
        }
    }
}

/// Returns the text with one sentence a line, as Markdown is kept here.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            prose.push('\n');
        }
        let paragraph = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let ended = if paragraph.ends_with(['.', ':', ']']) || paragraph.is_empty() {
            paragraph
        } else {
            paragraph + "."
        };
        prose.push_str(&ended.replace(". ", ".\n"));
        prose.push('\n');
    }
    prose
}

fn exit_codes(text: &mut String) {
    text.push_str(
        "\n## Exit codes\n\n\
         They are stable.\n\
         With `--json` a failed command prints a JSON object on standard error, \
         whose `code` is the name in the second column.\n\n\
         | code | name | meaning |\n| ---: | --- | --- |\n| 0 | | The command did what it was asked. |\n",
    );
    let mut kinds = ErrorKind::ALL.map(|kind| (kind.exit_code(), kind.code(), meaning(kind)));
    kinds.sort_unstable();
    for (code, name, meaning) in kinds {
        text.push_str(&format!("| {code} | `{name}` | {meaning} |\n"));
    }
    for (code, name, meaning) in [
        (
            BROKEN_PIPE,
            ErrorKind::Cancelled,
            "Whoever read the Parquet on standard output went away before its end.",
        ),
        (
            Signal::Terminate.exit_code(),
            ErrorKind::Cancelled,
            "SIGTERM asked the program to stop; no output was written.",
        ),
    ] {
        text.push_str(&format!("| {code} | `{name}` | {meaning} |\n"));
    }
    text.push_str(&format!(
        "\nA wrong command line ends with {USAGE}, and `tundra doctor` with {UNWELL} when it found something \
         wrong, as does `tundra health` for a server that is not healthy.\n\
         `tundra diff` ends with {DIFFERENT} when there are differences, which it then prints on standard \
         output; a bug in it ends with the same code, but with an error and without any.\n\
         A second Ctrl-C or SIGTERM ends the program at once, as if it did not handle signals.\n\
         Text whose reader went away, as in `tundra inspect x.csv | head -1`, is a success.\n",
    ));
}

/// Returns what a kind means to somebody who runs a command.
fn meaning(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => {
            "The command line is wrong, in itself or for this input: an unknown option, column or \
             type."
        }
        ErrorKind::InvalidData => {
            "The input holds something that cannot be converted as asked; the message says where."
        }
        ErrorKind::NotFound => "The input, or a directory that is needed, does not exist.",
        ErrorKind::AlreadyExists => "The output exists and `--overwrite` was not given.",
        ErrorKind::Conflict => "The input was changed while it was being read.",
        ErrorKind::PermissionDenied => "A file may not be read or written.",
        ErrorKind::Unsupported => {
            "The input is in a format, or at a place, that Tundra cannot read."
        }
        ErrorKind::LimitExceeded => {
            "The disk is full, or the memory, the temporary space or a size limit is used up."
        }
        ErrorKind::Unavailable => "A disk or a store does not answer as it should.",
        ErrorKind::Timeout => "The time that `--timeout` allows is over.",
        ErrorKind::Cancelled => "Ctrl-C asked the program to stop; no output was written.",
        ErrorKind::Corrupt => {
            "What was written is not what was read; it was not published. This is a bug."
        }
        ErrorKind::Internal => "Something happened that cannot happen. This is a bug.",
        // The kinds are a growing list; a new one shows its name until it is described here.
        _ => "See the message.",
    }
}

fn variables(text: &mut String) {
    text.push_str(
        "\n## Environment variables\n\n\
         A flag wins over a variable.\n\
         A variable that is set to nothing counts as not set; \
         one with a value that makes no sense is an error.\n\n\
         | variable | meaning |\n| --- | --- |\n",
    );
    for variable in env::all() {
        text.push_str(&format!("| `{}` | {} |\n", variable.name, variable.meaning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_described() {
        for kind in ErrorKind::ALL {
            assert_ne!(meaning(kind), "See the message.", "{kind}");
        }
    }

    #[test]
    fn prose_has_one_sentence_a_line() {
        assert_eq!(prose("One\ntwo. Three\n\nFour"), "One two.\nThree.\n\nFour.\n");
    }
}
