//! Reading the values of a record into columns, in one pass over its bytes.
//!
//! Start at [`Reader`]. What is common is tried first and in one go: the key that is likely here,
//! a short number, a string without escapes. Everything else is read by its grammar.

use std::{borrow::Cow, collections::HashSet};

use arrow::array::StringViewBuilder;

use crate::{
    DataCode, DataError,
    read::json::{
        column::{Column, Level, Lists, Structs, Target, TextKind},
        fault::{Fault, FaultKind, Parsed},
        forced::Written,
        geojson::{Geometries, Place, feature_type, no_feature},
        number,
        schema::JsonSchema,
        token::{self, Space, StringEnd},
        unescape::{
            first_half, key_name, lone_surrogate, unescape, unescape_replacing, without_halves,
        },
    },
    value::{decimal, double, integer, temporal},
};

/// Reads the records of one chunk.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    space: Space,
    schema: &'a JsonSchema,
    /// What does not fit is made to fit.
    repair: bool,
    /// What is being read.
    target: Target,
    /// Whether its type was asked for.
    forced: bool,
    /// Offsets of keys that are passed over.
    pub(super) superseded: HashSet<usize>,
    /// What was made to fit in the record.
    pub(super) repairs: Vec<Fault>,
    scratch: String,
}

/// What was found of a member of an object.
enum Member {
    /// It is a field; its value is still to be read.
    Known {
        /// The number of the field.
        index: usize,
        /// Where the value begins.
        value: usize,
    },
    /// There is no such field, and the member was left away.
    LeftAway {
        /// The offset behind its value.
        end: usize,
    },
}

