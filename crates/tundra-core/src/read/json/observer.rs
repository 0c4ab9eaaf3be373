//! Looking at the values of records.
//!
//! Start at [`Observer`], which takes a record into account in a [`JsonObservation`].

use crate::{
    DataError,
    read::{
        json::{
            JsonObservation,
            fault::Parsed,
            geojson::{Content, Geometry},
            observation::{
                Forms, Lists, MAX_FIELDS, MAX_TYPE_DEPTH, Node, Objects, Opaque, Seen, Strings,
                TOO_DEEP,
            },
            token::{self, Space, StringEnd},
            unescape::{check_halves, key_name, unescape},
        },
        lattice::Place,
    },
};

/// Looks at the values of a text.
#[derive(Debug)]
pub(super) struct Observer<'a> {
    pub(super) text: &'a str,
    pub(super) space: Space,
    /// The record that is looked at, counted from 1.
    pub(super) record: u64,
    /// A string with half of a surrogate pair makes the record a faulty one.
    pub(super) refuses_halves: bool,
    /// Fields that may still be added.
    pub(super) room: usize,
    pub(super) scratch: String,
    content: Content,
    /// The geometry that was read last.
    pub(super) geometry: Geometry,
}

impl<'a> Observer<'a> {
    /// Looks at a padded text. With `refuses_halves` a record with half of a surrogate pair in a
    /// string cannot be read.
    pub(super) fn new(text: &'a str, space: Space, refuses_halves: bool, content: Content) -> Self {
        Self {
            text,
            space,
            record: 0,
            refuses_halves,
            room: 0,
            scratch: String::new(),
            content,
            geometry: Geometry::default(),
        }
    }

    /// Takes the record at `at` into account and returns where it ends. When it cannot be read
    /// the observation is of no use any more, because it holds a part of it.
    pub(super) fn record(&mut self, observation: &mut JsonObservation, at: usize) -> Parsed<usize> {
        let room = MAX_FIELDS.saturating_sub(observation.fields);
        self.room = room;
        let end = match self.content {
            Content::Json => self.value(&mut observation.root, at, 0)?,
            Content::Features => self.feature(observation, at)?,
            Content::Geometries => self.geometry(&mut observation.geometries, at, 0)?,
        };
        observation.fields += room - self.room;
        observation.records += 1;
        Ok(end)
    }

    pub(super) fn value(&mut self, node: &mut Node, at: usize, depth: usize) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        match bytes[at] {
            b'"' => {
                let end = token::string(bytes, at + 1)?;
                if end.escaped && self.refuses_halves {
                    check_halves(&self.text[at + 1..end.quote], at + 1)?;
                }
                self.string(node.strings.get_or_insert_default(), at, end);
                Ok(end.quote + 1)
            }
            b'{' => self.object(node.objects.get_or_insert_default(), at, depth),
            b'[' => self.list(node.lists.get_or_insert_default(), at, depth),
            b'n' => {
                node.nulls += 1;
                token::literal(bytes, at)
            }
            b't' | b'f' => {
                let end = token::literal(bytes, at)?;
                self.see(&mut node.booleans, at, end);
                Ok(end)
            }
            _ => {
                let end = token::number(bytes, at)?.end;
                let numbers = node.numbers.get_or_insert_default();
                numbers.evidence.observe(&bytes[at..end], self.record);
                self.see(&mut numbers.seen, at, end);
                Ok(end)
            }
        }
    }

    fn string(&mut self, strings: &mut Strings, at: usize, end: StringEnd) {
        self.see(&mut strings.seen, at, end.quote + 1);
        if strings.forms == Forms::NONE {
            return;
        }
        let written = &self.text[at + 1..end.quote];
        self.scratch.clear();
        let content = if end.escaped {
            // What half of a surrogate pair is left out of is no date either.
            let _: Result<_, _> = unescape(written, &mut self.scratch);
            self.scratch.as_bytes()
        } else {
            written.as_bytes()
        };
        strings.observe(content, || self.place(at, end.quote + 1));
    }

    fn list(&mut self, lists: &mut Lists, start: usize, depth: usize) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        let end = if let Some(opaque) = self.opaque(depth) {
            lists.opaque.get_or_insert(opaque);
            token::value(self.space, bytes, start, depth)?
        } else {
            let mut at = self.space.skip(bytes, start + 1);
            if bytes[at] != b']' {
                loop {
                    at = self.value(&mut lists.items, at, depth + 1)?;
                    at = self.space.skip(bytes, at);
                    match bytes[at] {
                        b',' => at = token::next_element(self.space, bytes, at + 1)?,
                        b']' => break,
                        _ => return Err(token::no_element_end(bytes, at)),
                    }
                }
            }
            at + 1
        };
        self.see(&mut lists.seen, start, end);
        Ok(end)
    }

    fn object(&mut self, objects: &mut Objects, start: usize, depth: usize) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        if let Some(opaque) = self.opaque(depth) {
            objects.opaque.get_or_insert(opaque);
        }
        let end = if objects.opaque.is_some() {
            token::value(self.space, bytes, start, depth)?
        } else {
            let mut at = self.space.skip(bytes, start + 1);
            let mut expected = 0;
            if bytes[at] != b'}' {
                loop {
                    let Some((index, value)) = self.key(objects, at, expected, depth)? else {
                        at = token::value(self.space, bytes, start, depth)? - 1;
                        break;
                    };
                    expected = index + 1;
                    at = self.value(&mut objects.fields[index].node, value, depth + 1)?;
                    at = self.space.skip(bytes, at);
                    match bytes[at] {
                        b',' => at = self.space.skip(bytes, at + 1),
                        b'}' => break,
                        _ => return Err(token::no_member_end(bytes, at)),
                    }
                }
            }
            at + 1
        };
        self.see(&mut objects.seen, start, end);
        Ok(end)
    }

    /// Reads the key at `at`, of which `expected` is the likely field, and returns its field and
    /// where its value begins; `None` when there are too many fields.
    fn key(
        &mut self,
        objects: &mut Objects,
        at: usize,
        expected: usize,
        depth: usize,
    ) -> Parsed<Option<(usize, usize)>> {
        let bytes = self.text.as_bytes();
        if let Some(field) = objects.fields.get(expected)
            && field.plain
            && bytes[at] == b'"'
            && bytes[at + 1..].starts_with(field.name.as_bytes())
            && bytes[at + 1 + field.name.len()..].starts_with(b"\":")
        {
            let value = self.space.skip(bytes, at + field.name.len() + 3);
            return Ok(Some((expected, value)));
        }
        let (end, value) = token::key(self.space, bytes, at)?;
        let written = &self.text[at + 1..end.quote];
        let name = key_name(written, end, at, &mut self.scratch)?;
        Ok(objects.field(name, depth, self.record, &mut self.room).map(|index| (index, value)))
    }

    fn opaque(&self, depth: usize) -> Option<Opaque> {
        (depth >= MAX_TYPE_DEPTH).then_some(Opaque { record: self.record, why: TOO_DEEP })
    }

    #[inline]
    fn see(&self, seen: &mut Seen, start: usize, end: usize) {
        seen.count += 1;
        if seen.first.is_none() {
            seen.first = Some(self.place(start, end));
        }
    }

    fn place(&self, start: usize, end: usize) -> Place {
        // More than can be shown is not looked at.
        let shown = &self.text.as_bytes()[start..end.min(start + 200)];
        Place { record: self.record, text: DataError::shorten(shown) }
    }
}
