//! What the packets of the protocol mean: columns, ends, errors.
//!
//! Everything here reads from a slice and copies what it keeps. Rows are not read here but in
//! [`super::decode`].

use std::fmt;

use super::wire::WireError;

/// A type as the protocol numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireType {
    Tiny,
    Short,
    Int24,
    Long,
    LongLong,
    Float,
    Double,
    Decimal,
    Null,
    Date,
    DateTime,
    Timestamp,
    Time,
    Year,
    Bit,
    Json,
    Enum,
    Set,
    Geometry,
    Vector,
    /// Character strings, and byte strings where the character set is [`BINARY`].
    String,
    /// A number that is not known.
    Other(u8),
}

/// The number of the character set of bytes.
pub(super) const BINARY: u16 = 63;

/// A column of a result, as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WireColumn {
    pub(super) name: String,
    pub(super) kind: WireType,
    pub(super) charset: u16,
    /// The width in the characters of the text form.
    pub(super) length: u32,
    pub(super) decimals: u8,
    pub(super) unsigned: bool,
    pub(super) not_null: bool,
    pub(super) zerofill: bool,
    pub(super) is_enum: bool,
    pub(super) is_set: bool,
    /// What MariaDB says beyond the number: `uuid`, `inet6`, `point`, `json`.
    pub(super) extended: Option<String>,
}

impl WireColumn {
    const NOT_NULL: u16 = 0x0001;
    const UNSIGNED: u16 = 0x0020;
    const ZEROFILL: u16 = 0x0040;
    const ENUM: u16 = 0x0100;
    const SET: u16 = 0x0800;

    /// Reads a column's description; `extended` says that both sides agreed on MariaDB's addition.
    pub(super) fn parse(packet: &[u8], extended: bool) -> Result<Self, WireError> {
        let mut input = Input::new(packet);
        for _catalog_schema_table_origin in 0..4 {
            input.lenenc_bytes()?;
        }
        let name = String::from_utf8_lossy(input.lenenc_bytes()?).into_owned();
        input.lenenc_bytes()?;
        let kind_name = if extended { extended_name(input.lenenc_bytes()?)? } else { None };
        // The length of what follows, which is 12 for ever.
        input.lenenc()?;
        let charset = input.u16()?;
        let length = input.u32()?;
        let kind = WireType::of(input.u8()?);
        let flags = input.u16()?;
        let decimals = input.u8()?;
        Ok(Self {
            name,
            kind,
            charset,
            length,
            decimals,
            unsigned: flags & Self::UNSIGNED != 0,
            not_null: flags & Self::NOT_NULL != 0,
            zerofill: flags & Self::ZEROFILL != 0,
            is_enum: flags & Self::ENUM != 0,
            is_set: flags & Self::SET != 0,
            extended: kind_name,
        })
    }
}

/// Reads MariaDB's name of a type: pieces with a number each, of which 0 is the type's name and 1 its
/// format, where a JSON column says `json`.
fn extended_name(bytes: &[u8]) -> Result<Option<String>, WireError> {
    let mut input = Input::new(bytes);
    let mut name = None;
    while !input.is_empty() {
        input.u8()?;
        let text = String::from_utf8_lossy(input.lenenc_bytes()?).into_owned();
        name = name.or(Some(text));
    }
    Ok(name)
}

impl WireType {
    fn of(number: u8) -> Self {
        match number {
            0 | 246 => Self::Decimal,
            1 => Self::Tiny,
            2 => Self::Short,
            3 => Self::Long,
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::Null,
            7 | 17 => Self::Timestamp,
            8 => Self::LongLong,
            9 => Self::Int24,
            10 | 14 => Self::Date,
            11 | 19 => Self::Time,
            12 | 18 => Self::DateTime,
            13 => Self::Year,
            15 | 249..=254 => Self::String,
            16 => Self::Bit,
            242 => Self::Vector,
            245 => Self::Json,
            247 => Self::Enum,
            248 => Self::Set,
            255 => Self::Geometry,
            other => Self::Other(other),
        }
    }
}

