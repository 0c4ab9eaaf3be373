//! One format of numbers: which texts are in it, and its name in the form that spreadsheets have.

use std::{fmt, str::FromStr};

use super::{GROUPS, POINTS, Sign, System, scan::scan, symbol::Dress};
use crate::value::decimal::Decimal;

/// A format of numbers. It is printed as spreadsheets have it: `#,##0.00 €` has groups of three
/// digits and two digits of a fraction; a `#` behind the point is a digit that may be missing. Behind
/// a semicolon stands how negative numbers are written, when it is not with a minus sign before
/// everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FigureFormat {
    pub(super) dress: Option<Dress>,
    pub(super) system: System,
    pub(super) sign: Sign,
    pub(super) least_scale: u8,
    pub(super) scale: u8,
}

impl FigureFormat {
    /// Reads a number. With `exactly` the text must have the symbol, the groups, the sign and at
    /// least the digits of the format; otherwise a number without symbol or groups is one as well, as
    /// long as its point is that of the format.
    pub(crate) fn read(&self, text: &[u8], exactly: bool) -> Option<Decimal> {
        let written = scan(text)?;
        let found = match written.value(self.system) {
            None if !exactly => written.value(System { group: 0, ..self.system }),
            found => found,
        };
        let value = found?;
        let fits = if exactly {
            written.dress() == self.dress
                && (!written.is_negative || written.has_sign(self.sign))
                && (self.least_scale..=self.scale).contains(&value.scale)
        } else {
            written.dress().is_none() || written.dress() == self.dress
        };
        fits.then_some(value)
    }

    /// Returns whether a comma stands before the fraction, and there are fractions.
    pub(crate) fn has_decimal_commas(&self) -> bool {
        self.scale > 0 && self.system.point() == ","
    }

    /// Returns a type with the format, as it is given for a column.
    pub(crate) fn typed(&self) -> String {
        format!("DECIMAL(18,{},{self})", self.scale)
    }

    fn core(&self) -> String {
        let point = if self.scale > 0 { self.system.point() } else { "" };
        let whole = match self.system.group() {
            "" => "0".to_owned(),
            group => format!("#{group}##0"),
        };
        let always = "0".repeat(usize::from(self.least_scale));
        let sometimes = "#".repeat(usize::from(self.scale - self.least_scale));
        format!("{whole}{point}{always}{sometimes}")
    }
}

impl fmt::Display for FigureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = self.core();
        let before = self.dress.map(Dress::before).unwrap_or_default();
        let behind = self.dress.map(Dress::behind).unwrap_or_default();
        write!(f, "{before}{core}{behind}")?;
        match self.sign {
            Sign::First => Ok(()),
            Sign::Inside => write!(f, ";{before}-{core}{behind}"),
            Sign::Parentheses => write!(f, ";({before}{core}{behind})"),
        }
    }
}

/// A text that names no format of numbers that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoFigureFormat;

impl FromStr for FigureFormat {
    type Err = NoFigureFormat;

    fn from_str(text: &str) -> Result<Self, NoFigureFormat> {
        parse(text).ok_or(NoFigureFormat)
    }
}

/// Reads a format as it is printed.
fn parse(text: &str) -> Option<FigureFormat> {
    let (positive, negative) = match text.split_once(';') {
        Some((positive, negative)) => (positive, Some(negative)),
        None => (text, None),
    };
    let (mut dress, mut core) = (None, positive.as_bytes());
    if !core.starts_with(b"#") && !core.starts_with(b"0") {
        let (found, rest) = Dress::strip_start(core)?;
        (dress, core) = (Some(found), rest);
    } else if !core.ends_with(b"#") && !core.ends_with(b"0") {
        let (rest, found) = Dress::strip_end(core)?;
        (dress, core) = (Some(found), rest);
    }
    let core = std::str::from_utf8(core).ok()?;
    let (group, fraction) = match core.strip_prefix('0') {
        Some(fraction) => (0, fraction),
        None => (1..).zip(&GROUPS[1..]).find_map(|(index, group)| {
            let rest = core.strip_prefix('#')?.strip_prefix(group)?;
            Some((index, rest.strip_prefix("##0")?))
        })?,
    };
    // Without a fraction a point is the one that is left.
    let mut point = u8::from(group == 1);
    let (mut least_scale, mut scale) = (0, 0);
    if !fraction.is_empty() {
        let (index, digits) = (0..)
            .zip(POINTS)
            .find_map(|(index, mark)| Some((index, fraction.strip_prefix(mark)?)))?;
        let always = digits.len() - digits.trim_start_matches('0').len();
        if digits.is_empty() || !digits[always..].bytes().all(|byte| byte == b'#') {
            return None;
        }
        point = index;
        least_scale = u8::try_from(always).ok()?;
        scale = u8::try_from(digits.len()).ok()?;
    }
    let system = System { group, point };
    if system.group() == system.point() {
        return None;
    }
    let of_sign = |sign| FigureFormat { dress, system, sign, least_scale, scale };
    match negative {
        None => Some(of_sign(Sign::First)),
        Some(_) => [Sign::Inside, Sign::Parentheses]
            .map(of_sign)
            .into_iter()
            .find(|format| format.to_string() == text),
    }
}
