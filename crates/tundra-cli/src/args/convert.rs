//! The arguments of `tundra convert`.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use tundra_core::{
    BadRowPolicy, ConvertOptions, Format, IdempotencyKey, OnDrift, OutputFormat, Reader,
    RejectLimit, RejectsName, TypePolicy, WriteOptions,
};
use tundra_storage::UploadFate;

use crate::{
    args::{
        CatalogArgs, GeometryArgs, JsonArgs, ManyArgs, ManyRequest, NullArgs, ResourceArgs,
        TextArgs, UnpackingArgs, WorkbookArgs, WritingArgs,
        values::{self, TypedColumn},
    },
    failure::Failure,
};

/// Convert a file to Parquet, and prove that nothing was lost
///
/// Every column gets a type that holds all of its values exactly; where no other type does, it
/// stays text. The rows keep their order. The output appears under its name complete and checked,
/// or not at all.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Write sales.parquet beside sales.csv:
      tundra convert sales.csv

  Write elsewhere, and replace what is there:
      tundra convert sales.csv -o warehouse/sales.parquet --overwrite

  Say what is known, and leave the rest to be found out:
      tundra convert export.txt --delimiter tab --encoding windows-1252 --no-header

  Rename a column, and force the type of another:
      tundra convert sales.csv --rename 'Order ID=order_id' --type 'price=DECIMAL(12,2)'

  Set broken rows aside in rejects.parquet, but fail if they are more than one in a thousand:
      tundra convert sales.csv --on-bad-row reject --max-rejects 0.1%

  Write down how a file is read, edit that, and hold the next file to it:
      tundra inspect sales-1.csv -o schema.yaml
      tundra convert sales-2.csv --schema schema.yaml

  Take the records out of a JSON document, and make columns of the objects in them:
      tundra convert response.json --records data.items --flatten

  Read what is compressed, and one file of an archive:
      tundra convert sales.csv.gz
      tundra convert export.zip --member 2024/sales.csv

  Make one table of many files, of the sheets of a workbook, or of the members of an archive:
      tundra convert 'exports/*.csv' -o all.parquet --file-column file
      tundra convert s3://lake/sales/ -o sales.parquet --hive --on-bad-file reject
      tundra convert report.xlsx --sheet '*' --sheet-column month
      tundra convert export.zip --member '**/*.csv'

  Make a file of each sheet:
      tundra convert report.xlsx --each-sheet -o sheets/

  Write another format, for those who need the way back:
      tundra convert sales.parquet -o sales.csv
      tundra convert sales.csv --to ndjson -o - | jq .price

  Convert in a pipe:
      curl -s https://example.com/sales.csv | tundra convert - > sales.parquet

  Files of at most 256 MiB each, in a directory for each value of a column:
      tundra convert sales.csv -o sales/ --partition-by country --max-file-size 256MiB

  Keep the proof:
      tundra convert sales.csv --receipt sales.receipt.json

  Make the next version of a catalogued source:
      tundra source add sales exports/sales.csv
      tundra convert --source sales")]
pub(crate) struct ConvertArgs {
    /// The file, or `-` for standard input; several files, patterns and directories become one table
    ///
    /// Standard input and other pipes are read to their end before anything else, into the temporary
    /// directory. In a pattern, `*` and `?` stay within a directory, and `**` is any number of them; quote
    /// it, or the shell takes it apart. A directory or a prefix of a store ends in `/`, and stands for all
    /// files below it but those whose names begin with a dot or an underscore. The columns of several
    /// files are united by their names: each has the type that holds its values in all of them, and is
    /// null where a file lacks it. The rows stand in the order of the arguments and in each by name.
    #[arg(value_name = "INPUT", required_unless_present = "source")]
    pub(crate) inputs: Vec<String>,

    /// Where to write, or `-` for standard output [default: beside the input]
    ///
    /// By default the output stands beside the input, under its name with `.parquet` for the
    /// extension, and standard input goes to standard output. The directory must exist. Standard
    /// output gets the file only when it is complete and checked. What ends with `/` is a directory that
    /// gets several files, by `--max-file-size` or `--partition-by`.
    #[arg(short, long, value_name = "OUTPUT", conflicts_with = "source")]
    pub(crate) output: Option<String>,