impl<'a> Reader<'a> {
    /// Reads a padded text.
    pub(super) fn new(text: &'a str, space: Space, schema: &'a JsonSchema, repair: bool) -> Self {
        Self {
            text,
            space,
            schema,
            repair,
            target: Target::Column(0),
            forced: false,
            superseded: HashSet::new(),
            repairs: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Reads the record at `start` into the one column that there is.
    pub(super) fn record(&mut self, root: &mut Structs, start: usize) -> Parsed<usize> {
        let row = root.rows();
        root.begin();
        let Some(field) = root.fields.first_mut() else {
            let bytes = self.text.as_bytes();
            token::value(self.space, bytes, start, 0)?;
            let message = "a record, and there was none among those looked at first";
            return Err(self.contradiction(start, message.to_owned()));
        };
        self.aim(Target::Column(0));
        field.fill(row);
        let read = self.value(&mut field.column, start, 0);
        field.rows = field.column.len();
        read
    }

    /// Reads the object at `start`, around which `depth` brackets are open, into a row.
    pub(super) fn object(
        &mut self,
        structs: &mut Structs,
        start: usize,
        depth: usize,
    ) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        let row = structs.rows();
        structs.begin();
        let mut at = self.space.skip(bytes, start + 1);
        if bytes[at] == b'}' {
            return Ok(at + 1);
        }
        let mut previous = None;
        loop {
            let (index, value) = match structs.expect(bytes, at, previous) {
                Some((index, behind)) => (index, self.space.skip(bytes, behind)),
                None => match self.key(structs, at, previous, depth)? {
                    Member::Known { index, value } => (index, value),
                    Member::LeftAway { end } => {
                        at = self.space.skip(bytes, end);
                        match bytes[at] {
                            b',' => at = self.space.skip(bytes, at + 1),
                            b'}' => return Ok(at + 1),
                            _ => return Err(token::no_member_end(bytes, at)),
                        }
                        continue;
                    }
                },
            };
            previous = Some(index);
            if !self.superseded.is_empty() && self.superseded.contains(&at) {
                at = token::value(self.space, bytes, value, depth + 1)?;
            } else {
                let field = &mut structs.fields[index];
                if let Some(target) = field.target {
                    self.aim(target);
                }
                if field.rows > row {
                    return Err(self.duplicate(&field.name, at));
                }
                field.fill(row);
                match self.value(&mut field.column, value, depth + 1) {
                    Ok(end) => {
                        field.rows = row + 1;
                        at = end;
                    }
                    Err(fault) => {
                        field.rows = field.column.len();
                        return Err(fault);
                    }
                }
            }
            at = self.space.skip(bytes, at);
            match bytes[at] {
                b',' => at = self.space.skip(bytes, at + 1),
                b'}' => return Ok(at + 1),
                _ => return Err(token::no_member_end(bytes, at)),
            }
        }
    }

    /// Reads a key that is not the expected one, and its value too when no field has this name.
    fn key(
        &mut self,
        structs: &mut Structs,
        at: usize,
        previous: Option<usize>,
        depth: usize,
    ) -> Parsed<Member> {
        let bytes = self.text.as_bytes();
        let (end, value) = token::key(self.space, bytes, at)?;
        let name = key_name(&self.text[at + 1..end.quote], end, at, &mut self.scratch)?;
        if let Some(index) = structs.find(name) {
            structs.learn(previous, index);
            return Ok(Member::Known { index, value });
        }
        let message = format!("there is no field `{}`", DataError::shorten(name.as_bytes()));
        let name = name.to_owned();
        let end = token::value(self.space, bytes, value, depth + 1)?;
        if structs.level == Level::Values && self.forced {
            let fault = self.bad_value(value, end, message);
            if !self.repair {
                return Err(fault);
            }
            self.repairs.push(*fault);
            return Ok(Member::LeftAway { end });
        }
        let mut fault = self.contradiction(value, message);
        match structs.level {
            Level::Records => fault.field = Some(name),
            Level::Group(group) => {
                fault.field = self.schema.groups.get(group).map(|group| format!("{group}.{name}"));
            }
            Level::Values => {}
        }
        Err(fault)
    }

    /// Says what is read next.
    #[inline]
    fn aim(&mut self, target: Target) {
        self.target = target;
        self.forced = match target {
            Target::Column(column) => {
                self.schema.columns.get(column).is_some_and(|column| column.forced)
            }
            Target::Group(_) => false,
        };
    }

    /// Reads the value at `at`, around which `depth` brackets are open, into a row.
    #[inline]
    fn value(&mut self, column: &mut Column, at: usize, depth: usize) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        match column {
            Column::BigInt(values) => {
                if let Some((value, end)) = number::integer(bytes, at) {
                    values.push(value);
                    return Ok(end);
                }
            }
            Column::Double(values) => {
                if let Some((value, end)) = number::double(bytes, at) {
                    values.push(value);
                    return Ok(end);
                }
            }
            Column::Text { values, kind: TextKind::Strings } if bytes[at] == b'"' => {
                return self.string(values, at);
            }
            Column::Date(values) if bytes[at] == b'"' => {
                let date = &bytes[at + 1..at + 11];
                if bytes[at + 11] == b'"'
                    && let Some(value) = temporal::parse_date(date)
                {
                    values.push(value);
                    return Ok(at + 12);
                }
            }
            Column::Struct(structs) if bytes[at] == b'{' => {
                return self.object(structs, at, depth);
            }
            Column::List(lists) if bytes[at] == b'[' => return self.list(lists, at, depth),
            Column::Geometry(geometries) if bytes[at] != b'n' => {
                return self.geometry(geometries, at, depth);
            }
            Column::FeatureType(rows) => {
                let end = feature_type(self.text, at)?;
                *rows += 1;
                return Ok(end);
            }
            _ => {}
        }
        self.uncommon(column, at, depth)
    }

    /// Reads the feature at `start` into a row.
    pub(super) fn feature(&mut self, root: &mut Structs, start: usize) -> Parsed<usize> {
        let end = self.object(root, start, 0)?;
        let has_type = root.fields.first().is_some_and(|field| field.rows == root.rows());
        if has_type { Ok(end) } else { Err(no_feature(start)) }
    }

    fn geometry(&mut self, geometries: &mut Geometries, at: usize, depth: usize) -> Parsed<usize> {
        let place = Place { text: self.text, space: self.space };
        match geometries.read(place, at, depth) {
            Ok(Ok(end)) => Ok(end),
            Ok(Err(why)) => Err(self.contradiction(at, format!("a geometry {why}"))),
            Err(fault) if fault.kind == FaultKind::Data(DataCode::BadGeometry) => {
                Err(self.about_column(fault))
            }
            Err(fault) => Err(fault),
        }
    }

