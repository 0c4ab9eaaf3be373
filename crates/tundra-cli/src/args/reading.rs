//! How an input is read by the commands that only look at it.

use clap::Args;
use tundra_core::{ConvertOptions, Format, InspectOptions, OutputFormat};

use crate::{
    args::{
        JsonArgs, NullArgs, TextArgs, UnpackingArgs, WorkbookArgs, WritingArgs, convert::Types,
        values,
    },
    failure::Failure,
};

/// How the input is read; whatever is not said is found out.
#[derive(Debug, Args)]
pub(crate) struct ReadingArgs {
    /// The format of the input [default: found out]
    #[arg(long, value_name = "FORMAT", value_parser = values::format(), ignore_case = true)]
    format: Option<Format>,

    /// The member of an archive, as its name stands there [default: the only one that holds data]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    member: Option<String>,

    /// How columns get their types: by their values, or all text
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    types: Types,

    #[command(flatten)]
    text: TextArgs,

    #[command(flatten)]
    nulls: NullArgs,

    #[command(flatten)]
    json_hints: JsonArgs,

    #[command(flatten)]
    workbook: WorkbookArgs,

    #[command(flatten)]
    unpacking: UnpackingArgs,
}

impl ReadingArgs {
    /// Returns the engine's form of it for a look; with a `sample_size` types are of the beginning.
    pub(crate) fn into_inspect_options(self, sample_size: Option<u64>) -> InspectOptions {
        let Self { format, member, types, text, nulls, json_hints, workbook, unpacking } = self;
        InspectOptions {
            format,
            text: text.into_hints(),
            json: json_hints.into_hints(),
            workbook: workbook.into_hints(),
            member,
            max_unpacked: unpacking.into_limit(),
            types: types.into(),
            null_words: nulls.into_words(),
            sample_size,
        }
    }

    /// Returns the engine's form of it where something is written.
    ///
    /// # Errors
    /// As [`WritingArgs::into_options`].
    pub(crate) fn into_convert_options(
        self,
        output_format: OutputFormat,
        writing: WritingArgs,
        output: Option<&str>,
    ) -> Result<ConvertOptions, Failure> {
        let Self { format, member, types, text, nulls, json_hints, workbook, unpacking } = self;
        Ok(ConvertOptions {
            format,
            text: text.into_hints(),
            json: json_hints.into_hints(),
            workbook: workbook.into_hints(),
            member,
            max_unpacked: unpacking.into_limit(),
            types: types.into(),
            null_words: nulls.into_words(),
            output_format,
            writing: writing.into_options(output)?,
            ..ConvertOptions::default()
        })
    }
}
