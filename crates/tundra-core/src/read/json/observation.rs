//! What the values of an input are.
//!
//! Start at [`JsonObservation`]. It is gathered of one chunk at a time by an
//! [`Observer`](super::observer::Observer), and merged in the order of the input.

use std::collections::HashMap;

use crate::{
    Decision, RecordsPath,
    read::{
        json::geojson::GeometriesSeen,
        lattice::{Evidence, Place},
    },
    value::temporal,
};

/// Fields of one nested object beyond which it is a dictionary rather than a record. Tables of
/// more than a few hundred nested fields are not seen; objects keyed by an id or a date are.
pub(super) const MAX_KEYS: usize = 2_000;

/// Fields of the records themselves beyond which they are no columns. Wide exports have up to
/// 10,000.
pub(super) const MAX_COLUMNS: usize = 20_000;

/// Fields of all levels together, which bounds the memory of an observation.
pub(super) const MAX_FIELDS: usize = 100_000;

/// Levels of nesting that are looked into. Readers of Parquet recurse through those that become
/// nested types; what is nested deeper is kept as its text.
pub(super) const MAX_TYPE_DEPTH: usize = 64;

/// Levels of groups in the schema of Parquet that a column may have. An object is one and an array
/// two; PyArrow opens no file with more than 100, those of the table and of the value included.
pub(super) const MAX_PARQUET_LEVELS: usize = 90;

/// Why values are kept as JSON that are nested deeper than that.
pub(super) const TOO_DEEP: &str = "the values are nested too deep to be a nested type";

/// What was seen in some records.
#[derive(Debug, Default)]
pub(crate) struct JsonObservation {
    pub(super) root: Node,
    /// Records that were looked at.
    pub(crate) records: u64,
    /// Records that could not be read, of which nothing is taken into account.
    pub(crate) faulty: u64,
    /// Bytes that the records stand in.
    pub(super) bytes: u64,
    /// Fields of all levels.
    pub(super) fields: usize,
    /// What the geometries are, where the records are of GeoJSON. Of those, the fields of the root are
    /// the members of features without their types and their geometries.
    pub(super) geometries: GeometriesSeen,
}

/// The values of one place in the records.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) nulls: u64,
    pub(super) booleans: Seen,
    pub(super) numbers: Option<Box<Numbers>>,
    pub(super) strings: Option<Box<Strings>>,
    pub(super) lists: Option<Box<Lists>>,
    pub(super) objects: Option<Box<Objects>>,
}

/// How often something was seen, and where first.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) first: Option<Place>,
}

#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) seen: Seen,
    pub(super) evidence: Evidence,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { seen: Seen::default(), evidence: Evidence::of_numbers() }
    }
}

#[derive(Debug)]
pub(super) struct Strings {
    pub(super) seen: Seen,
    /// The forms that every string has.
    pub(super) forms: Forms,
    /// The first string that has not the form of those in front of it, which is the second.
    pub(super) stopped: Option<(Place, Forms)>,
}

/// The forms of ISO 8601 that strings can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forms(u8);

#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) seen: Seen,
    pub(super) items: Node,
    pub(super) opaque: Option<Opaque>,
}

#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) seen: Seen,
    pub(super) fields: Vec<Field>,
    index: HashMap<Box<str>, usize>,
    pub(super) opaque: Option<Opaque>,
}

/// A field of objects.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    /// The name is written without escapes, so that it can be compared as it stands.
    pub(super) plain: bool,
    pub(super) node: Node,
}

/// Why values are not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opaque {
    /// The record in which that was found out.
    pub(super) record: u64,
    /// Why, as a sentence fragment.
    pub(super) why: &'static str,
}

impl Forms {
    pub(super) const NONE: Self = Self(0);
    pub(super) const DATE: Self = Self(1);
    pub(super) const TIMESTAMP: Self = Self(2);
    pub(super) const TIMESTAMPTZ: Self = Self(4);
    const ALL: Self = Self(7);

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn of(text: &[u8]) -> Self {
        // Every form begins with a date.
        if text.len() < 10 || text[4] != b'-' {
            Self::NONE
        } else if temporal::parse_date(text).is_some() {
            Self::DATE
        } else if temporal::parse_timestamp(text).is_some() {
            Self::TIMESTAMP
        } else if temporal::parse_timestamptz(text).is_some() {
            Self::TIMESTAMPTZ
        } else {
            Self::NONE
        }
    }

    /// Names the form, with its article.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::DATE => "a date",
            Self::TIMESTAMP => "a timestamp without a zone",
            Self::TIMESTAMPTZ => "a timestamp with a zone",
            _ => "",
        }
    }
}

impl Default for Strings {
    fn default() -> Self {
        Self { seen: Seen::default(), forms: Forms::ALL, stopped: None }
    }
}

impl JsonObservation {
    /// Returns a decision worth a look when there is one record and it holds an array of objects,
    /// which is more likely what somebody wants the rows to be.
    pub(crate) fn records_inside(&self) -> Option<Decision> {
        if self.records != 1 {
            return None;
        }
        let (path, count) = arrays_of_objects(self.root.objects.as_deref()?, &RecordsPath::root())?;
        Some(Decision {
            what: "records".to_owned(),
            value: "the document itself".to_owned(),
            confidence: 0.5,
            reason: format!(
                "the document is one record; `--records {path}` makes its {count} objects the records"
            ),
        })
    }

