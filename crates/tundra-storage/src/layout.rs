//! Where the objects of a source are: uploads, their archive, and the Parquet made of them.
//!
//! Start at [`Layout`]. It makes names and touches no store; [`archive`] does, with the names that
//! it is given. No id can lead out of its place: what could is refused when the id is made, and a
//! template that would let two ids meet is refused when the layout is made.

mod archive;
mod template;

use std::{fmt, str::FromStr};

use tundra_core::{Classify, ErrorKind, ObjectPath, Retry, SourceId, TenantId, VersionNumber};

pub use self::archive::{Archive, Archived, UploadFate, archive};
use self::template::{Field, Template};

/// The names of buckets and objects with their ids left open.
///
/// The fields are `{org_id}`, `{source_id}`, `{version}` (a number), `{filename}` and `{ext}`. Each is
/// allowed where a default has it; `{org_id}` may also be a segment of a path. In a path, `{org_id}`,
/// `{source_id}` and `{filename}` are whole segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutTemplates {
    /// The bucket, without a scheme. Without `{org_id}` every path must have it.
    pub bucket: String,
    /// An upload.
    pub upload: String,
    /// An upload without a file name, as version 4.0 has it.
    pub bare_upload: String,
    /// The archive of an upload.
    pub raw: String,
    /// The Parquet made of it.
    pub processed: String,
}

impl Default for LayoutTemplates {
    /// Returns the layout of Tundra 3.0 and 4.0.
    fn default() -> Self {
        Self {
            bucket: "org-{org_id}".to_owned(),
            upload: "uploads/{source_id}/{filename}".to_owned(),
            bare_upload: "uploads/{source_id}".to_owned(),
            raw: "raw/{source_id}/v{version}/data.{ext}".to_owned(),
            processed: "processed/{source_id}/v{version}/data.parquet".to_owned(),
        }
    }
}

/// The places of objects, by their ids.
///
/// # Examples
/// ```
/// use tundra_core::VersionNumber;
/// use tundra_storage::{Layout, OrgId, SourceKey};
///
/// # fn main() -> Result<(), tundra_storage::LayoutError> {
/// let layout = Layout::standard();
/// let org: OrgId = "acme".parse()?;
/// let source: SourceKey = "0f8fad5b-d9cb-469f-a165-70867728950e".parse()?;
/// assert_eq!(layout.bucket(&org)?, "org-acme");
/// let raw = layout.raw(&org, &source, VersionNumber::FIRST, "csv")?;
/// assert_eq!(raw.as_str(), "raw/0f8fad5b-d9cb-469f-a165-70867728950e/v1/data.csv");
/// assert_eq!(
///     Layout::manifest(&raw).as_str(),
///     "raw/0f8fad5b-d9cb-469f-a165-70867728950e/v1/_manifest.json"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    bucket: Template,
    upload: Template,
    bare_upload: Template,
    raw: Template,
    processed: Template,
}

/// The id of an organisation, as it stands in the name of a bucket.
///
/// - It has 1 to 63 characters, each one of `a` to `z`, `0` to `9` and `-`.
/// - It begins and ends with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgId(String);

/// The id of a source, as it stands in paths.
///
/// - It has 1 to 128 characters, each one of `a` to `z`, `A` to `Z`, `0` to `9`, `-`, `_` and `.`.
/// - It does not begin with `.`, so that it is no `..` and not hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey(String);

/// Why a layout, or a name in it, cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A text is no id.
    #[error("`{text}` is no {what}: {reason}")]
    Id {
        /// The text.
        text: String,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        reason: &'static str,
    },

    /// A template cannot be used.
    #[error("the template `{template}` of the {place} cannot be used: {reason}")]
    Template {
        /// What it is for.
        place: &'static str,
        /// The template.
        template: String,
        /// Why not.
        reason: String,
    },

    /// With these ids the template makes no valid name.
    #[error("`{name}` cannot be the name of the {place}: {reason}")]
    Name {
        /// What it is for.
        place: &'static str,
        /// What the template made.
        name: String,
        /// Why not.
        reason: String,
    },
}

