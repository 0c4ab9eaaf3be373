//! Names with fields that are filled in later.
//!
//! A template is checked when it is made, so that filling it with ids that are valid can neither
//! fail nor give two sets of ids one name.

use tundra_core::ObjectPath;

use crate::layout::{Layout, LayoutError};

/// What can be left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Org,
    Source,
    Version,
    FileName,
    Extension,
}

impl Field {
    const ALL: [Self; 5] =
        [Self::Org, Self::Source, Self::Version, Self::FileName, Self::Extension];

    /// Returns how it is written.
    const fn name(self) -> &'static str {
        match self {
            Self::Org => "{org_id}",
            Self::Source => "{source_id}",
            Self::Version => "{version}",
            Self::FileName => "{filename}",
            Self::Extension => "{ext}",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

/// A name with fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    place: &'static str,
    text: String,
    parts: Vec<Part>,
}

impl Template {
    /// Makes the template of a bucket.
    pub(super) fn bucket(text: &str) -> Result<Self, LayoutError> {
        let template = Self::read("bucket", text)?;
        template.check_fields(&[], &[Field::Org])?;
        let sample = template.fill(&[(Field::Org, "aaa")]);
        match check_bucket(&sample) {
            Ok(()) => Ok(template),
            Err(reason) => Err(template.unusable(reason)),
        }
    }

    /// Makes the template of a path.
    pub(super) fn path(
        place: &'static str,
        text: &str,
        needed: &[Field],
        allowed: &[Field],
    ) -> Result<Self, LayoutError> {
        let template = Self::read(place, text)?;
        template.check_fields(needed, allowed)?;
        for segment in text.split('/') {
            template.check_segment(segment)?;
        }
        if needed.contains(&Field::Version) {
            template.check_version_directory()?;
        }
        let sample =
            Field::ALL.map(|field| (field, if field == Field::Version { "1" } else { "a" }));
        let sample: ObjectPath = template
            .fill(&sample)
            .parse()
            .map_err(|error| template.unusable(format!("{error}")))?;
        if sample == Layout::manifest(&sample) {
            return Err(template.unusable("this is the name of the manifest beside it"));
        }
        Ok(template)
    }

    fn read(place: &'static str, text: &str) -> Result<Self, LayoutError> {
        let mut parts = Vec::new();
        let mut rest = text;
        let wrong =
            |reason: String| LayoutError::Template { place, template: text.to_owned(), reason };
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            let field = Field::ALL.into_iter().find(|field| from.starts_with(field.name()));
            let Some(field) = field else {
                let end = from.find('}').filter(|_| from.starts_with('{'));
                return Err(wrong(match end {
                    Some(end) if !from[1..end].contains(['{', '/']) => {
                        format!("there is no field `{}`", &from[..=end])
                    }
                    _ => "a `{` or `}` stands alone".to_owned(),
                }));
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            if parts.contains(&Part::Field(field)) {
                return Err(wrong(format!("it has `{}` twice", field.name())));
            }
            parts.push(Part::Field(field));
            rest = &from[field.name().len()..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { place, text: text.to_owned(), parts })
    }

    fn check_fields(&self, needed: &[Field], allowed: &[Field]) -> Result<(), LayoutError> {
        for field in Field::ALL {
            if needed.contains(&field) && !self.has(field) {
                return Err(self.unusable(format!("it lacks `{}`", field.name())));
            }
            if self.has(field) && !needed.contains(&field) && !allowed.contains(&field) {
                return Err(self.unusable(format!("`{}` has no place in it", field.name())));
            }
        }
        Ok(())
    }

    /// Checks that what a field is filled with can be told from what stands around it.
    fn check_segment(&self, segment: &str) -> Result<(), LayoutError> {
        if segment.is_empty() {
            return Err(self.unusable("it has an empty segment"));
        }
        for field in [Field::Org, Field::Source, Field::FileName] {
            if segment.contains(field.name()) && segment != field.name() {
                return Err(self.unusable(format!("`{}` must be a whole segment", field.name())));
            }
        }
        if let Some((before, after)) = segment.split_once(Field::Version.name()) {
            let digit_before = before.ends_with(|c: char| c.is_ascii_digit());
            let digit_after = after.starts_with(|c: char| c.is_ascii_digit() || c == '{');
            if digit_before || digit_after {
                return Err(self.unusable("`{version}` stands beside another number or field"));
            }
        }
        if let Some((before, after)) = segment.split_once(Field::Extension.name())
            && (!before.ends_with('.') || !after.is_empty())
        {
            return Err(self.unusable("`{ext}` must end a name and have a dot before it"));
        }
        Ok(())
    }

    /// Checks that each version of a source has a directory of its own, so that all of it can be found
    /// and removed.
    fn check_version_directory(&self) -> Result<(), LayoutError> {
        let segment_with =
            |field: Field| self.text.split('/').position(|segment| segment.contains(field.name()));
        let last = self.text.split('/').count() - 1;
        let version = segment_with(Field::Version);
        if version.is_some_and(|at| at < last) && version > segment_with(Field::Source) {
            return Ok(());
        }
        Err(self.unusable("`{version}` must be in the name of a directory below `{source_id}`"))
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.parts.contains(&Part::Field(field))
    }

    pub(super) fn place(&self) -> &'static str {
        self.place
    }