    /// Write another format than Parquet: csv, json, ndjson or arrow [default: by the extension]
    ///
    /// By default `-o x.csv`, `.json`, `.ndjson` and `.arrow` are written as what they are called, and
    /// everything else as Parquet. Every value is kept exactly: a type or a value that the format cannot
    /// hold is an error, such as NaN in JSON. Nested values are JSON in CSV, and bytes are hexadecimal in
    /// both. The options under Writing are for Parquet, and refused otherwise, but `--sort-by`.
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = values::output_format(),
        ignore_case = true,
        hide_possible_values = true,
        conflicts_with = "source"
    )]
    to: Option<OutputFormat>,

    /// Replace the output if it exists
    ///
    /// By default an existing output is an error. Until the new one is complete readers see the old
    /// one. The same holds for the file of `--receipt`.
    #[arg(long, conflicts_with = "source")]
    pub(crate) overwrite: bool,

    /// The format of the input [default: found out]
    ///
    /// By default the content decides, and the extension where the content leaves it open.
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = values::format(),
        ignore_case = true,
        help_heading = READING
    )]
    format: Option<Format>,

    /// The member of an archive, as its name stands there [default: the only one that holds data]
    ///
    /// Of a zip or a tar archive, which may be compressed. The names are only compared; nothing is
    /// unpacked to where one says. With a pattern such as '*.csv' all members that match become one table.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, help_heading = READING)]
    member: Option<String>,

    /// Leave out these records, such as 0,3; the first one behind the header is 0
    ///
    /// They are counted in the receipt as skipped. Blank lines and comments are no records. A number
    /// beyond the last record is told.
    #[arg(
        long,
        value_name = "N,...",
        value_delimiter = ',',
        value_parser = values::from_zero::<u64>,
        allow_hyphen_values = true,
        help_heading = READING
    )]
    skip_rows: Vec<u64>,

    /// What happens to a record that cannot be read, or a value that does not fit `--type`
    #[arg(long, value_name = "POLICY", value_enum, default_value_t, help_heading = READING)]
    on_bad_row: BadRows,

    /// Fail nevertheless when more are rejected: a count, or a share such as 0.5%
    ///
    /// Only with `--on-bad-row reject`. By default any number is accepted, and counted.
    #[arg(
        long,
        value_name = "N|P%",
        value_parser = values::reject_limit,
        allow_hyphen_values = true,
        help_heading = READING
    )]
    max_rejects: Option<RejectLimit>,

    /// Give a column another name; may be repeated
    ///
    /// OLD is the name in the input and ends at the first `=`; for an `=` in OLD itself write `\=`,
    /// and for a `\` before an `=` write `\\`. A column that does not exist is an error.
    #[arg(
        long,
        value_name = "OLD=NEW",
        value_parser = values::rename,
        help_heading = COLUMNS
    )]
    rename: Vec<(String, String)>,

    /// Give a column this type, such as price=DECIMAL(12,2); may be repeated
    ///
    /// COLUMN is the name in the input and ends at the last `=`. The types: BOOLEAN, TINYINT,
    /// SMALLINT, INTEGER, BIGINT, the same four with a U before them for unsigned, FLOAT, DOUBLE,
    /// DECIMAL(p,s), VARCHAR, BLOB, DATE, TIME, TIMESTAMP, TIMESTAMP_NS, TIMESTAMPTZ, UUID, JSON,
    /// T[] for a list and STRUCT(name T, ...). A value that does not fit is a bad row: see
    /// `--on-bad-row`. Behind the type can stand how its values are written in delimited text:
    /// `day=DATE(%d/%m/%Y)`, `at=TIMESTAMP(%m/%d/%Y %I:%M %p)`, `price=DECIMAL(12,2,#.##0,00 €)`.
    #[arg(
        long = "type",
        value_name = "COLUMN=TYPE",
        value_parser = values::column_type,
        help_heading = COLUMNS
    )]
    column_types: Vec<TypedColumn>,

    /// How the other columns get their types
    #[arg(long, value_name = "HOW", value_enum, default_value_t, help_heading = COLUMNS)]
    types: Types,

    /// Expect what this schema file says, and fail with the differences otherwise
    ///
    /// `tundra inspect INPUT -o schema.yaml` writes such a file; edit it, and use it with
    /// `tundra convert INPUT --schema schema.yaml`. It says how the input is written, and the columns
    /// in the order of the output with their names and types. Columns that are missing or that the
    /// schema does not know, values that do not fit the type of their column, and nulls in a column
    /// with `nullable: false` fail the run with a list of all of them. Other options go before what
    /// the file says.
    #[arg(long, value_name = "FILE", help_heading = COLUMNS)]
    schema: Option<String>,

    /// Take an input that is not as the schema says
    ///
    /// Columns that were added come behind the others, columns that are missing are null in every
    /// row, and columns whose values do not fit get the type that holds them. The differences stand
    /// in the receipt, and a warning names each.
    #[arg(long, requires = "schema", help_heading = COLUMNS)]
    accept_drift: bool,

    #[command(flatten)]
    many: ManyArgs,

    #[command(flatten)]
    writing: WritingArgs,

    /// Keep to what this reader of Parquet takes; repeat it for more
    ///
    /// Types and names that one of them does not take become such that hold the same and that all of them
    /// take, and each change is told. What was said otherwise is not changed: then the run fails. So it does
    /// when nothing would do. docs/READERS.md says what is known of each.
    #[arg(
        long = "for",
        value_name = "READER",
        value_parser = values::reader(),
        ignore_case = true,
        help_heading = WRITING
    )]
    readers: Vec<Reader>,

    /// Write the receipt to this file as JSON, after the data
    ///
    /// The receipt says what was read, what was decided and why, how many records went where, and
    /// the digest of the output.
    #[arg(long, value_name = "FILE", conflicts_with = "source", help_heading = WRITING)]
    pub(crate) receipt: Option<String>,

    /// Print the receipt as JSON on standard output instead of the summary
    ///
    /// Errors are then JSON as well, on standard error.
    #[arg(long, help_heading = WRITING)]
    pub(crate) json: bool,

    /// Make the next version of this catalogued source, by its name or its id
    ///
    /// Reads the source's location, or what was uploaded for it last, unless INPUT is given. The version
    /// goes to the warehouse with its receipt beside it, an upload is archived, and readers see the
    /// version when all of it is complete.
    #[arg(long, value_name = "SOURCE", help_heading = VERSIONS)]
    source: Option<String>,

    /// A name for this request: another run with the same key makes no second version
    ///
    /// It prints the version that the first one made, is making, or failed to make.
    #[arg(long, value_name = "KEY", requires = "source", help_heading = VERSIONS)]
    idempotency_key: Option<IdempotencyKey>,

    /// Remove the upload when it is archived and the version is there
    #[arg(long, requires = "source", help_heading = VERSIONS)]
    remove_upload: bool,

    #[command(flatten)]
    catalog: CatalogArgs,

    #[command(flatten)]
    text: TextArgs,

    #[command(flatten)]
    nulls: NullArgs,

    #[command(flatten)]
    json_hints: JsonArgs,

    #[command(flatten)]
    workbook: WorkbookArgs,

    #[command(flatten)]
    geometry: GeometryArgs,

    #[command(flatten)]
    unpacking: UnpackingArgs,

    #[command(flatten)]
    resources: ResourceArgs,
}

