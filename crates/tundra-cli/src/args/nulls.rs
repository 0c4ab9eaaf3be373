//! What a user can say about nulls in delimited text.

use clap::Args;

/// Which words stand for nulls.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading text")]
pub(crate) struct NullArgs {
    /// This word stands for a null, such as NA or '\N'; may be repeated
    ///
    /// In delimited text, in every column, and only as a whole field without quotes that is written
    /// exactly so. An empty field without quotes is a null in any case; by default no word is one,
    /// and the reason for a column's type says when a word stands in the way.
    #[arg(long = "null", value_name = "WORD", value_parser = word, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl NullArgs {
    /// Returns the words.
    pub(crate) fn into_words(self) -> Vec<String> {
        let Self { words } = self;
        words
    }
}

fn word(text: &str) -> Result<String, String> {
    match text {
        "" => Err("an empty field without quotes is a null in any case".to_owned()),
        _ => Ok(text.to_owned()),
    }
}