    /// Takes into account what was seen in a later part of the input.
    pub(crate) fn merge(&mut self, later: Self) {
        self.records += later.records;
        self.faulty += later.faulty;
        self.bytes += later.bytes;
        self.geometries.merge(&later.geometries);
        self.fields += self.root.merge(later.root, 0, MAX_FIELDS.saturating_sub(self.fields));
    }
}

/// Returns the way to the longest array of objects inside of objects, and how many these are.
fn arrays_of_objects(objects: &Objects, path: &RecordsPath) -> Option<(RecordsPath, u64)> {
    let mut longest: Option<(RecordsPath, u64)> = None;
    for field in &objects.fields {
        let node = &field.node;
        let path = path.member(&field.name);
        let items = node.lists.as_deref().and_then(|lists| lists.items.objects.as_deref());
        let found = match (items, node.objects.as_deref()) {
            (Some(items), _) => Some((path, items.seen.count)),
            (None, Some(inner)) => arrays_of_objects(inner, &path),
            (None, None) => None,
        };
        if let Some(found) = found
            && longest.as_ref().is_none_or(|longest| found.1 > longest.1)
        {
            longest = Some(found);
        }
    }
    // One object in an array may be a detail.
    longest.filter(|(_, count)| *count > 1)
}

impl Seen {
    fn merge(&mut self, later: Self) {
        self.count += later.count;
        if self.first.is_none() {
            self.first = later.first;
        }
    }
}

impl Node {
    /// Merges and returns how many fields were added, which is at most `room`.
    fn merge(&mut self, later: Self, depth: usize, room: usize) -> usize {
        self.nulls += later.nulls;
        self.booleans.merge(later.booleans);
        match (&mut self.numbers, later.numbers) {
            (Some(numbers), Some(later)) => {
                numbers.seen.merge(later.seen);
                numbers.evidence.merge(later.evidence);
            }
            (numbers @ None, later) => *numbers = later,
            (Some(_), None) => {}
        }
        match (&mut self.strings, later.strings) {
            (Some(strings), Some(later)) => strings.merge(*later),
            (strings @ None, later) => *strings = later,
            (Some(_), None) => {}
        }
        let mut added = 0;
        if let Some(later) = later.lists {
            let lists = self.lists.get_or_insert_default();
            lists.seen.merge(later.seen);
            lists.opaque = lists.opaque.take().or(later.opaque);
            added += lists.items.merge(later.items, depth + 1, room);
        }
        if let Some(later) = later.objects {
            let objects = self.objects.get_or_insert_default();
            added += objects.merge(*later, depth, room - added);
        }
        added
    }
}

impl Strings {
    pub(super) fn observe(&mut self, content: &[u8], place: impl FnOnce() -> Place) {
        let forms = self.forms.and(Forms::of(content));
        if forms == Forms::NONE && self.seen.count > 1 {
            self.stopped = Some((place(), self.forms));
        }
        self.forms = forms;
    }

    fn merge(&mut self, later: Self) {
        let forms = self.forms.and(later.forms);
        if self.stopped.is_none() && forms == Forms::NONE && self.forms != Forms::NONE {
            // What was the first string there, or else what stopped it there, stops it here.
            self.stopped = match later.stopped {
                Some((place, before)) if before == self.forms => Some((place, before)),
                _ => later.seen.first.clone().map(|place| (place, self.forms)),
            };
        }
        self.forms = forms;
        self.seen.merge(later.seen);
    }
}

impl Objects {
    fn merge(&mut self, later: Self, depth: usize, mut room: usize) -> usize {
        self.seen.merge(later.seen);
        if self.opaque.is_some() || later.opaque.is_some() {
            self.conceal(self.opaque.clone().or(later.opaque));
            return 0;
        }
        let before = room;
        for field in later.fields {
            let record = self.seen.first.as_ref().map_or(0, |first| first.record);
            let Some(index) = self.field(&field.name, depth, record, &mut room) else { break };
            room -= self.fields[index].node.merge(field.node, depth + 1, room);
        }
        before - room
    }

    /// Returns the field of this name, which is added when it is new; `None` when there are too
    /// many, and then the objects are not looked into any more.
    pub(super) fn field(
        &mut self,
        name: &str,
        depth: usize,
        record: u64,
        room: &mut usize,
    ) -> Option<usize> {
        if let Some(index) = self.index.get(name) {
            return Some(*index);
        }
        let limit = if depth == 0 { MAX_COLUMNS } else { MAX_KEYS };
        if self.fields.len() >= limit || *room == 0 {
            let why = if depth == 0 {
                "the records have too many different names to be columns"
            } else {
                "the objects have too many different names to be a STRUCT"
            };
            self.conceal(Some(Opaque { record, why }));
            return None;
        }
        *room -= 1;
        let plain = !name.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\');
        self.index.insert(name.into(), self.fields.len());
        self.fields.push(Field { name: name.into(), plain, node: Node::default() });
        Some(self.fields.len() - 1)
    }

    fn conceal(&mut self, opaque: Option<Opaque>) {
        self.opaque = opaque;
        self.fields = Vec::new();
        self.index = HashMap::new();
    }
}
