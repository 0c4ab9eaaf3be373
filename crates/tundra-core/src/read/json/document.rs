//! Records inside of documents: the elements of an array, documents that follow each other, or
//! what a path leads to.
//!
//! Start at [`DocumentSplit`]. It walks through a document with only what is on the way to the
//! records in mind; what lies beside the way is followed by its brackets and quotes and not
//! checked further.

mod cursor;
mod reached;

use self::{cursor::Cursor, reached::Reached};
use crate::{
    Error, RecordsPath,
    read::{
        chunk::Chunk,
        json::{MAX_RECORD_BYTES, geojson::Members, split::Window},
    },
    records_path::Segment,
};

/// Splits documents.
#[derive(Debug)]
pub(super) struct DocumentSplit {
    cursor: Cursor,
    path: RecordsPath,
    kind: Kind,
    state: State,
    /// What is open around the next byte, as far as it is on the path.
    frames: Vec<Frame>,
    documents: u64,
    /// The path led to something.
    found: bool,
    /// How far it led.
    reached: Reached,
    /// Hears of the members that stand beside the first step of the path.
    members: Option<Members>,
}

/// What the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One document; the elements of its array are the records.
    Array,
    /// Documents; in each, the records are where the path leads to.
    Path,
    /// Documents, each of which is a record.
    Documents,
}

/// What stands at the next byte that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A document, or the end.
    Document,
    /// A value on the path.
    Value,
    /// A member of an object on the path.
    Member { first: bool },
    /// An element of an array on the path.
    Element { first: bool },
    /// A record in the array of records.
    Record { first: bool },
    /// What follows a value.
    Behind,
}

/// An object or an array on the path.
#[derive(Debug)]
enum Frame {
    Object {
        /// The member that the path names was there.
        matched: bool,
    },
    Array {
        index: u64,
    },
}

impl DocumentSplit {
    /// The elements of one array are the records.
    pub(super) fn array(window: Window) -> Self {
        Self::new(window, Kind::Array, RecordsPath::root())
    }

    /// The records are where the path leads to.
    pub(super) fn at_path(window: Window, path: RecordsPath) -> Self {
        Self::new(window, Kind::Path, path)
    }

    /// Each document is a record.
    pub(super) fn documents(window: Window) -> Self {
        Self::new(window, Kind::Documents, RecordsPath::root())
    }

    fn new(window: Window, kind: Kind, path: RecordsPath) -> Self {
        let limit = MAX_RECORD_BYTES >> 20;
        let too_long = match kind {
            Kind::Documents => format!(
                "a document is longer than {limit} MiB, which is the most that one record may have; \
                 `--records` points at the records inside of it"
            ),
            Kind::Array | Kind::Path => format!("a record is longer than {limit} MiB"),
        };
        Self {
            cursor: Cursor::new(window, too_long),
            path,
            kind,
            state: State::Document,
            frames: Vec::new(),
            documents: 0,
            found: false,
            reached: Reached::default(),
            members: None,
        }
    }

    /// Tells of the members that stand beside the first step of the path.
    pub(super) fn tell_members(&mut self, members: Members) {
        self.members = Some(members);
    }

    pub(super) fn window(&self) -> &Window {
        self.cursor.window()
    }