impl Classify for LayoutError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidRequest
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Layout {
    /// Returns the layout of Tundra 3.0 and 4.0.
    pub fn standard() -> Self {
        Self::new(LayoutTemplates::default()).expect("the defaults are valid: a test makes them")
    }

    /// Makes a layout of templates.
    ///
    /// # Errors
    /// Fails when a template has a field that it cannot have or lacks one that it needs, or when two
    /// ids could have the same name.
    pub fn new(templates: LayoutTemplates) -> Result<Self, LayoutError> {
        use Field::{Extension, FileName, Org, Source, Version};

        let LayoutTemplates { bucket, upload, bare_upload, raw, processed } = templates;
        let bucket = Template::bucket(&bucket)?;
        // Tenants that share a bucket are told apart by the path.
        let shared: &[Field] = if bucket.has(Org) { &[] } else { &[Org] };
        let path = |place, text: &str, needed: &[Field], allowed: &[Field]| {
            Template::path(place, text, &[shared, needed].concat(), allowed)
        };
        let layout = Self {
            bucket,
            upload: path("upload", &upload, &[Source, FileName], &[Org])?,
            bare_upload: path("bare upload", &bare_upload, &[Source], &[Org])?,
            raw: path("archive", &raw, &[Source, Version], &[Org, Extension])?,
            processed: path("output", &processed, &[Source, Version], &[Org])?,
        };
        layout.check_apart()?;
        Ok(layout)
    }

    /// Checks that no two places can have one name, whatever the ids are. The two kinds of uploads
    /// may be near each other, as they are in the seeds.
    fn check_apart(&self) -> Result<(), LayoutError> {
        let Self { bucket: _, upload, bare_upload, raw, processed } = self;
        for (one, other) in [
            (raw, upload),
            (raw, bare_upload),
            (processed, upload),
            (processed, bare_upload),
            (processed, raw),
        ] {
            if !one.is_apart_from(other) {
                let place = other.place();
                return Err(one.unusable(format!("a name of the {place} could be one of these")));
            }
        }
        Ok(())
    }

    /// Returns the bucket of an organisation.
    ///
    /// # Errors
    /// Fails when the id makes the name too long for a bucket.
    pub fn bucket(&self, org: &OrgId) -> Result<String, LayoutError> {
        let name = self.bucket.fill(&[(Field::Org, &org.0)]);
        template::check_bucket(&name).map_err(|reason| LayoutError::Name {
            place: "bucket",
            name: name.clone(),
            reason: reason.to_owned(),
        })?;
        Ok(name)
    }

    /// Returns where an upload is.
    ///
    /// # Errors
    /// Fails when `filename` is not one segment of a path.
    pub fn upload(
        &self,
        org: &OrgId,
        source: &SourceKey,
        filename: &str,
    ) -> Result<ObjectPath, LayoutError> {
        if filename.contains(['/', '\\']) {
            return Err(LayoutError::Id {
                text: filename.to_owned(),
                what: "file name",
                reason: "it has a `/` or a `\\`",
            });
        }
        let fields =
            [(Field::Org, &*org.0), (Field::Source, &source.0), (Field::FileName, filename)];
        self.upload.path_of(&fields)
    }

    /// Returns where an upload without a file name is.
    ///
    /// # Errors
    /// Fails when the ids make no valid path, which those that were checked do.
    pub fn bare_upload(&self, org: &OrgId, source: &SourceKey) -> Result<ObjectPath, LayoutError> {
        self.bare_upload.path_of(&[(Field::Org, &org.0), (Field::Source, &source.0)])
    }

    /// Returns below which path the uploads of a source are.
    ///
    /// # Errors
    /// Fails when the template has the source's id and the file name in one segment.
    pub fn uploads_of(&self, org: &OrgId, source: &SourceKey) -> Result<ObjectPath, LayoutError> {
        let fields = [(Field::Org, &*org.0), (Field::Source, &source.0), (Field::FileName, "x")];
        let path = self.upload.path_of(&fields)?;
        let directory = path.as_str().rsplit_once('/').map_or("", |(directory, _)| directory);
        directory.parse().map_err(|error| self.upload.unusable(format!("{error}")))
    }

    /// Returns where the archive of a version's upload is.
    ///
    /// # Errors
    /// Fails when `extension` is more than letters and digits with dots between them.
    pub fn raw(
        &self,
        org: &OrgId,
        source: &SourceKey,
        version: VersionNumber,
        extension: &str,
    ) -> Result<ObjectPath, LayoutError> {
        check_extension(extension)?;
        self.raw.path_of(&[
            (Field::Org, &org.0),
            (Field::Source, &source.0),
            (Field::Version, &version.get().to_string()),
            (Field::Extension, extension),
        ])
    }

    /// Returns where the Parquet of a version is.
    ///
    /// # Errors
    /// Fails when the ids make no valid path, which those that were checked do.
    pub fn processed(
        &self,
        org: &OrgId,
        source: &SourceKey,
        version: VersionNumber,
    ) -> Result<ObjectPath, LayoutError> {
        self.processed.path_of(&[
            (Field::Org, &org.0),
            (Field::Source, &source.0),
            (Field::Version, &version.get().to_string()),
        ])
    }

    /// Returns where the manifest beside an object is.
    pub fn manifest(data: &ObjectPath) -> ObjectPath {
        data.sibling("_manifest.json").expect("the name is a constant of one plain segment")
    }
}

