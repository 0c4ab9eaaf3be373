//! How far along a path the documents of a text reach, for whoever wrote a path that leads to
//! nothing.

use crate::{Error, RecordsPath};

/// Names that are listed. More would not be read.
const SHOWN: usize = 20;

/// Characters of a name that are shown.
const SHOWN_NAME: usize = 60;

/// The innermost value on a path that is there, and what it is.
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// Steps of the path that lead to it.
    depth: usize,
    what: What,
}

/// What stands where the path ends too early.
#[derive(Debug, Default)]
enum What {
    /// Nothing was looked at.
    #[default]
    Nothing,
    /// An object without the name that the path goes on with.
    Object {
        /// The first names that are there.
        names: Vec<String>,
        /// There are others.
        more: bool,
    },
    /// An array without the element that the path goes on with.
    Array {
        /// Its elements.
        elements: u64,
    },
    /// Something that the path cannot go on into.
    Other(&'static str),
}

impl Reached {
    /// Says that an object is there, `depth` steps inward.
    pub(super) fn object(&mut self, depth: usize) {
        if self.goes_on(depth) {
            *self = Self { depth, what: What::Object { names: Vec::new(), more: false } };
        }
    }

    /// Says that an object there has a member of this name.
    pub(super) fn member(&mut self, depth: usize, name: &str) {
        let What::Object { names, more } = &mut self.what else { return };
        if self.depth != depth || names.iter().any(|other| other == name) {
            return;
        }
        if names.len() < SHOWN { names.push(name.to_owned()) } else { *more = true }
    }

    /// Says that an array of so many elements is there.
    pub(super) fn array(&mut self, depth: usize, elements: u64) {
        if self.goes_on(depth) {
            *self = Self { depth, what: What::Array { elements } };
        }
    }

    /// Says that there is something that begins with this byte, which the path cannot go on into.
    pub(super) fn other(&mut self, depth: usize, byte: u8) {
        if self.goes_on(depth) {
            let what = match byte {
                b'{' => "an object",
                b'[' => "an array",
                b'"' => "a string",
                b't' | b'f' => "a boolean",
                b'n' => "null",
                _ => "a number",
            };
            *self = Self { depth, what: What::Other(what) };
        }
    }

    /// What was found first of all that is equally far is kept.
    fn goes_on(&self, depth: usize) -> bool {
        depth > self.depth || matches!(self.what, What::Nothing)
    }

    /// Returns the error of a path that leads to nothing in `input`.
    pub(super) fn error(&self, path: &RecordsPath, input: &str) -> Error {
        let place = match self.depth {
            0 => "the document".to_owned(),
            depth => format!("`{}`", path.first(depth)),
        };
        let wanted = path.first(self.depth + 1);
        let (found, hint) = match &self.what {
            What::Nothing => ("there is no document".to_owned(), None),
            What::Object { names, .. } if names.is_empty() => {
                (format!("{place} is an object without members"), None)
            }
            What::Object { names, more } => {
                let listed: Vec<String> = names.iter().map(|name| shown(name)).collect();
                let tail = if *more { " and others" } else { "" };
                let hint = format!("the names in {place} are {}{tail}", listed.join(", "));
                (format!("{place} is an object, and there is no `{wanted}`"), Some(hint))
            }
            What::Array { elements } => {
                let plural = if *elements == 1 { "" } else { "s" };
                let found = format!(
                    "{place} is an array of {elements} element{plural}, and there is no `{wanted}`"
                );
                (found, Some("elements are counted from 0".to_owned()))
            }
            What::Other("an array") => {
                let inside = path.first(self.depth).to_string();
                let inside = if inside == "$" { String::new() } else { inside };
                let hint = format!(
                    "point into the array with `{inside}[0]`, or into all of its elements with \
                     `{inside}[*]`"
                );
                (format!("{place} is an array, which has no names"), Some(hint))
            }
            What::Other(what) => (format!("{place} is {what}, and there is no `{wanted}`"), None),
        };
        Error::Request {
            message: format!("`--records {path}` leads to nothing in `{input}`: {found}"),
            hint,
        }
    }
}

/// Shows a name in one piece, shortened.
fn shown(name: &str) -> String {
    let mut text: String = name.chars().take(SHOWN_NAME).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN_NAME).is_some() {
        text.push('…');
    }
    format!("`{text}`")
}
