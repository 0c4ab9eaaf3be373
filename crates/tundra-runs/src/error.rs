//! Why a run failed, or what is done about versions did.

use tundra_core::{
    CatalogError, Classify, Error, ErrorKind, Retry, SchemaDifference, StorageError, VersionNumber,
};
use tundra_storage::{LayoutError, LocationError, SignError};

/// What came of something that is done with runs.
pub type RunResult<T> = std::result::Result<T, RunError>;

/// Why a run failed, or what is done about versions did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The conversion failed. Nothing is visible.
    #[error(transparent)]
    Engine(#[from] Error),

    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),

    /// The source's location cannot be used.
    #[error(transparent)]
    Location(#[from] LocationError),

    /// The ids of the source make no name.
    #[error(transparent)]
    Layout(#[from] LayoutError),

    /// No URL can be signed.
    #[error("no URL can be made for an upload")]
    Sign(#[from] SignError),

    /// A store refused or failed.
    #[error("{role}")]
    Storage {
        /// What the store was used for, as a sentence fragment.
        role: &'static str,
        /// What the store said.
        source: StorageError,
    },

    /// The source is read with something that reads no files.
    #[error("the source `{source_label}` is read with `{connector_type}`, which is no format")]
    NotAFile {
        /// The source.
        source_label: String,
        /// What the catalog says that it is read with.
        connector_type: String,
    },

    /// The source is read with something else than this database.
    #[error("the source `{source_label}` is read with `{connector_type}`, and not from {database}")]
    NotThisDatabase {
        /// The source.
        source_label: String,
        /// What the catalog says that it is read with.
        connector_type: String,
        /// The database.
        database: String,
    },

    /// The window of the current version is of something else, so that it says nothing of where to go on.
    #[error("{version} of `{source_label}` ended a window of another {what}")]
    OtherWindow {
        /// The source.
        source_label: String,
        /// The current version.
        version: VersionNumber,
        /// What differs.
        what: &'static str,
    },

    /// A receipt is damaged.
    #[error("the receipt of {version} of `{source_label}` cannot be read")]
    Receipt {
        /// The source.
        source_label: String,
        /// The version.
        version: VersionNumber,
        /// What is wrong with it.
        source: serde_json::Error,
    },

    /// Nothing was uploaded.
    #[error("nothing was uploaded for the source `{source_label}`: `{location}` is empty")]
    NoUpload {
        /// The source.
        source_label: String,
        /// Where an upload would be.
        location: String,
    },

    /// The columns differ from those of the current version in ways that break its readers.
    #[error("version {new} would break readers of {current}: {}", listed(differences))]
    BreakingSchema {
        /// The version that was not published.
        new: VersionNumber,
        /// The version that readers see.
        current: VersionNumber,
        /// The differences that break; at least one.
        differences: Vec<SchemaDifference>,
    },

    /// The data is there and proven, and the catalog did not answer whether it knows.
    #[error(
        "{version} is complete at `{location}`, but it is not known whether the catalog took it"
    )]
    Unsettled {
        /// The version.
        version: VersionNumber,
        /// Its data.
        location: String,
        /// What the catalog said.
        source: Box<CatalogError>,
    },

    /// The key of the run was used before, for a run that asked for something else.
    #[error("the idempotency key was used before, for {version}, which was asked for otherwise")]
    OtherRequest {
        /// The version that has the key.
        version: VersionNumber,
    },

    /// A version has no data to look at.
    #[error("{version} of `{source_label}` is {status} and has no data")]
    NoData {
        /// The source.
        source_label: String,
        /// The version.
        version: VersionNumber,
        /// Where it stands.
        status: &'static str,
    },
}

impl RunError {
    pub(crate) fn storage(role: &'static str) -> impl FnOnce(StorageError) -> Self {
        move |source| Self::Storage { role, source }
    }
}

/// Names differences in one line, the first few of them.
fn listed(differences: &[SchemaDifference]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = differences.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = differences.len().saturating_sub(SHOWN);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join(", "))
}

impl Classify for RunError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(source) => source.kind(),
            Self::Catalog(source) => source.kind(),
            Self::Unsettled { source, .. } => source.kind(),
            Self::Location(source) => source.kind(),
            Self::Layout(source) => source.kind(),
            Self::Sign(source) => source.kind(),
            Self::Storage { source, .. } => source.kind(),
            Self::NotAFile { .. } | Self::NotThisDatabase { .. } | Self::OtherWindow { .. } => {
                ErrorKind::InvalidRequest
            }
            Self::NoUpload { .. } => ErrorKind::NotFound,
            Self::BreakingSchema { .. } | Self::Receipt { .. } => ErrorKind::InvalidData,
            Self::NoData { .. } | Self::OtherRequest { .. } => ErrorKind::Conflict,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Engine(source) => source.retry(),
            Self::Catalog(source) => source.retry(),
            Self::Location(source) => source.retry(),
            Self::Sign(source) => source.retry(),
            Self::Storage { source, .. } => source.retry(),
            Self::Unsettled { .. } => Retry::Later,
            Self::Layout(_)
            | Self::NotAFile { .. }
            | Self::NotThisDatabase { .. }
            | Self::OtherWindow { .. }
            | Self::Receipt { .. }
            | Self::NoUpload { .. }
            | Self::BreakingSchema { .. }
            | Self::OtherRequest { .. }
            | Self::NoData { .. } => Retry::Never,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Engine(source) => source.hints(),
            Self::Catalog(source) => source.hints(),
            Self::Location(source) => source.hints(),
            Self::Layout(source) => source.hints(),
            Self::Sign(source) => source.hints(),
            Self::Storage { source, .. } => source.hints(),
            Self::NotAFile { .. } => vec![
                "name the format of the file with `--format`, or correct the source".to_owned(),
            ],
            Self::NotThisDatabase { .. } => {
                vec!["name a source that was added for this kind of database".to_owned()]
            }
            Self::OtherWindow { .. } => vec![
                "say with `--since` where to begin, or make a source of its own for it".to_owned(),
            ],
            Self::Receipt { .. } => vec![
                "restore it, or say with `--since` where to begin; `tundra rollback` chooses another version"
                    .to_owned(),
            ],
            Self::NoUpload { .. } => {
                vec!["upload the file first, or name the input".to_owned()]
            }
            Self::BreakingSchema { .. } => vec![
                "correct the input, or allow such changes with the source's schema rule `any`"
                    .to_owned(),
            ],
            Self::Unsettled { .. } => vec![
                "look with `tundra versions`: if it is pending, a sweep ends it and removes the data; \
                 then run again"
                    .to_owned(),
            ],
            Self::OtherRequest { .. } => vec!["use a new key for a new request".to_owned()],
            Self::NoData { .. } => vec!["choose a version that is active".to_owned()],
        }
    }
}