    pub(super) fn window_mut(&mut self) -> &mut Window {
        self.cursor.window_mut()
    }

    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        loop {
            let next = self.cursor.peek()?;
            // Looking for the next byte can complete a chunk, as taking a record can.
            if let Some(chunk) = self.cursor.take_ready() {
                return Ok(Some(chunk));
            }
            if let Some(byte) = next {
                self.step(byte)?;
                continue;
            }
            let between = matches!(self.state, State::Document | State::Behind);
            if !between || !self.frames.is_empty() {
                return Err(self.cursor.fail("the text ends in the middle of a document"));
            }
            self.cursor.close();
            let last = self.cursor.take_ready();
            return if last.is_some() { Ok(last) } else { self.end() };
        }
    }

    /// Says that there is nothing more.
    fn end(&self) -> Result<Option<Chunk>, Error> {
        if self.kind == Kind::Path && !self.found && self.documents > 0 {
            return Err(self.reached.error(&self.path, self.cursor.window().name()));
        }
        Ok(None)
    }

    /// Goes on by one thing that begins with `byte`.
    fn step(&mut self, byte: u8) -> Result<(), Error> {
        match self.state {
            State::Document => {
                if self.kind == Kind::Array && self.documents > 0 {
                    return Err(self.cursor.fail("something stands behind the end of the array"));
                }
                self.documents += 1;
                self.state = State::Value;
                Ok(())
            }
            State::Value => self.value(byte),
            State::Member { first } => self.member(byte, first),
            State::Element { first } => self.element(byte, first),
            State::Record { first } => self.record_in_array(byte, first),
            State::Behind => self.behind(byte),
        }
    }

    /// A value on the path, the records themselves included.
    fn value(&mut self, byte: u8) -> Result<(), Error> {
        let depth = self.frames.len();
        let segment = self.path.segments().get(depth);
        match (segment, byte) {
            (None, b'[') if self.kind != Kind::Documents => {
                self.cursor.advance();
                self.found = true;
                self.state = State::Record { first: true };
            }
            (None, b',') if self.kind == Kind::Documents => {
                return Err(self.cursor.fail(
                    "expected a value; records with commas between them need `[` and `]` around \
                     them",
                ));
            }
            (None, _) if self.kind == Kind::Documents || byte == b'{' => {
                self.found = true;
                if self.cursor.record(byte)? {
                    self.leave_records();
                }
            }
            (None, b'n') => {
                // An array that is `null` is one without records.
                self.found = true;
                self.cursor.pass(byte)?;
                self.state = State::Behind;
            }
            (None, _) => {
                return Err(self.cursor.fail(match self.kind {
                    Kind::Array => "the text is no array and no object",
                    _ => "the path to the records leads to what is no array and no object",
                }));
            }
            (Some(Segment::Name(_)), b'{') => {
                self.reached.object(depth);
                self.cursor.advance();
                self.frames.push(Frame::Object { matched: false });
                self.state = State::Member { first: true };
            }
            (Some(Segment::Index(_) | Segment::Every), b'[') => {
                self.cursor.advance();
                self.frames.push(Frame::Array { index: 0 });
                self.state = State::Element { first: true };
            }
            (Some(_), _) => {
                self.reached.other(depth, byte);
                self.cursor.pass(byte)?;
                self.state = State::Behind;
            }
        }
        Ok(())
    }

    fn member(&mut self, byte: u8, first: bool) -> Result<(), Error> {
        if byte == b'}' && first {
            return self.leave();
        }
        if byte != b'"' {
            return Err(self.cursor.fail(match byte {
                b'}' => "a comma stands in front of the closing `}`",
                _ => "expected a name in quotes",
            }));
        }
        let wanted = match self.path.segments().get(self.frames.len() - 1) {
            Some(Segment::Name(name)) => name.clone(),
            _ => String::new(),
        };
        let name = self.cursor.name()?;
        if !self.found {
            self.reached.member(self.frames.len() - 1, &name);
        }
        if self.cursor.peek()? != Some(b':') {
            return Err(self.cursor.fail("expected `:` behind a name"));
        }
        self.cursor.advance();
        let Some(byte) = self.cursor.peek()? else {
            return Err(self.cursor.fail("the text ends in the middle of a document"));
        };
        if name != wanted {
            match &self.members {
                Some(members) if self.frames.len() == 1 => {
                    members.add(&name, self.cursor.pass_kept(byte, Members::BYTES)?);
                }
                _ => self.cursor.pass(byte)?,
            }
            self.state = State::Behind;
            return Ok(());
        }
        if let Some(Frame::Object { matched }) = self.frames.last_mut()
            && std::mem::replace(matched, true)
        {
            let message = format!("the name `{name}` on the path stands twice in one object");
            return Err(self.cursor.fail(&message));
        }
        self.state = State::Value;
        Ok(())
    }

    /// An element of an array on the path.
    fn element(&mut self, byte: u8, first: bool) -> Result<(), Error> {
        if byte == b']' {
            return if first { self.leave() } else { Err(self.trailing_comma()) };
        }
        let wanted = match (self.path.segments().get(self.frames.len() - 1), self.frames.last()) {
            (Some(Segment::Index(wanted)), Some(Frame::Array { index })) => wanted == index,
            _ => true,
        };
        if wanted {
            self.state = State::Value;
        } else {
            self.cursor.pass(byte)?;
            self.state = State::Behind;
        }
        Ok(())
    }

    /// A record in the array of records, and the comma or the bracket behind it.
    fn record_in_array(&mut self, byte: u8, first: bool) -> Result<(), Error> {
        if byte == b']' {
            if !first {
                return Err(self.trailing_comma());
            }
            self.cursor.advance();
        } else {
            if !self.cursor.record(byte)? {
                return Ok(());
            }
            match self.cursor.peek()? {
                Some(b',') => {
                    self.cursor.advance();
                    self.state = State::Record { first: false };
                    return Ok(());
                }
                Some(b']') => self.cursor.advance(),
                Some(_) => return Err(self.cursor.fail("expected `,` or `]` behind a record")),
                None => return Err(self.cursor.fail("the text ends in the middle of an array")),
            }
        }
        self.leave_records();
        Ok(())
    }

    /// Goes on behind the array of records, or behind a record that is in none.
    fn leave_records(&mut self) {
        if self.kind != Kind::Documents {
            self.cursor.leave_array();
        }
        self.state = State::Behind;
    }

    /// What follows a value on the path or beside it.
    fn behind(&mut self, byte: u8) -> Result<(), Error> {
        match (self.frames.last_mut(), byte) {
            (None, _) => self.state = State::Document,
            (Some(Frame::Object { .. }), b'}') | (Some(Frame::Array { .. }), b']') => {
                return self.leave();
            }
            (Some(Frame::Object { .. }), b',') => {
                self.cursor.advance();
                self.state = State::Member { first: false };
            }
            (Some(Frame::Array { index }), b',') => {
                *index += 1;
                self.cursor.advance();
                self.state = State::Element { first: false };
            }
            (Some(Frame::Object { .. }), _) => {
                return Err(self.cursor.fail("expected `,` or `}` behind a value"));
            }
            (Some(Frame::Array { .. }), _) => {
                return Err(self.cursor.fail("expected `,` or `]` behind a value"));
            }
        }
        Ok(())
    }

    /// Passes the bracket that closes what is on the path.
    fn leave(&mut self) -> Result<(), Error> {
        let last_was_there = matches!(self.state, State::Behind);
        self.cursor.advance();
        if let Some(Frame::Array { index }) = self.frames.pop() {
            let elements = if last_was_there { index + 1 } else { 0 };
            self.reached.array(self.frames.len(), elements);
        }
        self.state = State::Behind;
        Ok(())
    }

    fn trailing_comma(&self) -> Error {
        self.cursor.fail("a comma stands in front of the closing `]`")
    }
}
