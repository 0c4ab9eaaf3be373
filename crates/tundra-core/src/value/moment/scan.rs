//! How one text is written, if it is a date.

use super::{Clock, Half, Join, Layout, Moments, Orders, Separator, Shape, Styles, Zone, ZoneForm};
use crate::value::{
    gap::Gap,
    temporal::{MICROS_PER_DAY, MICROS_PER_SECOND, days, fraction_micros, in_range},
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A text that is a date, with or without a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(super) shape: Shape,
    pub(super) styles: Styles,
    pub(super) orders: Orders,
    year: i32,
    first: i32,
    second: i32,
    /// Since midnight.
    micros: i64,
    /// Minutes east of UTC.
    offset: i32,
}

impl Written {
    /// Returns how it is written.
    pub(crate) fn moments(self) -> Moments {
        Moments { shape: Some(self.shape), styles: self.styles, orders: self.orders }
    }

    /// Returns whether the day is one and the same in whichever order the numbers stand, if that
    /// is open at all.
    pub(crate) fn day_first(self) -> Option<bool> {
        match self.orders {
            Orders::BOTH => (self.first == self.second).then_some(true),
            orders => Some(orders == Orders::DAY_FIRST),
        }
    }

    /// Returns whether the day stands before the month, if both are numbers behind which the year
    /// stands and only one order is possible.
    pub(crate) fn told_order(self) -> Option<bool> {
        let is_told = self.shape.layout == Layout::YearLast && self.orders != Orders::BOTH;
        is_told.then_some(self.orders == Orders::DAY_FIRST)
    }

    /// Returns whether there is a time, and whether there is a zone.
    pub(crate) fn parts(self) -> (bool, bool) {
        (self.shape.clock.is_some(), self.shape.clock.is_some_and(|clock| clock.zone.is_some()))
    }

    /// Returns the days since 1970-01-01, the date read in the order.
    pub(crate) fn days(self, day_first: bool) -> Option<i32> {
        let (month, day) = match self.shape.layout {
            Layout::YearLast if day_first => (self.second, self.first),
            Layout::YearFirst | Layout::YearLast => (self.first, self.second),
            Layout::DayName | Layout::NameDay => (self.second, self.first),
        };
        days(self.year, month, day)
    }