/// An error as the server says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerError {
    pub(super) code: u16,
    /// Five characters of the standard; empty before the handshake is over.
    pub(super) state: String,
    pub(super) message: String,
}

impl std::error::Error for ServerError {}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, state, message } = self;
        if state.is_empty() {
            write!(f, "ERROR {code}: {message}")
        } else {
            write!(f, "ERROR {code} ({state}): {message}")
        }
    }
}

impl ServerError {
    /// Tells whether the user may not read a table, or a column of it.
    pub(super) const fn is_denied(&self) -> bool {
        matches!(self.code, 1142 | 1143)
    }

    /// Reads an error packet, its first byte included.
    pub(super) fn parse(packet: &[u8]) -> Result<Self, WireError> {
        /// The bytes that are kept: a server's own words are fewer, and nobody reads more.
        const MOST_WORDS: usize = 4096;
        let mut input = Input::new(packet);
        input.u8()?;
        let code = input.u16()?;
        let rest = input.rest();
        let (state, message) = match rest.split_first_chunk::<6>() {
            Some((&[b'#', ref state @ ..], message)) => (state.as_slice(), message),
            _ => (&[][..], rest),
        };
        Ok(Self {
            code,
            state: String::from_utf8_lossy(state).into_owned(),
            message: String::from_utf8_lossy(&message[..message.len().min(MOST_WORDS)])
                .trim_end()
                .to_owned(),
        })
    }
}

/// What the server says when an answer is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct End {
    /// Flags of the session.
    pub(super) status: u16,
}

impl End {
    /// More results follow.
    pub(super) const MORE_RESULTS: u16 = 0x0008;
    /// The transaction can only read.
    pub(super) const READ_ONLY: u16 = 0x2000;

    /// Reads an OK packet, under whichever first byte.
    pub(super) fn ok(packet: &[u8]) -> Result<Self, WireError> {
        let mut input = Input::new(packet);
        input.u8()?;
        let _affected = input.lenenc()?;
        let _last_id = input.lenenc()?;
        Ok(Self { status: input.u16()? })
    }

    /// Reads what stands behind the last row: an EOF packet, or where both sides agreed an OK packet
    /// with the same first byte.
    pub(super) fn rows(packet: &[u8], deprecate_eof: bool) -> Result<Self, WireError> {
        if deprecate_eof {
            return Self::ok(packet);
        }
        let mut input = Input::new(packet);
        input.u8()?;
        let _warnings = input.u16()?;
        Ok(Self { status: input.u16()? })
    }
}

/// The first byte of an error.
pub(super) const ERR: u8 = 0xFF;
/// The first byte of what stands behind the last row.
pub(super) const EOF: u8 = 0xFE;
/// The first byte of a request for a file of ours.
pub(super) const LOCAL_INFILE: u8 = 0xFB;

/// A slice that is read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(&'a [u8]);

const SHORT: WireError = WireError::Protocol("a packet is too short");

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*head)
    }

    #[inline]
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(head)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Reads an integer whose first byte tells its length.
    #[inline]
    pub(super) fn lenenc(&mut self) -> Result<u64, WireError> {
        match self.u8()? {
            short @ 0..=0xFA => Ok(u64::from(short)),
            0xFC => Ok(u64::from(self.u16()?)),
            0xFD => {
                let [a, b, c] = self.array()?;
                Ok(u64::from(u32::from_le_bytes([a, b, c, 0])))
            }
            0xFE => Ok(u64::from_le_bytes(self.array()?)),
            _ => Err(WireError::Protocol("a length is none")),
        }
    }

    /// Reads bytes behind their length.
    #[inline]
    pub(super) fn lenenc_bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.lenenc()?).map_err(|_| SHORT)?;
        self.bytes(length)
    }
}