impl FromStr for OrgId {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        /// The longest name of a bucket.
        const LONGEST: usize = 63;
        let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let bytes = text.as_bytes();
        let reason = match (bytes.first(), bytes.last()) {
            (None, _) | (_, None) => "it is empty",
            _ if text.len() > LONGEST => "it has more than 63 characters",
            _ if !bytes.iter().all(|&c| is_plain(c) || c == b'-') => {
                "only `a` to `z`, `0` to `9` and `-` can stand in a bucket's name"
            }
            (Some(&first), Some(&last)) if !is_plain(first) || !is_plain(last) => {
                "it must begin and end with a letter or a digit"
            }
            _ => return Ok(Self(text.to_owned())),
        };
        Err(LayoutError::Id { text: text.to_owned(), what: "id of an organisation", reason })
    }
}

impl FromStr for SourceKey {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const LONGEST: usize = 128;
        let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.len() > LONGEST {
            "it has more than 128 characters"
        } else if !text.bytes().all(is_plain) {
            "only letters and digits of ASCII, `-`, `_` and `.` can stand in it"
        } else if text.starts_with('.') {
            "it begins with a dot"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(LayoutError::Id { text: text.to_owned(), what: "id of a source", reason })
    }
}

impl From<TenantId> for OrgId {
    fn from(id: TenantId) -> Self {
        Self(id.to_string())
    }
}

impl From<SourceId> for SourceKey {
    fn from(id: SourceId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_extension(text: &str) -> Result<(), LayoutError> {
    const LONGEST: usize = 32;
    let is_valid = text.len() <= LONGEST
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric()));
    if is_valid {
        return Ok(());
    }
    let reason = "it is at most 32 letters and digits of ASCII, with dots between them";
    Err(LayoutError::Id { text: text.to_owned(), what: "file extension", reason })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn org() -> OrgId {
        "acme".parse().unwrap()
    }

    fn source() -> SourceKey {
        "s-1".parse().unwrap()
    }

    fn version(number: u32) -> VersionNumber {
        VersionNumber::new(number).unwrap()
    }

    #[test]
    fn the_standard_layout_is_that_of_the_seeds() {
        let layout = Layout::standard();
        assert_eq!(layout.bucket(&org()).unwrap(), "org-acme");
        let shown = |path: Result<ObjectPath, LayoutError>| path.unwrap().to_string();
        assert_eq!(shown(layout.upload(&org(), &source(), "a b.csv")), "uploads/s-1/a b.csv");
        assert_eq!(shown(layout.uploads_of(&org(), &source())), "uploads/s-1");
        assert_eq!(shown(layout.bare_upload(&org(), &source())), "uploads/s-1");
        assert_eq!(
            shown(layout.raw(&org(), &source(), version(7), "csv.gz")),
            "raw/s-1/v7/data.csv.gz"
        );
        assert_eq!(
            shown(layout.processed(&org(), &source(), version(7))),
            "processed/s-1/v7/data.parquet"
        );
        let raw = layout.raw(&org(), &source(), version(7), "csv").unwrap();
        assert_eq!(Layout::manifest(&raw).as_str(), "raw/s-1/v7/_manifest.json");
    }

    #[test]
    fn the_ids_of_the_domain_are_ids_here() {
        let (tenant, id) = (TenantId::generate(), SourceId::generate());
        let org: OrgId = tenant.to_string().parse().unwrap();
        assert_eq!(org, OrgId::from(tenant));
        let key: SourceKey = id.to_string().parse().unwrap();
        assert_eq!(key, SourceKey::from(id));
        assert_eq!(Layout::standard().bucket(&org).unwrap(), format!("org-{tenant}"));
    }