const READING: &str = "Reading";
const COLUMNS: &str = "Columns";
const WRITING: &str = "Writing";
const VERSIONS: &str = "Versions";

/// How columns get their types.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Types {
    /// By their values: the narrowest type that holds every one of them exactly
    #[default]
    Infer,
    /// All columns are text
    Text,
}

impl From<Types> for TypePolicy {
    fn from(types: Types) -> Self {
        match types {
            Types::Infer => Self::Infer,
            Types::Text => Self::Text,
        }
    }
}

/// What happens to records that do not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BadRows {
    /// The run fails and says where
    #[default]
    Fail,
    /// The record is written to rejects.parquet beside the output, and counted
    Reject,
    /// The record is made to fit by documented rules, and counted
    Repair,
}

impl From<BadRows> for BadRowPolicy {
    fn from(policy: BadRows) -> Self {
        match policy {
            BadRows::Fail => Self::Fail,
            BadRows::Reject => Self::Reject,
            BadRows::Repair => Self::Repair,
        }
    }
}

/// What `tundra convert` was asked, with the engine's options made of it.
#[derive(Debug)]
pub(crate) struct ConvertRequest {
    /// The inputs as typed; a run of a source finds its own.
    pub(crate) inputs: Vec<String>,
    /// What was asked of several inputs.
    pub(crate) many: ManyRequest,
    /// Whether each sheet of a workbook has an output of its own.
    pub(crate) each_sheet: bool,
    /// The source whose version is to be made.
    pub(crate) version: Option<VersionRequest>,
    /// The output as typed.
    pub(crate) output: Option<String>,
    /// Whether existing files are replaced.
    pub(crate) overwrite: bool,
    /// The receipt's file as typed.
    pub(crate) receipt: Option<String>,
    /// Whether the receipt is printed.
    pub(crate) json: bool,
    /// The schema that is to be applied to the options.
    pub(crate) schema: Option<SchemaRequest>,
    /// The engine's options.
    pub(crate) options: ConvertOptions,
    /// What the run may use.
    pub(crate) resources: ResourceArgs,
}

