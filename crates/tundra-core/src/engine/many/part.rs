//! Which parts a table of several inputs has: objects, members of archives, sheets of workbooks.

use std::sync::Arc;

use super::{Many, object::PartObject};
use crate::{
    Error, Format, Input, ManyInputs, NamePattern, ObjectInfo, ObjectReader, Result, Silent,
    engine::{input::OpenInput, unpack::Member},
    read::{
        table::ReadContext,
        workbook::{self, Source},
    },
};

/// A part of the table.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) input: Input,
    /// The object's place.
    pub(super) location: String,
    pub(super) member: Option<Member>,
    pub(super) sheet: Option<String>,
}

impl Part {
    fn of(input: &Input) -> Self {
        let location = input.storage.display(&input.path);
        Self { input: input.clone(), location, member: None, sheet: None }
    }

    /// Returns its name, which no other part has.
    pub(super) fn name(&self) -> String {
        self.named(Member::name)
    }

    /// Returns what messages call it.
    pub(super) fn shown(&self) -> String {
        self.named(Member::shown)
    }

    fn named(&self, name: impl Fn(&Member) -> String) -> String {
        let Self { location, member, sheet, .. } = self;
        let member = member.iter().map(|member| format!(" ({})", name(member)));
        let sheet = sheet.iter().map(|sheet| format!(" (sheet {sheet})"));
        member.chain(sheet).fold(location.clone(), |name, more| name + &more)
    }

    /// Returns what stands in the column of the file.
    pub(super) fn file(&self) -> String {
        match &self.member {
            Some(member) => format!("{}/{}", self.location, member.name()),
            None => self.location.clone(),
        }
    }
}

/// What an input is found to consist of.
pub(super) struct Expanded {
    pub(super) parts: Vec<Part>,
    /// Inputs of which not even the parts can be found out: their places among the parts, and why.
    pub(super) broken: Vec<(usize, Error)>,
}

impl Many {
    /// Finds out of what parts the inputs consist.
    ///
    /// # Errors
    /// Fails when an archive or a workbook cannot be opened, or has nothing of what is wanted.
    pub(super) fn expand(&self, inputs: &ManyInputs) -> Result<Expanded> {
        let (mut parts, mut broken) = (Vec::new(), Vec::new());
        for input in &inputs.inputs {
            self.stop.check()?;
            let found = match (&inputs.members, &inputs.sheets) {
                (None, None) => Ok(vec![Part::of(input)]),
                (Some(pattern), _) => self.members(input, pattern),
                (None, Some(pattern)) => self.sheets(input, pattern),
            };
            match found {
                Ok(found) => parts.extend(found),
                Err(error) if self.is_left_out(&error) => {
                    broken.push((parts.len(), error));
                    parts.push(Part::of(input));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Expanded { parts, broken })
    }

    fn members(&self, input: &Input, pattern: &NamePattern) -> Result<Vec<Part>> {
        let part = Part::of(input);
        let object: Arc<dyn ObjectReader> = Arc::new(self.open_object(input)?);
        let exact = pattern.to_string();
        let wanted = |name: &str| pattern.matches(name) || name == exact;
        let found = self.unpacking.members(&object, &self.runtime, &part.location, &wanted)?;
        if found.is_empty() {
            return Err(Error::Request {
                message: format!("no member of `{}` matches `{pattern}`", part.location),
                hint: Some(
                    "`*` stays within a directory of the archive, and `**/*` does not; members \
                     that are empty hold no table"
                        .to_owned(),
                ),
            });
        }
        let mut members: Vec<(String, Member)> =
            found.into_iter().map(|member| (member.name(), member)).collect();
        // What is called like the pattern itself is meant, as with files.
        if members.iter().any(|(name, _)| *name == exact) {
            members.retain(|(name, _)| *name == exact);
        }
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        let of = |(_, member)| Part { member: Some(member), ..Part::of(input) };
        Ok(members.into_iter().map(of).collect())
    }

    fn sheets(&self, input: &Input, pattern: &NamePattern) -> Result<Vec<Part>> {
        let mut sheets = self.sheet_names(input)?;
        let listed: Vec<String> = sheets.iter().map(|sheet| format!("`{sheet}`")).collect();
        sheets.retain(|sheet| pattern.matches_label(sheet));
        if sheets.is_empty() {
            let location = input.storage.display(&input.path);
            return Err(Error::Request {
                message: format!("no visible sheet of `{location}` matches `{pattern}`"),
                hint: Some(format!("the visible sheets are {}", listed.join(", "))),
            });
        }
        let of = |sheet| Part { sheet: Some(sheet), ..Part::of(input) };
        Ok(sheets.into_iter().map(of).collect())
    }

    /// Returns the names of the visible sheets of a workbook, in order.
    pub(super) fn sheet_names(&self, input: &Input) -> Result<Vec<String>> {
        let object: Arc<dyn ObjectReader> = Arc::new(self.open_object(input)?);
        let location = input.storage.display(&input.path);
        let opened = OpenInput::of(
            object,
            &input.path,
            location.clone(),
            self.options.format,
            self.unpacking.clone(),
        );
        let opened = self.runtime.block_on(self.stop.unless_stopped(opened))??;
        if opened.format != Format::Excel {
            return Err(Error::Request {
                message: format!(
                    "sheets are asked for, and `{location}` is read as {}",
                    opened.format
                ),
                hint: None,
            });
        }
        let context = self.context(location.clone(), 1, Arc::new(Silent));
        let names = workbook::sheets(Source::new(opened.object, self.runtime.clone()), &context)?;
        if names.is_empty() {
            return Err(Error::EmptyInput { input: location });
        }
        Ok(names)
    }

    /// Opens an object.
    pub(super) fn open_object(&self, input: &Input) -> Result<PartObject> {
        let opened = self.runtime.block_on(self.stop.unless_stopped(PartObject::open(input)))?;
        opened.map_err(not_read)
    }

    /// Returns what reading a part may use.
    pub(super) fn context(
        &self,
        name: String,
        threads: usize,
        reporter: Arc<dyn crate::Reporter>,
    ) -> ReadContext {
        ReadContext {
            name,
            threads,
            cancel: self.stop.own.clone(),
            reporter,
            total_bytes: None,
            memory: self.memory,
            types_by: self.types_by,
        }
    }
}

/// Returns the error of an object that cannot be read.
pub(super) fn not_read(source: crate::StorageError) -> Error {
    Error::Storage { role: "could not read the input", source }
}

/// Returns the error of an object that is another one than before.
pub(super) fn changed(info: &ObjectInfo, location: &str, now: &ObjectInfo) -> Result<()> {
    if super::object::is_same(info, now) {
        return Ok(());
    }
    Err(not_read(crate::StorageError::Changed { location: location.to_owned() }))
}