    /// Returns whether the two can never give one name, nor one the beginning of the other: where they
    /// first differ, both have a text that they do not share. Fields of the same kind in the same place
    /// do not tell them apart.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        for (one, other) in self.text.split('/').zip(other.text.split('/')) {
            let is_text = |segment: &str| !segment.contains('{');
            if is_text(one) && is_text(other) {
                if one != other {
                    return true;
                }
            } else if one != other {
                return false;
            }
        }
        false
    }

    /// Returns the name with the fields filled in.
    pub(super) fn fill(&self, fields: &[(Field, &str)]) -> String {
        let value = |wanted: Field| {
            fields.iter().find(|(field, _)| *field == wanted).map_or("", |(_, value)| value)
        };
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Field(field) => value(*field),
            })
            .collect()
    }

    /// Returns the path with the fields filled in.
    pub(super) fn path_of(&self, fields: &[(Field, &str)]) -> Result<ObjectPath, LayoutError> {
        let name = self.fill(fields);
        name.parse().map_err(|error: tundra_core::ObjectPathError| LayoutError::Name {
            place: self.place,
            name: name.clone(),
            reason: error.to_string(),
        })
    }

    /// Returns the directory of the path with the fields filled in.
    pub(super) fn directory_of(&self, fields: &[(Field, &str)]) -> Result<ObjectPath, LayoutError> {
        // The name of the object itself may hold a field that is not given.
        let directory = self.text.rsplit_once('/').map_or("", |(directory, _)| directory);
        self.part_of(directory, fields)
    }

    /// Returns the directory in which the versions are.
    pub(super) fn before_version(
        &self,
        fields: &[(Field, &str)],
    ) -> Result<ObjectPath, LayoutError> {
        let before = self.text.split(Field::Version.name()).next().unwrap_or_default();
        let directory = before.rsplit_once('/').map_or("", |(directory, _)| directory);
        self.part_of(directory, fields)
    }

    fn part_of(&self, text: &str, fields: &[(Field, &str)]) -> Result<ObjectPath, LayoutError> {
        let part = Self::read(self.place, text)?;
        part.path_of(fields)
    }

    /// Returns the number of the version in whose directory an object is, of the source that the
    /// fields name.
    pub(super) fn version_of(&self, fields: &[(Field, &str)], path: &str) -> Option<u32> {
        let mut segments = path.split('/');
        for template in self.text.split('/') {
            let segment = segments.next()?;
            if let Some((before, after)) = template.split_once(Field::Version.name()) {
                let digits = segment.strip_prefix(before)?.strip_suffix(after)?;
                let number = digits.parse::<u32>().ok()?;
                // Neither a sign nor zeros before it: only what is written here is read.
                let is_ours = number.to_string() == digits;
                return (is_ours && segments.next().is_some()).then_some(number);
            }
            let filled = fields.iter().find(|(field, _)| field.name() == template);
            if segment != filled.map_or(template, |(_, value)| value) {
                return None;
            }
        }
        None
    }

    /// Returns the error that says why it cannot be used.
    pub(super) fn unusable(&self, reason: impl Into<String>) -> LayoutError {
        LayoutError::Template {
            place: self.place,
            template: self.text.clone(),
            reason: reason.into(),
        }
    }
}

/// Checks that every store takes the name for a bucket.
pub(super) fn check_bucket(name: &str) -> Result<(), &'static str> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(3..=63).contains(&name.len()) {
        return Err("the name of a bucket has 3 to 63 characters");
    }
    if !name.chars().all(|c| is_plain(c) || c == '-')
        || !name.starts_with(is_plain)
        || !name.ends_with(is_plain)
    {
        return Err("the name of a bucket has only `a` to `z`, `0` to `9`, and `-` between them");
    }
    Ok(())
}