/// The version that `tundra convert` was asked to make.
#[derive(Debug)]
pub(crate) struct VersionRequest {
    /// The source's name or its id.
    pub(crate) source: String,
    /// The user's name for this request.
    pub(crate) key: Option<IdempotencyKey>,
    /// What becomes of the upload.
    pub(crate) upload: UploadFate,
    /// Where the catalog is.
    pub(crate) catalog: CatalogArgs,
}

/// The schema that `tundra convert` was asked to apply.
#[derive(Debug)]
pub(crate) struct SchemaRequest {
    /// The file as typed.
    pub(crate) file: String,
    /// What happens to an input that does not fit.
    pub(crate) on_drift: OnDrift,
}

impl ConvertArgs {
    /// Takes the arguments apart and checks what clap cannot: how they fit together.
    ///
    /// # Errors
    /// Fails when two of them contradict each other.
    pub(crate) fn into_request(self) -> Result<ConvertRequest, Failure> {
        let Self {
            inputs,
            output,
            to,
            overwrite,
            format,
            mut member,
            skip_rows,
            on_bad_row,
            max_rejects,
            rename,
            column_types,
            types,
            schema,
            accept_drift,
            many,
            writing,
            readers,
            receipt,
            json,
            source,
            idempotency_key,
            remove_upload,
            catalog,
            text,
            nulls,
            json_hints,
            workbook,
            geometry,
            unpacking,
            resources,
        } = self;
        if max_rejects.is_some() && on_bad_row != BadRows::Reject {
            return Err(Failure::usage(
                "`--max-rejects` limits what `--on-bad-row reject` sets aside, which was not asked \
                 for",
                "add `--on-bad-row reject`",
            ));
        }
        refuse_twice("--rename", rename.iter().map(|(old, _)| old))?;
        refuse_twice("--type", column_types.iter().map(|column| &column.name))?;
        if let Some(new) = first_repeated(rename.iter().map(|(_, new)| new)) {
            return Err(Failure::usage(
                format!("`--rename` gives two columns the name `{new}`"),
                "choose different names",
            ));
        }
        let mut workbook = workbook.into_hints();
        let each_sheet = many.each_sheet();
        let many = many.into_request(&mut member, &mut workbook.sheet)?;
        let output_format = values::format_of(to, output.as_deref()).unwrap_or_default();
        writing.check(Some(output_format))?;
        Ok(ConvertRequest {
            inputs,
            many,
            each_sheet,
            version: source.map(|source| VersionRequest {
                source,
                key: idempotency_key,
                upload: if remove_upload { UploadFate::Remove } else { UploadFate::Keep },
                catalog,
            }),
            output: output.clone(),
            overwrite,
            receipt,
            json,
            schema: schema.map(|file| SchemaRequest {
                file,
                on_drift: if accept_drift { OnDrift::Accept } else { OnDrift::Fail },
            }),
            options: ConvertOptions {
                format,
                member,
                max_unpacked: unpacking.into_limit(),
                text: text.into_hints(),
                json: json_hints.into_hints(),
                workbook,
                expected: None,
                column_mapping: rename,
                column_formats: column_types
                    .iter()
                    .filter_map(|column| Some((column.name.clone(), column.format.clone()?)))
                    .collect(),
                type_overrides: column_types
                    .into_iter()
                    .map(|column| (column.name, column.column_type))
                    .collect(),
                null_words: nulls.into_words(),
                skip_rows: skip_rows.into_iter().collect(),
                types: types.into(),
                on_bad_row: on_bad_row.into(),
                max_rejects,
                rejects_name: RejectsName::Usual,
                output_format,
                geometry: geometry.into_options(),
                writing: WriteOptions { readers, ..writing.into_options(output.as_deref())? },
            },
            resources,
        })
    }
}

fn refuse_twice<'a>(
    option: &str,
    columns: impl Iterator<Item = &'a String>,
) -> Result<(), Failure> {
    match first_repeated(columns) {
        Some(column) => Err(Failure::usage(
            format!("`{option}` names the column `{column}` twice"),
            "leave one of them out",
        )),
        None => Ok(()),
    }
}

fn first_repeated<'a>(mut names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}