/// Reads a row of text, as answers to our own questions come.
pub(super) fn text_row(packet: &[u8], columns: usize) -> Result<Vec<Option<String>>, WireError> {
    const NULL: u8 = 0xFB;
    let mut input = Input::new(packet);
    (0..columns)
        .map(|_| {
            if input.rest().first() == Some(&NULL) {
                input.u8()?;
                return Ok(None);
            }
            Ok(Some(String::from_utf8_lossy(input.lenenc_bytes()?).into_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenenc_text(text: &str) -> Vec<u8> {
        let mut bytes = vec![text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    fn column(kind: u8, extended: Option<&[u8]>) -> Vec<u8> {
        let mut packet = Vec::new();
        for text in ["def", "shop", "o", "orders", "Größe", "size"] {
            packet.extend(lenenc_text(text));
        }
        if let Some(extended) = extended {
            packet.push(extended.len() as u8);
            packet.extend_from_slice(extended);
        }
        packet.push(12);
        packet.extend_from_slice(&45_u16.to_le_bytes());
        packet.extend_from_slice(&17_u32.to_le_bytes());
        packet.push(kind);
        packet.extend_from_slice(&0x0021_u16.to_le_bytes());
        packet.push(2);
        packet.extend_from_slice(&[0, 0]);
        packet
    }

    #[test]
    fn reads_a_columns_description() {
        let column = WireColumn::parse(&column(246, None), false).expect("a description");
        assert_eq!(column.name, "Größe");
        assert_eq!(column.kind, WireType::Decimal);
        assert_eq!((column.charset, column.length, column.decimals), (45, 17, 2));
        assert!(column.unsigned && column.not_null && !column.zerofill);
        assert_eq!(column.extended, None);
    }

    #[test]
    fn reads_mariadbs_names_of_types() {
        let packet = column(254, Some(b"\x00\x04uuid"));
        let column = WireColumn::parse(&packet, true).expect("a description");
        assert_eq!(column.extended.as_deref(), Some("uuid"));
        let packet = self::column(254, Some(b""));
        let column = WireColumn::parse(&packet, true).expect("a description");
        assert_eq!(column.extended, None);
    }

    #[test]
    fn refuses_a_description_that_is_cut_off() {
        let packet = column(246, None);
        for length in 0..packet.len() - 2 {
            assert!(WireColumn::parse(&packet[..length], false).is_err(), "{length}");
        }
    }

    #[test]
    fn keeps_the_servers_words() {
        let error = ServerError::parse(b"\xff\x7a\x04#42S02Table 'shop.x' doesn't exist")
            .expect("an error packet");
        assert_eq!(error.to_string(), "ERROR 1146 (42S02): Table 'shop.x' doesn't exist");
        let early =
            ServerError::parse(b"\xff\x10\x04Too many connections").expect("an error packet");
        assert_eq!(early.to_string(), "ERROR 1040: Too many connections");
    }

    #[test]
    fn reads_both_ends_of_rows() {
        let old = End::rows(&[EOF, 3, 0, 0x22, 0x20], false).expect("an EOF packet");
        let new = End::rows(&[EOF, 0, 0, 0x22, 0x20, 3, 0], true).expect("an OK packet");
        assert_eq!(old, new);
        assert_eq!(old.status & End::READ_ONLY, End::READ_ONLY);
    }

    #[test]
    fn reads_lengths_of_every_width() {
        for (bytes, value) in [
            (&[0xFA_u8][..], 250_u64),
            (&[0xFC, 0xFB, 0x00], 251),
            (&[0xFD, 0x00, 0x00, 0x01], 65_536),
            (&[0xFE, 0, 0, 0, 1, 0, 0, 0, 0], 1 << 24),
        ] {
            assert_eq!(Input::new(bytes).lenenc().expect("a length"), value);
        }
        assert!(Input::new(&[0xFB]).lenenc().is_err());
        assert!(Input::new(&[0xFF]).lenenc().is_err());
    }

    #[test]
    fn reads_rows_of_text() {
        let row = text_row(b"\x01a\xfb\x00", 3).expect("a row");
        assert_eq!(row, [Some("a".to_owned()), None, Some(String::new())]);
        assert!(text_row(b"\x05a", 1).is_err());
    }
}