    #[test]
    fn ids_that_would_leave_their_place_are_refused() {
        for text in ["", ".", "..", "a/b", "../x", "a\\b", "a\nb", "a\0", "ä", "a b", "%2e%2e"] {
            assert!(text.parse::<SourceKey>().is_err(), "{text:?}");
            assert!(text.parse::<OrgId>().is_err(), "{text:?}");
        }
        for text in ["-a", "a-", "A", "a_b", "a.b", &"a".repeat(64)] {
            assert!(text.parse::<OrgId>().is_err(), "{text:?}");
        }
        let layout = Layout::standard();
        for text in ["", ".", "..", "a/b", "a\\b", "a\nb"] {
            assert!(layout.upload(&org(), &source(), text).is_err(), "{text:?}");
        }
        for text in ["", ".", "csv/..", "csv.", ".csv", "c sv", "ä", &"a".repeat(33)] {
            assert!(layout.raw(&org(), &source(), version(1), text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_bucket_can_be_too_long_for_an_id_that_is_valid() {
        let long: OrgId = "a".repeat(60).parse().unwrap();
        let error = Layout::standard().bucket(&long).unwrap_err();
        assert!(matches!(error, LayoutError::Name { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }

    #[test]
    fn templates_can_be_configured() {
        let layout = Layout::new(LayoutTemplates {
            bucket: "everybody".to_owned(),
            upload: "{org_id}/in/{source_id}/{filename}".to_owned(),
            bare_upload: "{org_id}/in/{source_id}".to_owned(),
            raw: "{org_id}/bronze/{source_id}/{version}.{ext}".to_owned(),
            processed: "{org_id}/silver/{source_id}/{version}/part-0.parquet".to_owned(),
        })
        .unwrap();
        assert_eq!(layout.bucket(&org()).unwrap(), "everybody");
        let raw = layout.raw(&org(), &source(), version(2), "json").unwrap();
        assert_eq!(raw.as_str(), "acme/bronze/s-1/2.json");
    }

    #[test]
    fn templates_that_would_let_ids_meet_are_refused() {
        let with = |change: fn(&mut LayoutTemplates)| {
            let mut templates = LayoutTemplates::default();
            change(&mut templates);
            Layout::new(templates).expect_err("the template is wrong")
        };
        for (error, says) in [
            (with(|it| it.bucket = "shared".to_owned()), "{org_id}"),
            (with(|it| it.bucket = "{org_id}-{org_id}".to_owned()), "twice"),
            (with(|it| it.bucket = "Org-{org_id}".to_owned()), "bucket"),
            (with(|it| it.bucket = "org/{org_id}".to_owned()), "bucket"),
            (with(|it| it.bucket = "org-{source_id}".to_owned()), "{source_id}"),
            (with(|it| it.upload = "uploads/{filename}".to_owned()), "{source_id}"),
            (with(|it| it.upload = "uploads/{source_id}-{filename}".to_owned()), "segment"),
            (with(|it| it.raw = "raw/{source_id}/data.{ext}".to_owned()), "{version}"),
            (with(|it| it.raw = "raw/{source_id}{version}/data".to_owned()), "segment"),
            (with(|it| it.raw = "raw/{source_id}/v{version}{ext}".to_owned()), "{ext}"),
            (with(|it| it.raw = "raw/{source_id}/1{version}/data".to_owned()), "{version}"),
            (with(|it| it.raw = "raw/{source}/v{version}".to_owned()), "{source}"),
            (with(|it| it.raw = "raw/{source_id/v{version}".to_owned()), "`{`"),
            (with(|it| it.raw = "/raw/{source_id}/v{version}".to_owned()), "segment"),
            (with(|it| it.raw = "raw/../{source_id}/v{version}/x".to_owned()), ".."),
            (with(|it| it.raw = "uploads/{source_id}/v{version}".to_owned()), "upload"),
            (
                with(|it| it.processed = "raw/{source_id}/v{version}/data.parquet".to_owned()),
                "archive",
            ),
            (
                with(|it| it.raw = "raw/{source_id}/v{version}/_manifest.json".to_owned()),
                "manifest",
            ),
        ] {
            assert!(error.to_string().contains(says), "`{says}` is missing: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leads_out_of_its_source(id in "\\PC{0,12}|[./\\\\a-z]{0,6}", file in "\\PC{0,12}|[./\\\\a-z]{0,6}") {
            let layout = Layout::standard();
            if let Ok(id) = id.parse::<SourceKey>() {
                let upload = layout.upload(&org(), &id, &file);
                if let Ok(path) = upload {
                    let segments: Vec<&str> = path.as_str().split('/').collect();
                    prop_assert_eq!(segments, ["uploads", &id.to_string(), &file]);
                }
                let raw = layout.raw(&org(), &id, version(1), "csv").unwrap();
                prop_assert_eq!(raw.as_str().split('/').count(), 4);
            }
        }

        #[test]
        fn two_sources_or_versions_never_share_a_name(
            one in "[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,6}", other in "[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,6}",
            first in 1..200_u32, second in 1..200_u32,
        ) {
            let layout = Layout::standard();
            let path = |id: &str, number| {
                let id = id.parse().unwrap();
                layout.processed(&org(), &id, version(number)).unwrap()
            };
            let same = one == other && first == second;
            prop_assert_eq!(path(&one, first) == path(&other, second), same);
        }
    }
}
