//! Where the objects of a source are: uploads, their archive, and the Parquet made of them.
//!
//! Start at [`Layout`]. It makes names and touches no store; [`archive`] does, with the names that
//! it is given. No id can lead out of its place: what could is refused when the id is made, and a
//! template that would let two ids meet is refused when the layout is made.

mod archive;
mod template;

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
/// use tundra_core::{SourceId, TenantId, VersionNumber};
/// use tundra_storage::Layout;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layout = Layout::standard();
/// let org: TenantId = "acme".parse()?;
/// let source: SourceId = "0f8fad5b-d9cb-469f-a165-70867728950e".parse()?;
/// assert_eq!(layout.bucket(&org)?, "org-acme");
/// let raw = layout.raw(&org, source, VersionNumber::FIRST, "csv")?;
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
    pub fn bucket(&self, org: &TenantId) -> Result<String, LayoutError> {
        let name = self.bucket.fill(&[(Field::Org, org.as_str())]);
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
        org: &TenantId,
        source: SourceId,
        filename: &str,
    ) -> Result<ObjectPath, LayoutError> {
        if filename.contains(['/', '\\']) {
            return Err(LayoutError::Id {
                text: filename.to_owned(),
                what: "file name",
                reason: "it has a `/` or a `\\`",
            });
        }
        let fields = [
            (Field::Org, org.as_str()),
            (Field::Source, &source.to_string()),
            (Field::FileName, filename),
        ];
        self.upload.path_of(&fields)
    }

    /// Returns where an upload without a file name is.
    ///
    /// # Errors
    /// Fails when the ids make no valid path, which those that were checked do.
    pub fn bare_upload(&self, org: &TenantId, source: SourceId) -> Result<ObjectPath, LayoutError> {
        self.bare_upload
            .path_of(&[(Field::Org, org.as_str()), (Field::Source, &source.to_string())])
    }

    /// Returns below which path the uploads of a source are.
    ///
    /// # Errors
    /// Fails when the template has the source's id and the file name in one segment.
    pub fn uploads_of(&self, org: &TenantId, source: SourceId) -> Result<ObjectPath, LayoutError> {
        let fields = [
            (Field::Org, org.as_str()),
            (Field::Source, &source.to_string()),
            (Field::FileName, "x"),
        ];
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
        org: &TenantId,
        source: SourceId,
        version: VersionNumber,
        extension: &str,
    ) -> Result<ObjectPath, LayoutError> {
        check_extension(extension)?;
        self.raw.path_of(&[
            (Field::Org, org.as_str()),
            (Field::Source, &source.to_string()),
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
        org: &TenantId,
        source: SourceId,
        version: VersionNumber,
    ) -> Result<ObjectPath, LayoutError> {
        self.processed.path_of(&[
            (Field::Org, org.as_str()),
            (Field::Source, &source.to_string()),
            (Field::Version, &version.get().to_string()),
        ])
    }

    /// Returns below which paths the objects of a version are: the Parquet and what stands beside it,
    /// and the archive. Nothing else is there.
    ///
    /// # Errors
    /// Fails when the ids make no valid path, which those that were checked do.
    pub fn directories_of(
        &self,
        org: &TenantId,
        source: SourceId,
        version: VersionNumber,
    ) -> Result<[ObjectPath; 2], LayoutError> {
        let (source, version) = (source.to_string(), version.get().to_string());
        let fields =
            [(Field::Org, org.as_str()), (Field::Source, &source), (Field::Version, &version)];
        Ok([self.processed.directory_of(&fields)?, self.raw.directory_of(&fields)?])
    }

    /// Returns below which paths all versions of a source are.
    ///
    /// # Errors
    /// Fails when the ids make no valid path, which those that were checked do.
    pub fn versions_of(
        &self,
        org: &TenantId,
        source: SourceId,
    ) -> Result<[ObjectPath; 2], LayoutError> {
        let source = source.to_string();
        let fields = [(Field::Org, org.as_str()), (Field::Source, source.as_str())];
        Ok([self.processed.before_version(&fields)?, self.raw.before_version(&fields)?])
    }

    /// Returns the version of a source to which an object belongs; `None` when it belongs to none.
    pub fn version_of(
        &self,
        org: &TenantId,
        source: SourceId,
        path: &ObjectPath,
    ) -> Option<VersionNumber> {
        let source = source.to_string();
        let fields = [(Field::Org, org.as_str()), (Field::Source, source.as_str())];
        let number = [&self.processed, &self.raw]
            .into_iter()
            .find_map(|template| template.version_of(&fields, path.as_str()))?;
        VersionNumber::new(number)
    }

    /// Returns where the manifest beside an object is.
    pub fn manifest(data: &ObjectPath) -> ObjectPath {
        data.sibling("_manifest.json").expect("the name is a constant of one plain segment")
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

    const SOURCE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    fn org() -> TenantId {
        "acme".parse().unwrap()
    }

    fn source() -> SourceId {
        SOURCE.parse().unwrap()
    }

    fn version(number: u32) -> VersionNumber {
        VersionNumber::new(number).unwrap()
    }

    #[test]
    fn the_standard_layout_is_that_of_the_seeds() {
        let layout = Layout::standard();
        assert_eq!(layout.bucket(&org()).unwrap(), "org-acme");
        let shown = |path: Result<ObjectPath, LayoutError>| {
            path.unwrap().to_string().replace(SOURCE, "s-1")
        };
        assert_eq!(shown(layout.upload(&org(), source(), "a b.csv")), "uploads/s-1/a b.csv");
        assert_eq!(shown(layout.uploads_of(&org(), source())), "uploads/s-1");
        assert_eq!(shown(layout.bare_upload(&org(), source())), "uploads/s-1");
        assert_eq!(
            shown(layout.raw(&org(), source(), version(7), "csv.gz")),
            "raw/s-1/v7/data.csv.gz"
        );
        assert_eq!(
            shown(layout.processed(&org(), source(), version(7))),
            "processed/s-1/v7/data.parquet"
        );
        let raw = layout.raw(&org(), source(), version(7), "csv").unwrap();
        assert_eq!(shown(Ok(Layout::manifest(&raw))), "raw/s-1/v7/_manifest.json");
        let directories = layout.directories_of(&org(), source(), version(7)).unwrap();
        assert_eq!(directories.map(|it| shown(Ok(it))), ["processed/s-1/v7", "raw/s-1/v7"]);
        let all = layout.versions_of(&org(), source()).unwrap();
        assert_eq!(all.map(|it| shown(Ok(it))), ["processed/s-1", "raw/s-1"]);
    }

    #[test]
    fn the_version_of_an_object_is_read_from_its_path() {
        let layout = Layout::standard();
        let found = |text: &str| {
            let path = text.replace("SOURCE", SOURCE).parse().unwrap();
            layout.version_of(&org(), source(), &path).map(VersionNumber::get)
        };
        for (text, number) in [
            ("processed/SOURCE/v7/data.parquet", Some(7)),
            ("processed/SOURCE/v7/rejects.parquet", Some(7)),
            ("raw/SOURCE/v12/_manifest.json", Some(12)),
            ("raw/SOURCE/v12/deep/er", Some(12)),
            ("raw/SOURCE/v12", None),
            ("raw/SOURCE/v0/data.csv", None),
            ("raw/SOURCE/v01/data.csv", None),
            ("raw/SOURCE/v+1/data.csv", None),
            ("raw/SOURCE/latest/data.csv", None),
            ("raw/other/v12/data.csv", None),
            ("uploads/SOURCE/v1/data.csv", None),
        ] {
            assert_eq!(found(text), number, "{text}");
        }
    }

    #[test]
    fn names_that_would_leave_their_place_are_refused() {
        let layout = Layout::standard();
        for text in ["", ".", "..", "a/b", "a\\b", "a\nb"] {
            assert!(layout.upload(&org(), source(), text).is_err(), "{text:?}");
        }
        for text in ["", ".", "csv/..", "csv.", ".csv", "c sv", "ä", &"a".repeat(33)] {
            assert!(layout.raw(&org(), source(), version(1), text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_bucket_can_be_too_long_for_an_id_that_is_valid() {
        let long: TenantId = "a".repeat(60).parse().unwrap();
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
            raw: "{org_id}/bronze/{source_id}/{version}/all.{ext}".to_owned(),
            processed: "{org_id}/silver/{source_id}/{version}/part-0.parquet".to_owned(),
        })
        .unwrap();
        assert_eq!(layout.bucket(&org()).unwrap(), "everybody");
        let raw = layout.raw(&org(), source(), version(2), "json").unwrap();
        assert_eq!(raw.as_str(), format!("acme/bronze/{SOURCE}/2/all.json"));
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
            (with(|it| it.raw = "raw/{source_id}/v{version}/data{ext}".to_owned()), "{ext}"),
            (with(|it| it.raw = "raw/{source_id}/1{version}/data".to_owned()), "{version}"),
            (with(|it| it.raw = "raw/{source_id}/v{version}.{ext}".to_owned()), "directory"),
            (with(|it| it.raw = "raw/v{version}/{source_id}/data".to_owned()), "directory"),
            (with(|it| it.raw = "raw/{source}/v{version}/data".to_owned()), "{source}"),
            (with(|it| it.raw = "raw/{source_id/v{version}/data".to_owned()), "`{`"),
            (with(|it| it.raw = "/raw/{source_id}/v{version}/data".to_owned()), "segment"),
            (with(|it| it.raw = "raw/../{source_id}/v{version}/x".to_owned()), ".."),
            (with(|it| it.raw = "uploads/{source_id}/v{version}/data".to_owned()), "upload"),
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
        fn no_text_leads_out_of_its_source(file in "\\PC{0,12}|[./\\\\a-z]{0,6}") {
            let layout = Layout::standard();
            if let Ok(path) = layout.upload(&org(), source(), &file) {
                let segments: Vec<&str> = path.as_str().split('/').collect();
                prop_assert_eq!(segments, ["uploads", SOURCE, &file]);
            }
        }

        #[test]
        fn two_sources_or_versions_never_share_a_name(
            one in 0..3_u128, other in 0..3_u128, first in 1..200_u32, second in 1..200_u32,
        ) {
            let layout = Layout::standard();
            let id = |number: u128| -> SourceId { format!("{number:032x}").parse().unwrap() };
            let path = |number, at| layout.processed(&org(), id(number), version(at)).unwrap();
            let same = one == other && first == second;
            prop_assert_eq!(path(one, first) == path(other, second), same);
            let at = layout.version_of(&org(), id(one), &path(one, first));
            prop_assert_eq!(at, Some(version(first)));
        }
    }
}
