//! What a number format makes of a number: a date, a time of day, a duration, or no more than a number.

/// What the cells of a format show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shown {
    /// A number, a percentage, an amount.
    #[default]
    Number,
    /// A date, with or without a time.
    Date,
    /// A time of day.
    Clock,
    /// A duration, such as `[h]:mm`, beyond a day as well.
    Duration,
}

impl Shown {
    /// Returns what the format of this number, built into every program, shows. Some of the formats for
    /// East Asian languages are dates in one language and times in another; they count as dates, and
    /// values below 1 are times nevertheless.
    pub(super) fn built_in(id: u32) -> Self {
        match id {
            14..=17 | 22 | 27..=31 | 34..=36 | 50..=58 => Self::Date,
            18..=21 | 32 | 33 | 45 | 47 => Self::Clock,
            46 => Self::Duration,
            _ => Self::Number,
        }
    }

    /// Returns what a format shows, by its text. Only the section for positive numbers counts.
    pub(super) fn of_code(code: &str) -> Self {
        let mut characters = code.chars();
        let (mut day, mut month, mut clock, mut digits) = (false, false, false, false);
        while let Some(character) = characters.next() {
            match character {
                ';' => break,
                // The next character stands for itself, for its width or for filling up.
                '\\' | '_' | '*' => drop(characters.next()),
                '"' => while characters.next().is_some_and(|inner| inner != '"') {},
                '[' => {
                    let inner: String = characters.by_ref().take_while(|it| *it != ']').collect();
                    let inner = inner.to_ascii_lowercase();
                    let is_run = |unit: char| inner.chars().all(|it| it == unit);
                    if !inner.is_empty() && (is_run('h') || is_run('m') || is_run('s')) {
                        return Self::Duration;
                    }
                }
                'y' | 'Y' | 'd' | 'D' => day = true,
                'h' | 'H' | 's' | 'S' => clock = true,
                'm' | 'M' => month = true,
                '#' | '?' => digits = true,
                // The name of the usual format has none of the letters but an `e`.
                _ => {}
            }
        }
        match (day, clock, month) {
            _ if digits && !day && !clock => Self::Number,
            (true, ..) | (false, false, true) => Self::Date,
            (false, true, _) => Self::Clock,
            (false, false, false) => Self::Number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_what_they_show() {
        for (code, shown) in [
            ("General", Shown::Number),
            ("0.00%", Shown::Number),
            ("#,##0.00\\ \"days\"", Shown::Number),
            ("_-* #,##0.00\\ _€_-;-* #,##0.00\\ _€_-", Shown::Number),
            ("0.00E+00", Shown::Number),
            ("[Red]0;[Blue]-0", Shown::Number),
            ("[$-409]d\\-mmm\\-yy;@", Shown::Date),
            ("yyyy-mm-dd hh:mm:ss", Shown::Date),
            ("mmm", Shown::Date),
            ("0;dd/mm/yyyy", Shown::Number),
            ("h:mm AM/PM", Shown::Clock),
            ("mm:ss.0", Shown::Clock),
            ("[h]:mm", Shown::Duration),
            ("[mm]:ss", Shown::Duration),
            ("\"", Shown::Number),
            ("[", Shown::Number),
            ("\\", Shown::Number),
        ] {
            assert_eq!(Shown::of_code(code), shown, "{code}");
        }
        assert_eq!(Shown::built_in(14), Shown::Date);
        assert_eq!(Shown::built_in(46), Shown::Duration);
        assert_eq!(Shown::built_in(10), Shown::Number);
    }
}
