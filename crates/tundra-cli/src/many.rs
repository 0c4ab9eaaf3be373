//! Several inputs as they are typed: names, patterns and prefixes.
//!
//! Start at [`locate`]. What a pattern stands for is found by `tundra-storage`; this decides whether what
//! was typed is one input or several, and refuses what would make rows come twice.

use std::collections::HashMap;

use tundra_core::{Input, ManyInputs};
use tundra_storage::{LocationError, Stores};

use crate::{
    args::ManyRequest,
    failure::Failure,
    places::{Identity, PATTERN, Source, Target, is_same},
};

/// What is converted.
#[derive(Debug)]
pub(crate) enum Inputs {
    /// One input, which may be a pipe.
    One(Source),
    /// Several, or parts of one.
    Many(ManyInputs),
}

/// Finds what was typed.
///
/// # Errors
/// Fails when a text names no place, when a pattern or a prefix stands for nothing, and when an input
/// comes twice.
pub(crate) async fn locate(
    typed: &[String],
    request: &ManyRequest,
    stores: &Stores,
) -> Result<Inputs, Failure> {
    if let [text] = typed
        && !request.is_for_several()
        && !stands_for_several(text)
    {
        return Ok(Inputs::One(Source::locate(text, stores).await?));
    }
    let mut found: Vec<Input> = Vec::new();
    let mut seen: HashMap<Identity, String> = HashMap::new();
    for text in typed {
        for input in each(text, stores).await? {
            let location = input.storage.display(&input.path);
            let identity = Identity::of(&*input.storage, &input.path);
            if let Some(first) = seen.insert(identity, location.clone()) {
                let what = match first == location {
                    true => format!("`{location}` is an input twice"),
                    false => format!("`{location}` is the input `{first}` once more"),
                };
                return Err(Failure::usage(
                    format!("{what}, and its rows would come twice"),
                    "name it once; a pattern may stand for it already",
                ));
            }
            found.push(input);
        }
    }
    if found.len() == 1
        && !request.is_for_several()
        && let Some(input) = found.pop()
    {
        return Ok(Inputs::One(Source::Object(input)));
    }
    let name = match typed {
        [text] => shown(text, &found),
        [first, ..] => format!("{} and {} more", shown(first, &found), typed.len() - 1),
        [] => String::new(),
    };
    Ok(Inputs::Many(ManyInputs {
        members: request.members.clone(),
        sheets: request.sheets.clone(),
        file_column: request.file_column.clone(),
        sheet_column: request.sheet_column.clone(),
        hive: request.hive,
        on_bad_file: request.on_bad_file,
        ..ManyInputs::new(name, found)
    }))
}

/// Returns whether a text may stand for several inputs.
fn stands_for_several(text: &str) -> bool {
    text.contains(PATTERN) || text.ends_with('/')
}

/// Returns whether an output has to be named: nothing can stand beside what was typed.
pub(crate) fn needs_output(typed: &[String], request: &ManyRequest) -> bool {
    match typed {
        [text] => stands_for_several(text) || !request.is_for_parts(),
        _ => true,
    }
}

/// Returns the inputs that a text stands for, by name.
async fn each(text: &str, stores: &Stores) -> Result<Vec<Input>, Failure> {
    if !stands_for_several(text) {
        return match Source::locate(text, stores).await? {
            Source::Object(input) => Ok(vec![input]),
            Source::Pipe(_) => Err(Failure::usage(
                format!("`{text}` is a pipe, which cannot be one of several inputs"),
                "write it to a file first",
            )),
        };
    }
    let found = stores.expand(text).await?;
    let is_prefix = text.ends_with('/');
    let mut inputs: Vec<Input> = found
        .into_iter()
        .map(|(storage, path)| Input { storage, path })
        .filter(|input| !(is_prefix && is_aside(text, input)))
        .collect();
    // As strings, so that the order does not depend on how directories are walked.
    inputs.sort_by_cached_key(|input| input.storage.display(&input.path));
    if inputs.is_empty() {
        return Err(LocationError::NoMatch { pattern: text.to_owned() }.into());
    }
    Ok(inputs)
}

/// Returns whether an object below a prefix is one that those who write there put aside: its name, or that of
/// a directory, begins with a dot or an underscore.
fn is_aside(prefix: &str, input: &Input) -> bool {
    let location = input.storage.display(&input.path);
    let below = location.strip_prefix(prefix).unwrap_or(input.path.as_str());
    below
        .split('/')
        .any(|name| name.starts_with('.') || name.starts_with('_') && !name.contains('='))
}

/// Returns how messages name what was typed. A URL may hold a signature, so it is not shown as it is.
fn shown(text: &str, found: &[Input]) -> String {
    match found {
        [only] if !stands_for_several(text) => only.storage.display(&only.path),
        _ => text.split('?').next().filter(|_| text.contains("://")).unwrap_or(text).to_owned(),
    }
}

/// Refuses an output that is one of the inputs.
///
/// # Errors
/// Fails and names it.
pub(crate) fn refuse_input(
    inputs: &ManyInputs,
    target: &Target,
    stores: &Stores,
) -> Result<(), Failure> {
    if target.is_standard {
        return Ok(());
    }
    if is_input(inputs, &target.shown, stores) {
        return Err(Failure::usage(
            format!("the output `{}` is one of the inputs", target.shown),
            "name another file with `-o`, or a narrower pattern",
        ));
    }
    Ok(())
}

/// Returns whether a place is that of one of the inputs.
pub(crate) fn is_input(inputs: &ManyInputs, place: &str, stores: &Stores) -> bool {
    inputs.inputs.iter().any(|one| is_same(&one.storage.display(&one.path), place, stores))
}
