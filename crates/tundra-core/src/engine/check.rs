//! What readers would choke on of a Parquet file.
//!
//! Start at [`check`]. It reads the footer and nothing else: the types, the names, the codecs, and the smallest
//! and the largest values where the file tells them. What is known of each reader stands in `crate::readers`.

mod footer;
mod judge;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

pub(crate) use self::{footer::columns_of, judge::findings};
use crate::{
    Control, ConvertOptions, Error, Finding, Format, Input, Reader, Resources, Result, SourceFacts,
    Stage,
    engine::{copy::Stop, opening, parquet::input_footer, run::in_background},
};

/// What was found out about a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The file.
    pub source: SourceFacts,
    /// Its rows.
    pub rows: u64,
    /// Its columns.
    pub columns: u64,
    /// The readers that it was checked for.
    pub readers: Vec<Reader>,
    /// What they would not take as it is: by reader, and the worst first.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// Returns the findings with which the file is not fit for a reader.
    pub fn bad(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity.is_bad())
    }
}

/// Finds out what readers would choke on of a Parquet file, of all readers when none is given.
///
/// Must be called within a Tokio runtime; the work runs on a blocking thread.
///
/// # Errors
/// Fails when the file cannot be read, and when it is not Parquet.
pub async fn check(
    input: &Input,
    readers: &[Reader],
    resources: &Resources,
    control: &Control,
) -> Result<Checked> {
    let stop = Stop::new(control);
    stop.check()?;
    control.reporter.stage(Stage::Inspecting);
    let opened = opening::open(input, &ConvertOptions::default(), resources, &stop).await?;
    if opened.format != Format::Parquet {
        return Err(Error::Request {
            message: format!(
                "`{}` is {}, and what is checked is Parquet",
                opened.location, opened.format
            ),
            hint: Some("make Parquet of it with `tundra convert`".to_owned()),
        });
    }
    let readers: Vec<Reader> = Reader::ALL
        .into_iter()
        .filter(|reader| readers.is_empty() || readers.contains(reader))
        .collect();
    let runtime = Handle::current();
    in_background(&stop, move || {
        let footer = input_footer(&Arc::clone(&opened.object), &opened.location, &runtime)?;
        let findings = findings(&footer, &readers);
        let file = footer.file_metadata();
        Ok(Checked {
            source: opened.facts(),
            rows: u64::try_from(file.num_rows()).unwrap_or(0),
            columns: file.schema_descr().root_schema().get_fields().len() as u64,
            readers,
            findings,
        })
    })
    .await
}
