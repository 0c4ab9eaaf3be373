//! What a user can say about several inputs that become one table.

use clap::Args;
use tundra_core::{BadFilePolicy, NamePattern};

use crate::failure::Failure;

/// Several inputs as one table.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Several inputs")]
pub(crate) struct ManyArgs {
    /// Add a column of this name that says from which file a row is
    #[arg(long, value_name = "NAME")]
    file_column: Option<String>,

    /// Add a column of this name that says from which sheet a row is
    ///
    /// Together with a pattern for `--sheet`.
    #[arg(long, value_name = "NAME")]
    sheet_column: Option<String>,

    /// Make columns of directories such as year=2024
    ///
    /// They come behind the others. Their types are found by all of their values, as those of other
    /// columns are; where a directory is missing, the value is null.
    #[arg(long)]
    hive: bool,

    /// What happens to a file that cannot be read: fail or reject
    ///
    /// `fail` fails the run and names the file. `reject` leaves the whole file out, and tells why in the
    /// receipt and in a warning. A store that fails always fails the run.
    #[arg(long, value_name = "POLICY", default_value_t)]
    on_bad_file: BadFilePolicy,

    /// Write a file for each visible sheet of a workbook: sales.xlsx becomes sales.NAME.parquet
    ///
    /// They stand beside the workbook, or in the directory that `-o DIRECTORY/` names. All of them appear
    /// when all are complete. Sheets without cells have none.
    #[arg(
        long,
        conflicts_with_all = [
            "file_column", "sheet_column", "hive", "on_bad_file", "source", "sheet", "range"
        ]
    )]
    each_sheet: bool,
}

/// What was asked of several inputs, besides their names.
#[derive(Debug, Clone)]
pub(crate) struct ManyRequest {
    pub(crate) file_column: Option<String>,
    pub(crate) sheet_column: Option<String>,
    pub(crate) hive: bool,
    pub(crate) on_bad_file: BadFilePolicy,
    /// The members of archives, where that was a pattern.
    pub(crate) members: Option<NamePattern>,
    /// The sheets of workbooks, where that was a pattern.
    pub(crate) sheets: Option<NamePattern>,
}

impl ManyRequest {
    /// Returns whether one input is read like several.
    pub(crate) fn is_for_several(&self) -> bool {
        let Self { file_column, sheet_column, hive, on_bad_file: _, members, sheets } = self;
        *hive
            || [file_column, sheet_column].iter().any(|column| column.is_some())
            || [members, sheets].iter().any(|pattern| pattern.is_some())
    }

    /// Returns whether one input has several parts.
    pub(crate) fn is_for_parts(&self) -> bool {
        self.members.is_some() || self.sheets.is_some()
    }
}

impl ManyArgs {
    /// Returns whether each sheet is to have an output of its own.
    pub(crate) fn each_sheet(&self) -> bool {
        self.each_sheet
    }

    /// Returns what was asked. Patterns are taken out of `member` and `sheet`, where they are some.
    ///
    /// # Errors
    /// Fails when a pattern makes no sense, and when options do not fit together.
    pub(crate) fn into_request(
        self,
        member: &mut Option<String>,
        sheet: &mut Option<String>,
    ) -> Result<ManyRequest, Failure> {
        let members = take_pattern(member)?;
        let sheets = take_pattern(sheet)?;
        let Self { file_column, sheet_column, hive, on_bad_file, each_sheet } = self;
        if each_sheet && let Some(pattern) = &members {
            return Err(Failure::usage(
                format!(
                    "`--each-sheet` takes one workbook apart, and `--member {pattern}` may be several"
                ),
                "name the member as it stands in the archive",
            ));
        }
        if sheet_column.is_some() && sheets.is_none() {
            return Err(Failure::usage(
                "`--sheet-column` is for several sheets",
                "say which with a pattern, such as `--sheet '*'`",
            ));
        }
        Ok(ManyRequest { file_column, sheet_column, hive, on_bad_file, members, sheets })
    }
}

fn take_pattern(text: &mut Option<String>) -> Result<Option<NamePattern>, Failure> {
    match text.take_if(|text| NamePattern::is_one(text)) {
        Some(text) => Ok(Some(text.parse()?)),
        None => Ok(None),
    }
}
