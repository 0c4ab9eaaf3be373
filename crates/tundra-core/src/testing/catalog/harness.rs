//! Short forms of what every behaviour does; what fails names the behaviour.

use std::{error::Error as StdError, fmt::Debug};

use uuid::Uuid;

use crate::{
    catalog::{
        Catalog, CatalogError, IdempotencyKey, NewSource, Reserved, SchemaRule, Scope, Source,
        SourceType, Version, VersionFacts,
    },
    error::ErrorKind,
    identity::{SourceId, TenantId, VersionNumber},
};

/// One behaviour being tested on one catalog, by a tenant of its own.
pub(super) struct Test<'a> {
    pub(super) catalog: &'a dyn Catalog,
    pub(super) tenant: TenantId,
    behaviour: &'static str,
}

impl<'a> Test<'a> {
    pub(super) fn new(catalog: &'a dyn Catalog, behaviour: &'static str) -> Self {
        Self { catalog, tenant: tenant(), behaviour }
    }

    #[track_caller]
    pub(super) fn fail(&self, what: &str) -> ! {
        panic!("catalog conformance, `{}`: {what}", self.behaviour)
    }

    #[track_caller]
    pub(super) fn ok<T>(&self, step: &str, result: Result<T, CatalogError>) -> T {
        result.unwrap_or_else(|error| self.fail(&format!("could not {step}: {}", chain(&error))))
    }

    #[track_caller]
    pub(super) fn same<T: PartialEq + Debug>(&self, what: &str, actual: &T, expected: &T) {
        if actual != expected {
            self.fail(&format!("{what} should be {expected:?} but is {actual:?}"));
        }
    }

    /// Checks that this was refused, and that the refusal is of this kind and says something.
    #[track_caller]
    pub(super) fn refused<T: Debug>(
        &self,
        what: &str,
        result: Result<T, CatalogError>,
        kind: ErrorKind,
    ) {
        match result {
            Ok(done) => self.fail(&format!("{what} was not refused but gave {done:?}")),
            Err(error) if error.kind != kind || error.reason.is_empty() => {
                let chain = chain(&error);
                self.fail(&format!("{what} was not `{kind}` but `{}`: {chain}", error.kind));
            }
            Err(_) => {}
        }
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::Tenant(self.tenant.clone())
    }

    /// Returns a source of this test's tenant that is not added yet.
    pub(super) fn new_source(&self) -> NewSource {
        NewSource {
            id: SourceId::generate(),
            tenant: self.tenant.clone(),
            name: None,
            source_type: SourceType::File,
            connector_type: "csv".to_owned(),
            location: None,
            schema_rule: SchemaRule::Any,
        }
    }

    pub(super) async fn add(&self, source: &NewSource) -> Source {
        self.ok("add a source", self.catalog.add_source(source).await)
    }

    /// Adds a source without anything particular.
    pub(super) async fn source(&self) -> Source {
        self.add(&self.new_source()).await
    }

    /// Reads the source again.
    pub(super) async fn again(&self, source: &Source) -> Source {
        self.ok("read the source", self.catalog.source(&self.scope(), source.id).await)
    }

    /// Checks which version readers see.
    pub(super) async fn current_is(&self, source: &Source, number: Option<u32>) {
        let current = self.again(source).await.current_version.map(VersionNumber::get);
        self.same("the current version", &current, &number);
    }

    /// Reserves a version without a key.
    pub(super) async fn reserve(&self, source: &Source) -> Version {
        match self.ok("reserve a version", self.catalog.reserve(source, None).await) {
            Reserved::New(version) => version,
            Reserved::Earlier(version) | Reserved::OtherRequest(version) => {
                self.fail(&format!("a reservation without a key gave the earlier {version:?}"))
            }
        }
    }

    /// Reserves a version and activates it.
    pub(super) async fn activated(&self, source: &Source) -> Version {
        let version = self.reserve(source).await;
        self.activate(&version).await
    }

    pub(super) async fn activate(&self, version: &Version) -> Version {
        let facts = facts(version.number);
        self.ok("activate a version", self.catalog.activate(version, &facts).await)
    }

    pub(super) async fn version(&self, source: &Source, number: VersionNumber) -> Version {
        self.ok("read a version", self.catalog.version(source, number).await)
    }

    /// Reads all versions of a source that has no more than a hundred.
    pub(super) async fn versions(&self, source: &Source) -> Vec<Version> {
        self.ok("read the versions", self.catalog.versions(source, None, 100).await)
    }

    pub(super) fn key(&self, text: &str) -> IdempotencyKey {
        text.parse().unwrap_or_else(|error| self.fail(&format!("the suite is wrong: {error}")))
    }

    pub(super) fn source_id(&self, id: Uuid) -> SourceId {
        let id = id.to_string().parse();
        id.unwrap_or_else(|error| self.fail(&format!("the suite is wrong: {error}")))
    }

    pub(super) fn number(&self, number: u32) -> VersionNumber {
        VersionNumber::new(number).unwrap_or_else(|| self.fail("the suite is wrong: version 0"))
    }
}

/// Returns a tenant that nobody else has.
pub(super) fn tenant() -> TenantId {
    Uuid::new_v4().to_string().parse().expect("a UUID is the id of an organisation")
}

/// Returns facts that tell the version.
pub(super) fn facts(number: VersionNumber) -> VersionFacts {
    VersionFacts {
        rows: u64::from(number.get()) * 1000,
        columns: 3,
        size_bytes: u64::from(number.get()) * 4096,
        seconds: 0.25,
        receipt_sha256: None,
        schema: None,
        extraction_query: None,
    }
}

/// Returns the error's text with those of its causes.
fn chain(error: &CatalogError) -> String {
    let mut text = format!("`{error}`");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(", caused by `{error}`"));
        cause = error.source();
    }
    text
}