    #[inline]
    fn string(&mut self, values: &mut StringViewBuilder, at: usize) -> Parsed<usize> {
        let end = token::string(self.text.as_bytes(), at + 1)?;
        if end.escaped {
            values.append_value(self.unescaped(at, end)?);
        } else {
            values.append_value(&self.text[at + 1..end.quote]);
        }
        Ok(end.quote + 1)
    }

    /// Returns what the string at `at` stands for.
    fn unescaped(&mut self, at: usize, end: StringEnd) -> Parsed<&str> {
        let written = &self.text[at + 1..end.quote];
        if !end.escaped {
            return Ok(written);
        }
        self.scratch.clear();
        if let Err(lone) = unescape(written, &mut self.scratch) {
            let fault = lone_surrogate(written, at + 1, lone.at);
            if !self.repair {
                return Err(fault);
            }
            self.scratch.clear();
            unescape_replacing(written, &mut self.scratch);
            self.repairs.push(*fault);
        }
        Ok(&self.scratch)
    }

    fn list(&mut self, lists: &mut Lists, start: usize, depth: usize) -> Parsed<usize> {
        let read = self.items(&mut lists.items, start, depth);
        // Items of a list that could not be read to its end belong to a row too.
        lists.push();
        read
    }

    fn items(&mut self, items: &mut Column, start: usize, depth: usize) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        let mut at = self.space.skip(bytes, start + 1);
        if bytes[at] == b']' {
            return Ok(at + 1);
        }
        loop {
            at = self.value(items, at, depth + 1)?;
            at = self.space.skip(bytes, at);
            match bytes[at] {
                b',' => at = token::next_element(self.space, bytes, at + 1)?,
                b']' => return Ok(at + 1),
                _ => return Err(token::no_element_end(bytes, at)),
            }
        }
    }

    /// Reads a value that is not the common one of its column.
    fn uncommon(&mut self, column: &mut Column, at: usize, depth: usize) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        let end = token::value(self.space, bytes, at, depth)?;
        if bytes[at] == b'n' {
            column.push_nulls(1);
            return Ok(end);
        }
        let written = &self.text[at..end];
        if self.push(column, written, at)? {
            return Ok(end);
        }
        let message = format!("is no {}", describe(column));
        if !self.forced {
            let text = DataError::shorten(&written.as_bytes()[..written.len().min(500)]);
            return Err(self.contradiction(at, format!("`{text}` {message}")));
        }
        let fault = self.bad_value(at, end, format!("it {message}"));
        if !self.repair {
            return Err(fault);
        }
        self.repairs.push(*fault);
        column.push_nulls(1);
        Ok(end)
    }

    /// Appends a value that is no null to a column; `false` when it does not fit.
    fn push(&mut self, column: &mut Column, written: &str, at: usize) -> Parsed<bool> {
        let bytes = written.as_bytes();
        let is_number = matches!(bytes[0], b'-' | b'0'..=b'9');
        let is_string = bytes[0] == b'"';
        Ok(match column {
            Column::BigInt(values) if is_number => {
                integer::parse_i64(bytes).map(|value| values.push(value)).is_some()
            }
            Column::UBigInt(values) if is_number => {
                integer::parse_u64(bytes).map(|value| values.push(value)).is_some()
            }
            Column::Decimal { values, precision, scale } if is_number => {
                let value = decimal::parse(bytes).and_then(|it| it.rescale(*precision, *scale));
                value.map(|value| values.push(value)).is_some()
            }
            Column::Double(values) if is_number => {
                double::parse_exact(bytes).map(|value| values.push(value)).is_some()
            }
            Column::Boolean(values) if matches!(bytes[0], b't' | b'f') => {
                values.push(bytes[0] == b't');
                true
            }
            Column::Date(values) if is_string => {
                let value = temporal::parse_date(self.content(written, at)?.as_bytes());
                value.map(|value| values.push(value)).is_some()
            }
            Column::Timestamp(values) if is_string => {
                let value = temporal::parse_timestamp(self.content(written, at)?.as_bytes());
                value.map(|value| values.push(value)).is_some()
            }
            Column::TimestampTz(values) if is_string => {
                let value = temporal::parse_timestamptz(self.content(written, at)?.as_bytes());
                value.map(|value| values.push(value)).is_some()
            }
            Column::Text { values, kind } => match kind {
                TextKind::Numbers if is_number => {
                    values.append_value(written);
                    true
                }
                TextKind::Scalars if !matches!(bytes[0], b'{' | b'[') => {
                    values.append_value(self.content(written, at)?);
                    true
                }
                TextKind::Json => {
                    values.append_value(self.sound(written, at)?);
                    true
                }
                TextKind::EmptyObjects if is_empty_object(written) => {
                    values.append_value(written);
                    true
                }
                _ => false,
            },
            Column::Forced(forced) => {
                let raw = self.sound(written, at)?;
                let text = self.content(&raw, at)?;
                forced.push(Written { raw: &raw, text })
            }
            _ => false,
        })
    }

    /// Returns a value as it is written. Half of a surrogate pair is as wrong in it as in a string that
    /// is read: whether a record is good must not depend on what others hold.
    fn sound<'b>(&mut self, written: &'b str, at: usize) -> Parsed<Cow<'b, str>> {
        let Some(half) = first_half(written) else { return Ok(Cow::Borrowed(written)) };
        let fault = lone_surrogate(written, at, half);
        let repaired = if self.repair { without_halves(written) } else { None };
        let Some(repaired) = repaired else { return Err(fault) };
        self.repairs.push(*fault);
        Ok(Cow::Owned(repaired))
    }

    /// Returns what a string stands for, and everything else as it is written.
    fn content<'b>(&'b mut self, written: &'b str, at: usize) -> Parsed<&'b str> {
        if !written.starts_with('"') {
            return Ok(written);
        }
        let escaped = memchr::memchr(b'\\', written.as_bytes()).is_some();
        self.unescaped(at, StringEnd { quote: at + written.len() - 1, escaped })
    }

    #[cold]
    fn duplicate(&self, name: &str, at: usize) -> Box<Fault> {
        let shown = DataError::shorten(name.as_bytes());
        let message = format!("the name `{shown}` stands twice in one object");
        self.about_column(Fault::data(DataCode::DuplicateKey, at, message))
    }

    #[cold]
    fn contradiction(&self, at: usize, message: String) -> Box<Fault> {
        let mut fault = Fault::data(DataCode::BadValue, at, message);
        fault.kind = FaultKind::Contradiction;
        self.about_column(fault)
    }

    #[cold]
    fn bad_value(&self, start: usize, end: usize, message: String) -> Box<Fault> {
        let mut fault = Fault::data(DataCode::BadValue, start, message);
        let shown = &self.text.as_bytes()[start..end.min(start + 500)];
        fault.text = Some(DataError::shorten(shown));
        self.about_column(fault)
    }

    fn about_column(&self, mut fault: Box<Fault>) -> Box<Fault> {
        fault.field = match self.target {
            Target::Column(column) => {
                self.schema.columns.get(column).map(|column| column.name.clone())
            }
            Target::Group(group) => self.schema.groups.get(group).cloned(),
        };
        fault
    }
}

