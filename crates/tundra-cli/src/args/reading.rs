//! How an input is read by the commands that only look at it.

use clap::Args;
use tundra_core::{ConvertOptions, Format, InspectOptions, OutputFormat};

use crate::args::{JsonArgs, NullArgs, TextArgs, WritingArgs, convert::Types, values};

/// How the input is read; whatever is not said is found out.
#[derive(Debug, Args)]
pub(crate) struct ReadingArgs {
    /// The format of the input [default: found out]
    #[arg(long, value_name = "FORMAT", value_parser = values::format(), ignore_case = true)]
    format: Option<Format>,

    /// How columns get their types: by their values, or all text
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    types: Types,

    #[command(flatten)]
    text: TextArgs,

    #[command(flatten)]
    nulls: NullArgs,

    #[command(flatten)]
    json_hints: JsonArgs,
}

impl ReadingArgs {
    /// Returns the engine's form of it for a look; with a `sample_size` types are of the beginning.
    pub(crate) fn into_inspect_options(self, sample_size: Option<u64>) -> InspectOptions {
        let Self { format, types, text, nulls, json_hints } = self;
        InspectOptions {
            format,
            text: text.into_hints(),
            json: json_hints.into_hints(),
            types: types.into(),
            null_words: nulls.into_words(),
            sample_size,
        }
    }

    /// Returns the engine's form of it where something is written.
    pub(crate) fn into_convert_options(
        self,
        output_format: OutputFormat,
        writing: &WritingArgs,
    ) -> ConvertOptions {
        let Self { format, types, text, nulls, json_hints } = self;
        ConvertOptions {
            format,
            text: text.into_hints(),
            json: json_hints.into_hints(),
            types: types.into(),
            null_words: nulls.into_words(),
            output_format,
            compression: writing.compression,
            row_group_rows: writing.row_group_rows(),
            ..ConvertOptions::default()
        }
    }
}