    /// Returns the microseconds since 1970-01-01T00:00:00, without regard to the zone.
    pub(crate) fn local_micros(self, day_first: bool) -> Option<i64> {
        Some(i64::from(self.days(day_first)?) * MICROS_PER_DAY + self.micros)
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z; without a zone it is UTC.
    pub(crate) fn instant_micros(self, day_first: bool) -> Option<i64> {
        in_range(self.local_micros(day_first)? - i64::from(self.offset) * 60 * MICROS_PER_SECOND)
    }
}

/// Reads a date, with or without a time and a zone. Every text that is accepted is one in exactly
/// one shape.
pub(crate) fn scan(text: &[u8]) -> Option<Written> {
    /// `1Jan2020`, and `September 30, 2020, 10:00:00.123456 PM +02:00` with some to spare.
    const LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;
    if !LENGTHS.contains(&text.len()) {
        return None;
    }
    let mut cursor = Cursor(text);
    let mut written = date(&mut cursor)?;
    if !cursor.0.is_empty() {
        time(&mut cursor, &mut written)?;
    }
    let mut possible = 0;
    for order in [Orders::DAY_FIRST, Orders::MONTH_FIRST] {
        let is_open = written.shape.layout == Layout::YearLast || order == Orders::DAY_FIRST;
        if is_open && written.instant_micros(order == Orders::DAY_FIRST).is_some() {
            possible |= order.0;
        }
    }
    written.orders = Orders(possible);
    (possible != 0).then_some(written)
}

fn date(cursor: &mut Cursor<'_>) -> Option<Written> {
    let mut styles = Styles::NONE;
    let (layout, separator, year, first, second);
    if cursor.0.first()?.is_ascii_digit() {
        let digits = cursor.digits()?;
        if digits.len() == 4 {
            layout = Layout::YearFirst;
            year = number(digits);
            separator = cursor.separator()?;
            first = cursor.one_or_two(Styles::FIRST_PADDED, Styles::FIRST_BARE, &mut styles)?;
            cursor.eat(separator.as_str())?;
            second = cursor.one_or_two(Styles::SECOND_PADDED, Styles::SECOND_BARE, &mut styles)?;
        } else {
            first = short(digits, Styles::FIRST_PADDED, Styles::FIRST_BARE, &mut styles)?;
            let named = match cursor.0 {
                [byte, ..] if byte.is_ascii_alphabetic() => Some(Separator::Nothing),
                [b' ', ..] => Some(Separator::Blank),
                [b'-', byte, ..] if byte.is_ascii_alphabetic() => Some(Separator::Dash),
                [b'/', byte, ..] if byte.is_ascii_alphabetic() => Some(Separator::Slash),
                _ => None,
            };
            match named {
                Some(found) => {
                    layout = Layout::DayName;
                    separator = found;
                    cursor.eat(separator.as_str())?;
                    second = cursor.month(&mut styles)?;
                }
                None => {
                    layout = Layout::YearLast;
                    separator = cursor.separator()?;
                    second = cursor.one_or_two(
                        Styles::SECOND_PADDED,
                        Styles::SECOND_BARE,
                        &mut styles,
                    )?;
                }
            }
            cursor.eat(separator.as_str())?;
            year = cursor.year()?;
        }
    } else {
        layout = Layout::NameDay;
        second = cursor.month(&mut styles)?;
        cursor.eat(" ")?;
        first = cursor.one_or_two(Styles::FIRST_PADDED, Styles::FIRST_BARE, &mut styles)?;
        separator = match cursor.0 {
            [b',', ..] => Separator::Comma,
            _ => Separator::Blank,
        };
        cursor.eat(separator.as_str())?;
        year = cursor.year()?;
    }
    let shape = Shape { layout, separator, clock: None };
    Some(Written { shape, styles, orders: Orders::BOTH, year, first, second, micros: 0, offset: 0 })
}

fn time(cursor: &mut Cursor<'_>, written: &mut Written) -> Option<()> {
    let join = match cursor.0 {
        [b' ', ..] => Join::Blank,
        [b'T', ..] => Join::T,
        _ => Join::Comma,
    };
    cursor.eat(join.as_str())?;
    let styles = &mut written.styles;
    let mut hour = cursor.digits()?;
    if hour == b"0" || hour == b"00" {
        // The hour is the only number that may be zero.
        let style = if hour.len() == 1 { Styles::HOUR_BARE } else { Styles::HOUR_PADDED };
        *styles = styles.or(style);
        hour = b"";
    }
    let mut hour = match hour {
        b"" => 0,
        digits => short(digits, Styles::HOUR_PADDED, Styles::HOUR_BARE, styles)?,
    };
    cursor.eat(":")?;
    let minute = cursor.two_below_sixty()?;
    let mut second = 0;
    let mut fraction = 0;
    let seconds = cursor.eat(":").is_some();
    if seconds {
        second = cursor.two_below_sixty()?;
        if cursor.eat(".").is_some() {
            fraction = fraction_micros(cursor.fraction())?;
            *styles = styles.or(Styles::FRACTION);
        }
    }
    let half = cursor.half();
    match half {
        Some((_, is_afternoon)) => {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
        }
        None if hour > 23 => return None,
        None => {}
    }
    let zone = if cursor.0.is_empty() { None } else { Some(cursor.zone()?) };
    if !cursor.0.is_empty() {
        return None;
    }
    written.micros = i64::from((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + fraction;
    written.offset = zone.map_or(0, |(_, offset)| offset);
    written.shape.clock = Some(Clock {
        join,
        seconds,
        half: half.map(|(half, _)| half),
        zone: zone.map(|(zone, _)| zone),
    });
    Some(())
}

/// Reads a number of one or two digits that is not zero.
fn short(digits: &[u8], padded: Styles, bare: Styles, styles: &mut Styles) -> Option<i32> {
    match digits {
        [b'0', ones] if *ones != b'0' => *styles = styles.or(padded),
        [ones] if *ones != b'0' => *styles = styles.or(bare),
        [tens, _] if *tens != b'0' => {}
        _ => return None,
    }
    Some(number(digits))
}

/// Reads a few digits.
fn number(digits: &[u8]) -> i32 {
    digits.iter().fold(0, |sum, byte| sum * 10 + i32::from(byte - b'0'))
}

/// The rest of a text.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn eat(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    /// Takes one to six digits, and none is left behind them.
    fn digits(&mut self) -> Option<&'a [u8]> {
        let count = self.0.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        (1..=6).contains(&count).then_some(digits)
    }

    /// Takes all digits.
    fn fraction(&mut self) -> &'a [u8] {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits
    }

