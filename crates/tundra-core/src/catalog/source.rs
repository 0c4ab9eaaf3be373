//! Sources: what a tenant has a table of.

use serde::{Deserialize, Serialize};

use crate::identity::{SourceId, TenantId, VersionNumber};

/// Whose sources may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of one tenant.
    Tenant(TenantId),
    /// All of them: for a service that trusts its caller, and for the one user of a machine.
    All,
}

impl Scope {
    /// Returns whether a tenant's sources may be seen.
    pub fn includes(&self, tenant: &TenantId) -> bool {
        match self {
            Self::Tenant(own) => own == tenant,
            Self::All => true,
        }
    }
}

/// What sort of thing a source is, as the catalog of Tundra 4.0 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceType {
    /// A file that was uploaded, or that is read where it is.
    File,
    /// A table or a query of a database.
    Database,
    /// Something that other services fill.
    Api,
}

impl SourceType {
    /// Returns the name in the catalog.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Database => "database",
            Self::Api => "api",
        }
    }
}

/// What a new version's columns may differ in from those of the current version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaRule {
    /// In anything; it is recorded.
    #[default]
    Any,
    /// In nothing that breaks a reader: a column may come and a type may widen, no more. A run that
    /// breaks it fails and publishes nothing.
    NoBreaking,
}

impl SchemaRule {
    /// Returns the name in the catalog.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::NoBreaking => "no_breaking",
        }
    }
}

/// A named origin of one logical table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The source.
    pub id: SourceId,
    /// Who owns it.
    pub tenant: TenantId,
    /// Its name, unique within the tenant; `None` where the catalog keeps no names.
    pub name: Option<String>,
    /// What sort of thing it is.
    pub source_type: SourceType,
    /// What it is read with: a format's name or a connector's, as the catalog has it.
    pub connector_type: String,
    /// Where it is read from, without credentials; `None` for what was uploaded.
    pub location: Option<String>,
    /// The version that readers see; `None` before the first.
    pub current_version: Option<VersionNumber>,
    /// The query by which a database was read last.
    pub extraction_query: Option<String>,
    /// What its next version may change.
    pub schema_rule: SchemaRule,
}

impl Source {
    /// Returns its name, or its id when it has none.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }
}

/// A source to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSource {
    /// The source.
    pub id: SourceId,
    /// Who owns it.
    pub tenant: TenantId,
    /// Its name, unique within the tenant.
    pub name: Option<String>,
    /// What sort of thing it is.
    pub source_type: SourceType,
    /// What it is read with: a format's name or a connector's.
    pub connector_type: String,
    /// Where it is read from, without credentials; `None` for what is uploaded.
    pub location: Option<String>,
    /// What its next versions may change.
    pub schema_rule: SchemaRule,
}