/// Returns whether an object, which is well formed, has no field.
fn is_empty_object(written: &str) -> bool {
    let inside = written.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| inside.bytes().all(|byte| byte.is_ascii_whitespace()))
}

/// Names what a column takes.
fn describe(column: &Column) -> String {
    let name = match column {
        Column::Null(_) => "null, and nothing else was seen",
        Column::Boolean(_) => "boolean",
        Column::BigInt(_) => "integer of 64 bits",
        Column::UBigInt(_) => "integer of 64 bits without a sign",
        Column::Decimal { precision, scale, .. } => return format!("DECIMAL({precision},{scale})"),
        Column::Double(_) => "number that a double holds",
        Column::Date(_) => "date with its year first",
        Column::Timestamp(_) => "timestamp without a zone",
        Column::TimestampTz(_) => "timestamp with a zone",
        Column::Text { kind, .. } => match kind {
            TextKind::Strings => "string",
            TextKind::Numbers => "number",
            TextKind::Scalars => "text",
            TextKind::Json => "JSON",
            TextKind::EmptyObjects => "empty object",
        },
        Column::List(_) => "array",
        Column::Struct(_) => "object",
        Column::Forced(forced) => return forced.kind().to_string(),
        Column::Geometry(_) => "geometry",
        Column::FeatureType(_) => "type of a feature",
    };
    name.to_owned()
}