    fn one_or_two(&mut self, padded: Styles, bare: Styles, styles: &mut Styles) -> Option<i32> {
        short(self.digits()?, padded, bare, styles)
    }

    fn two_below_sixty(&mut self) -> Option<i32> {
        let digits = self.digits()?;
        (digits.len() == 2 && digits[0] < b'6').then(|| number(digits))
    }

    fn year(&mut self) -> Option<i32> {
        let digits = self.digits()?;
        (digits.len() == 4).then(|| number(digits))
    }

    /// Takes what stands between two numbers of a date.
    fn separator(&mut self) -> Option<Separator> {
        let found = match self.0.first()? {
            b'/' => Separator::Slash,
            b'-' => Separator::Dash,
            b'.' => Separator::Dot,
            _ => return None,
        };
        self.0 = &self.0[1..];
        Some(found)
    }

    /// Takes the English name of a month.
    fn month(&mut self, styles: &mut Styles) -> Option<i32> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (name, rest) = self.0.split_at_checked(count)?;
        let (first, others) = name.split_first()?;
        let case = match others.first()? {
            b'a'..=b'z' if others.iter().all(u8::is_ascii_lowercase) => Styles::NAME_TITLE,
            _ if others.iter().all(u8::is_ascii_uppercase) => Styles::NAME_UPPER,
            _ => return None,
        };
        if !first.is_ascii_uppercase() {
            return None;
        }
        let is = |month: &str| name.eq_ignore_ascii_case(month.as_bytes());
        let index = MONTHS.iter().position(|month| is(month) || is(&month[..3]))?;
        let length = match (name.len(), MONTHS[index].len()) {
            // `May` is both.
            (3, 3) => Styles::NONE,
            (3, _) => Styles::NAME_SHORT,
            _ => Styles::NAME_FULL,
        };
        *styles = styles.or(case).or(length);
        self.0 = rest;
        i32::try_from(index + 1).ok()
    }

    /// Takes `AM` or `PM`, and says whether it is the latter.
    fn half(&mut self) -> Option<(Half, bool)> {
        let (gap, rest) = Gap::strip_start(self.0);
        let (lower, is_afternoon, rest) = match rest {
            [b'A', b'M', rest @ ..] => (false, false, rest),
            [b'P', b'M', rest @ ..] => (false, true, rest),
            [b'a', b'm', rest @ ..] => (true, false, rest),
            [b'p', b'm', rest @ ..] => (true, true, rest),
            _ => return None,
        };
        self.0 = rest;
        Some((Half { gap, lower }, is_afternoon))
    }

    /// Takes a zone, and returns its minutes east of UTC.
    fn zone(&mut self) -> Option<(Zone, i32)> {
        let is_apart = self.eat(" ").is_some();
        for (word, form) in [("Z", ZoneForm::Z), ("UTC", ZoneForm::Utc), ("GMT", ZoneForm::Gmt)] {
            if self.eat(word).is_some() {
                return Some((Zone { is_apart, form }, 0));
            }
        }
        let (sign, rest) = self.0.split_first()?;
        if !matches!(sign, b'+' | b'-') {
            return None;
        }
        self.0 = rest;
        let digits = self.digits()?;
        let (form, hours, minutes) = match digits.len() {
            2 if self.eat(":").is_some() => {
                (ZoneForm::Colon, number(digits), self.two_below_sixty()?)
            }
            2 => (ZoneForm::Hours, number(digits), 0),
            4 => (ZoneForm::Digits, number(&digits[..2]), number(&digits[2..])),
            _ => return None,
        };
        if hours > 15 || minutes > 59 {
            return None;
        }
        let offset = hours * 60 + minutes;
        Some((Zone { is_apart, form }, if *sign == b'-' { -offset } else { offset }))
    }
}
