//! What a user can say about how a text input is written, and how it becomes the engine's hints.

use clap::Args;
use tundra_core::TextHints;

use crate::args::values::{self, Comment, Escape, Quote};

/// How the text is written; whatever is not said is found out.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading text")]
pub(crate) struct TextArgs {
    /// What stands between two fields [default: found out]
    ///
    /// One character or several, or a name: `comma`, `semicolon`, `tab` (also `\t`), `pipe`,
    /// `space`. With a wrong delimiter the whole line is one column, which `tundra inspect` shows.
    #[arg(short, long, value_name = "TEXT", value_parser = values::delimiter)]
    delimiter: Option<String>,

    /// The encoding, such as windows-1252 or utf-16le [default: found out]
    ///
    /// Any label of the WHATWG Encoding Standard. Bytes that are not text in the encoding are an
    /// error with their place; they are never replaced.
    #[arg(long, value_name = "LABEL")]
    encoding: Option<String>,

    /// The quote around fields: one character, or `none` [default: found out]
    #[arg(long, value_name = "CHAR", value_parser = values::quote)]
    quote: Option<Quote>,

    /// What makes a quote inside a quoted field an ordinary character [default: found out]
    ///
    /// `doubled` for two quotes in a row, `backslash`, any other character, or `none`.
    #[arg(long, value_name = "CHAR", value_parser = values::escape)]
    escape: Option<Escape>,

    /// The first record names the columns [default: found out]
    #[arg(long, conflicts_with = "no_header")]
    header: bool,

    /// There is no header: the columns are named column1, column2, ...
    #[arg(long)]
    no_header: bool,

    /// How many records the header has, 0 for none [default: found out]
    ///
    /// The names of a header of several records are joined, column by column, with blanks.
    #[arg(
        long,
        value_name = "N",
        value_parser = values::from_zero::<u32>,
        allow_negative_numbers = true,
        conflicts_with_all = ["header", "no_header"]
    )]
    header_rows: Option<u32>,

    /// Lines before the header that belong to no table [default: found out]
    #[arg(
        long,
        value_name = "LINES",
        value_parser = values::from_zero::<u64>,
        allow_negative_numbers = true
    )]
    preamble: Option<u64>,

    /// Lines at the end that belong to no table, 0 for none [default: found out]
    #[arg(
        long,
        value_name = "LINES",
        value_parser = values::from_zero::<u64>,
        allow_negative_numbers = true,
        conflicts_with = "one_table"
    )]
    footer: Option<u64>,

    /// Take everything behind the header for one table
    ///
    /// Without it the table ends where another one or a footer begins, if it is clear that one does.
    /// What is left out is told.
    #[arg(long)]
    one_table: bool,

    /// Lines that begin with this are comments, or `none` for no comments [default: found out]
    #[arg(long, value_name = "TEXT", value_parser = values::comment)]
    comment: Option<Comment>,
}

impl TextArgs {
    /// Returns the engine's form of it.
    pub(crate) fn into_hints(self) -> TextHints {
        let Self {
            delimiter,
            encoding,
            quote,
            escape,
            header,
            no_header,
            header_rows,
            preamble,
            footer,
            one_table,
            comment,
        } = self;
        let quote = quote.map(|Quote(quote)| quote);
        TextHints {
            encoding,
            delimiter,
            quote,
            escape: escape.map(|escape| match escape {
                Escape::Doubled => Some(quote.flatten().unwrap_or('"')),
                Escape::Character(character) => Some(character),
                Escape::None => None,
            }),
            header: match (header, no_header) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                (false, false) => None,
            },
            header_rows,
            preamble,
            footer,
            one_table,
            comment: comment.map(|Comment(comment)| comment),
        }
    }
}
