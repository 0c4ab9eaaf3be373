//! Numbers with separators of thousands, a decimal comma, or the symbol of a currency.
//!
//! Start at [`scan`], which says how one text is written and what it can mean. [`Figures`] is what
//! the texts of a column have in common, and [`FigureFormat`] the one format that follows from it.
//! Where `1,234` could be a thousand and some or one and a bit, nothing here decides by habit. Groups
//! have three digits; Indian ones of two are not read, and neither are percentages.

mod format;
mod scan;
mod symbol;

use self::symbol::Dress;
pub(crate) use self::{
    format::FigureFormat,
    scan::{Written, scan},
};

/// What stands between groups of digits; the first is nothing.
const GROUPS: [&str; 8] = ["", ".", ",", " ", "\u{a0}", "\u{202f}", "'", "\u{2019}"];

/// Those of them that stand within identifiers as well.
const LOOSE_GROUPS: [&str; 4] = [".", " ", "'", "\u{2019}"];

/// What stands before the fraction.
const POINTS: [&str; 2] = [".", ","];

/// What separates groups and what separates the fraction: an index of [`GROUPS`] and one of
/// [`POINTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct System {
    group: u8,
    point: u8,
}

impl System {
    fn group(self) -> &'static str {
        GROUPS[usize::from(self.group)]
    }

    fn point(self) -> &'static str {
        POINTS[usize::from(self.point)]
    }
}

/// A set of systems: a bit for each group, eight for each point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Systems(u16);

impl Systems {
    const NONE: Self = Self(0);
    /// All but those in which groups and fractions are separated by the same.
    const ALL: Self = Self(!(1 << 1 | 1 << (8 + 2)));
    const UNGROUPED: Self = Self(1 | 1 << 8);

    const fn only(group: u8, point: u8) -> Self {
        Self(1 << (point * 8 + group))
    }

    /// All systems with the point.
    const fn with_point(point: u8) -> Self {
        Self(Self::ALL.0 & 0xff << (point * 8))
    }

    /// All systems with the group.
    const fn with_group(group: u8) -> Self {
        Self(Self::ALL.0 & (1 << group | 1 << (8 + group)))
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, system: System) -> bool {
        self.and(Self::only(system.group, system.point)) != Self::NONE
    }

    /// Returns the plainest: without groups, and with the point that is one in English.
    fn first(self) -> Option<System> {
        let with_group = |group| (0..2).map(move |point| System { group, point });
        (0..8).flat_map(with_group).find(|system| self.has(*system))
    }
}

/// How negative numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// `-$5`
    First,
    /// `$-5`
    Inside,
    /// `($5)`
    Parentheses,
}

/// Marks of what was seen of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks(u8);

impl Marks {
    const NONE: Self = Self(0);
    const SIGN_FIRST: Self = Self(1);
    const SIGN_INSIDE: Self = Self(1 << 1);
    const PARENTHESES: Self = Self(1 << 2);
    const SIGNS: Self = Self(7);
    /// A point, or a comma: each can separate groups or a fraction.
    const POINT: Self = Self(1 << 3);
    const COMMA: Self = Self(1 << 4);
    const POINTED: Self = Self(Self::POINT.0 | Self::COMMA.0);
    /// A point or a comma of which only one reading is possible.
    const PROVED: Self = Self(1 << 5);
    /// Anything that a plain integer has not: a separator or a symbol.
    const DRESSED: Self = Self(1 << 6);

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn of_sign(sign: Option<Sign>) -> Self {
        match sign {
            None => Self::NONE,
            Some(Sign::First) => Self::SIGN_FIRST,
            Some(Sign::Inside) => Self::SIGN_INSIDE,
            Some(Sign::Parentheses) => Self::PARENTHESES,
        }
    }
}

/// The most and the fewest digits of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digits {
    whole: u8,
    least_scale: u8,
    scale: u8,
}

impl Digits {
    /// Those of no number at all.
    const UNKNOWN: Self = Self { whole: 0, least_scale: u8::MAX, scale: 0 };

    const fn of(whole: u8, scale: u8) -> Self {
        Self { whole, least_scale: scale, scale }
    }

    fn join(self, other: Self) -> Self {
        Self {
            whole: self.whole.max(other.whole),
            least_scale: self.least_scale.min(other.least_scale),
            scale: self.scale.max(other.scale),
        }
    }
}

/// The fewest and the most separators of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GroupCount {
    fewest: u8,
    most: u8,
}

impl GroupCount {
    /// That of no number at all.
    const UNKNOWN: Self = Self { fewest: u8::MAX, most: 0 };

    const fn of(count: u8) -> Self {
        Self { fewest: count, most: count }
    }

    fn join(self, other: Self) -> Self {
        Self { fewest: self.fewest.min(other.fewest), most: self.most.max(other.most) }
    }
}

/// The symbol of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Unknown,
    Missing,
    Is(Dress),
}

/// What the numbers of a column have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    symbol: Symbol,
    systems: Systems,
    marks: Marks,
    /// For each of [`POINTS`], if it is the point.
    digits: [Digits; 2],
    /// Of integers.
    groups: GroupCount,
}

