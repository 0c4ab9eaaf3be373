//! Dates and timestamps as people and office programs write them.
//!
//! Start at [`scan`], which says how one text is written and what it can mean. [`Moments`] is what
//! the texts of a column have in common, and [`MomentFormat`] the one format that follows from it.
//! Where `03/04/2020` could be the third of April or the fourth of March, nothing here decides by
//! habit. Years of two digits are not read, because their century would have to be guessed.

mod format;
mod scan;

pub(crate) use self::{
    format::MomentFormat,
    scan::{Written, scan},
};
use crate::value::gap::Gap;

/// How a date, and a time with it, are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    layout: Layout,
    separator: Separator,
    clock: Option<Clock>,
}

/// The order of a date's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `2020/01/28`
    YearFirst,
    /// `28/01/2020`, or `01/28/2020`: which of them it is, [`Orders`] says.
    YearLast,
    /// `28 Jan 2020`
    DayName,
    /// `Jan 28, 2020`
    NameDay,
}

/// What stands between the parts of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Slash,
    Dash,
    Dot,
    Blank,
    /// A blank behind the month, a comma and a blank behind the day.
    Comma,
    Nothing,
}

impl Separator {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Slash => "/",
            Self::Dash => "-",
            Self::Dot => ".",
            Self::Blank => " ",
            Self::Comma => ", ",
            Self::Nothing => "",
        }
    }
}

/// How a time of day is written behind a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    join: Join,
    seconds: bool,
    half: Option<Half>,
    zone: Option<Zone>,
}

/// What stands between a date and a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    Blank,
    T,
    Comma,
}

impl Join {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => " ",
            Self::T => "T",
            Self::Comma => ", ",
        }
    }
}

/// How `AM` and `PM` are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Half {
    gap: Gap,
    lower: bool,
}

/// How a zone is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Zone {
    /// A blank stands before it.
    is_apart: bool,
    form: ZoneForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ZoneForm {
    Z,
    Utc,
    Gmt,
    /// `+02`
    Hours,
    /// `+0200`
    Digits,
    /// `+02:00`
    Colon,
}

/// Which of two numbers is the day: a set of what is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orders(u8);

impl Orders {
    const DAY_FIRST: Self = Self(1);
    const MONTH_FIRST: Self = Self(2);
    const BOTH: Self = Self(3);
}

/// Ways to write one and the same shape, as pairs of bits of which a format has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Styles(u16);

impl Styles {
    const NONE: Self = Self(0);
    /// `05`
    const FIRST_PADDED: Self = Self(1);
    /// `5`
    const FIRST_BARE: Self = Self(1 << 1);
    const SECOND_PADDED: Self = Self(1 << 2);
    const SECOND_BARE: Self = Self(1 << 3);
    const HOUR_PADDED: Self = Self(1 << 4);
    const HOUR_BARE: Self = Self(1 << 5);
    /// `Jan`
    const NAME_SHORT: Self = Self(1 << 6);
    /// `January`
    const NAME_FULL: Self = Self(1 << 7);
    const NAME_TITLE: Self = Self(1 << 8);
    const NAME_UPPER: Self = Self(1 << 9);
    /// A fraction of a second, which may be missing where it is zero: this bit has no other.
    const FRACTION: Self = Self(1 << 10);
    /// The second bits of the pairs.
    const SECONDS_OF_PAIRS: u16 = 0b10_1010_1010;

    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether both of a pair are there.
    fn conflicts(self) -> bool {
        self.0 & Self::SECONDS_OF_PAIRS & (self.0 << 1) != 0
    }

    /// Returns them with those that follow: when one number of a date is written without zeros, so is
    /// the other of which that was not seen.
    fn completed(self) -> Self {
        let first = Self::FIRST_PADDED.or(Self::FIRST_BARE);
        let second = Self::SECOND_PADDED.or(Self::SECOND_BARE);
        if self.has(Self::FIRST_BARE) && self.0 & second.0 == 0 {
            self.or(Self::SECOND_BARE)
        } else if self.has(Self::SECOND_BARE) && self.0 & first.0 == 0 {
            self.or(Self::FIRST_BARE)
        } else {
            self
        }
    }

    /// Returns what texts may not have when these were all that was seen of a column.
    fn forbidden(self) -> Self {
        let second = self.0 & Self::SECONDS_OF_PAIRS;
        let fraction = !self.0 & Self::FRACTION.0;
        Self(second >> 1 | (!second & Self::SECONDS_OF_PAIRS) | fraction)
    }
}

/// What the dates of a column have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moments {
    shape: Option<Shape>,
    styles: Styles,
    orders: Orders,
}

impl Moments {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self =
        Self { shape: None, styles: Styles::NONE, orders: Orders::BOTH };

    /// Returns what both have in common, or `None` when no format has room for both.
    pub(crate) fn join(self, other: Self) -> Option<Self> {
        let shape = match (self.shape, other.shape) {
            (Some(one), Some(two)) if one != two => return None,
            (one, two) => one.or(two),
        };
        let styles = self.styles.or(other.styles);
        let orders = Orders(self.orders.0 & other.orders.0);
        (!styles.conflicts() && orders.0 != 0).then_some(Self { shape, styles, orders })
    }

    /// Returns the format, when there is one.
    pub(crate) fn format(self) -> Option<MomentFormat> {
        match self.orders {
            _ if self.suspect().is_some() => None,
            Orders::BOTH => None,
            orders => self.format_with(orders == Orders::DAY_FIRST),
        }
    }

    /// Returns the format of what is written like dates, but could as well be versions: `2023.1.10`.
    pub(crate) fn suspect(self) -> Option<MomentFormat> {
        let Shape { layout, separator, .. } = self.shape?;
        let is_bare = self.styles.has(Styles::FIRST_BARE) || self.styles.has(Styles::SECOND_BARE);
        let is_version = layout == Layout::YearFirst && separator == Separator::Dot && is_bare;
        is_version.then(|| self.format_with(true))?
    }

    /// Returns the formats with the day first and with the month first, when it is open which of
    /// them is meant.
    pub(crate) fn undecided(self) -> Option<[MomentFormat; 2]> {
        if self.orders != Orders::BOTH {
            return None;
        }
        Some([self.format_with(true)?, self.format_with(false)?])
    }

    fn format_with(self, day_first: bool) -> Option<MomentFormat> {
        Some(MomentFormat::new(self.shape?, self.styles, day_first))
    }

    /// Returns whether the format is one of those that are read without asking, by
    /// [`super::temporal`].
    pub(crate) fn is_iso(self) -> bool {
        let Some(Shape { layout: Layout::YearFirst, separator: Separator::Dash, clock }) =
            self.shape
        else {
            return false;
        };
        let padded = Styles::FIRST_PADDED.or(Styles::SECOND_PADDED);
        match clock {
            None => self.styles.has(padded),
            Some(Clock { join, half, zone, .. }) => {
                let zone = zone.map(|zone| zone.form);
                self.styles.has(padded.or(Styles::HOUR_PADDED))
                    && join != Join::Comma
                    && half.is_none()
                    && !matches!(zone, Some(ZoneForm::Utc | ZoneForm::Gmt))
            }
        }
    }
}