impl Figures {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self = Self {
        symbol: Symbol::Unknown,
        systems: Systems::ALL,
        marks: Marks::NONE,
        digits: [Digits::UNKNOWN; 2],
        groups: GroupCount::UNKNOWN,
    };

    /// Returns what a number says that [`super::decimal`] reads, with digits on both sides of its
    /// point if it has one. `whole` is 0 for a zero before the point.
    pub(crate) fn plain(whole: u8, scale: u8, is_negative: bool) -> Self {
        let mut marks = Marks::of_sign(is_negative.then_some(Sign::First));
        let mut digits = [Digits::of(whole, scale); 2];
        let is_short = whole <= 3;
        let of_point = |point| {
            let ungrouped = Systems::only(0, point);
            if is_short { Systems::with_point(point) } else { ungrouped }
        };
        let mut systems = of_point(0);
        if scale == 0 {
            systems = systems.or(of_point(1));
        } else {
            marks = marks.or(Marks::POINT).or(Marks::DRESSED);
            if scale == 3 && is_short && whole > 0 {
                // `1.234`
                systems = systems.or(Systems::only(1, 1));
                digits[1] = Digits::of(whole + 3, 0);
            } else {
                marks = marks.or(Marks::PROVED);
                digits[1] = Digits::UNKNOWN;
            }
        }
        Self { symbol: Symbol::Missing, systems, marks, digits, groups: GroupCount::of(0) }
    }

    /// Returns what both have in common, or `None` when no format has room for both.
    pub(crate) fn join(self, other: Self) -> Option<Self> {
        let symbol = match (self.symbol, other.symbol) {
            (Symbol::Unknown, symbol) | (symbol, Symbol::Unknown) => symbol,
            (one, two) if one == two => one,
            _ => return None,
        };
        let systems = self.systems.and(other.systems);
        let marks = self.marks.or(other.marks);
        let signs = marks.0 & Marks::SIGNS.0;
        let [one, two] = self.digits;
        let digits = [one.join(other.digits[0]), two.join(other.digits[1])];
        let is_possible = systems != Systems::NONE && signs.count_ones() <= 1;
        let groups = self.groups.join(other.groups);
        is_possible.then_some(Self { symbol, systems, marks, digits, groups })
    }

    /// Returns the format, and the digits that are needed before and behind the point, when there is
    /// one format and what is written in it is nothing but numbers.
    pub(crate) fn format(self) -> Option<(FigureFormat, u8, u8)> {
        self.suspect().is_none().then(|| self.decided())?
    }

    /// Returns the same without regard to what else the values could be.
    fn decided(self) -> Option<(FigureFormat, u8, u8)> {
        // Integers between parentheses are rather numbered items than negative.
        let is_a_number = self.marks.has(Marks::DRESSED) || !self.marks.has(Marks::PARENTHESES);
        let is_decided = self.marks.has(Marks::PROVED) || !self.marks.has(Marks::POINTED);
        let system = self.systems.first()?;
        (is_a_number && is_decided).then(|| self.format_with(system))
    }

    /// Returns the format of what is written like numbers, but could as well be identifiers:
    /// integers of which all have the same number of groups, as versions (`1.100.200`), phone numbers
    /// (`600 123 456`) and postal codes (`560 001`) have; and integers beside a word that is more than
    /// a currency.
    pub(crate) fn suspect(self) -> Option<FigureFormat> {
        let system = self.systems.first()?;
        let (format, _, scale) = self.format_with(system);
        if scale > 0 {
            return None;
        }
        let GroupCount { fewest, most } = self.groups;
        if let Symbol::Is(dress) = self.symbol {
            return (dress.is_word() && most == 0).then_some(format);
        }
        let is_loose = LOOSE_GROUPS.contains(&system.group());
        (is_loose && most > 0 && fewest == most).then_some(format)
    }

    /// Returns the formats in which points or commas separate groups, and in which they separate
    /// fractions, as far as there are such, when no number proves which of them they do.
    pub(crate) fn undecided(self) -> Option<[Option<FigureFormat>; 2]> {
        if !self.marks.has(Marks::POINTED) || self.marks.has(Marks::PROVED) {
            return None;
        }
        let (group, point) = if self.marks.has(Marks::COMMA) { (2, 1) } else { (1, 0) };
        let fraction = self.systems.and(Systems::with_point(point)).first();
        // Numbers without any groups stand beside those with them in many a file, and can be read.
        let grouped = self.systems.and(Systems::with_group(group)).first();
        let grouped = grouped.unwrap_or(System { group, point: 1 - point });
        Some([Some(grouped), fraction].map(|system| Some(self.format_with(system?).0)))
    }

    fn format_with(self, system: System) -> (FigureFormat, u8, u8) {
        let digits = self.digits[usize::from(system.point)];
        let dress = match self.symbol {
            Symbol::Is(dress) => Some(dress),
            Symbol::Missing | Symbol::Unknown => None,
        };
        let sign = if self.marks.has(Marks::PARENTHESES) {
            Sign::Parentheses
        } else if self.marks.has(Marks::SIGN_INSIDE) {
            Sign::Inside
        } else {
            Sign::First
        };
        let least_scale = digits.least_scale.min(digits.scale);
        let format = FigureFormat { dress, system, sign, least_scale, scale: digits.scale };
        (format, digits.whole, digits.scale)
    }
}
