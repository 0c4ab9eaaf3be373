//! What becomes of a column, and why.

use super::{Evidence, State, claims::Clash, kinds::Kinds};
use crate::{
    ColumnType, MAX_DECIMAL_PRECISION,
    value::{figure::FigureFormat, format::ValueFormat, moment::MomentFormat, words::Pair},
};

/// Digits of a decimal of 64 bits, in which most amounts have room. The precision of a column does
/// not follow its largest value, so that it is the same in the next file.
const USUAL_PRECISION: u8 = 18;

/// A type and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The type.
    pub(crate) column_type: ColumnType,
    /// How its values are written, when that is not the usual way.
    pub(crate) format: Option<ValueFormat>,
    /// Why, as a sentence fragment.
    pub(crate) reason: String,
    /// What could be done for another type, as a sentence fragment.
    pub(crate) advice: Option<String>,
    /// Whether further values could still make it something else than text.
    pub(crate) is_open: bool,
    /// Whether the values can be read in two ways, and further ones could say in which.
    pub(crate) is_undecided: bool,
    /// Values that each are of a type, and together of none.
    pub(crate) clashes: Vec<Clash>,
}

impl Verdict {
    /// Returns whether the values are numbers with decimal commas.
    pub(crate) fn has_decimal_commas(&self) -> bool {
        matches!(self.format, Some(ValueFormat::Figure(format)) if format.has_decimal_commas())
    }
}

/// What all values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Boolean,
    I64,
    U64,
    Double,
    /// More than 64 bits.
    HugeInteger,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Figure {
        format: FigureFormat,
        precision: u8,
        scale: u8,
    },
    Moment(MomentFormat),
    Words(Pair),
}

/// Why a column is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    NoValues,
    /// A value is nothing that those before it are.
    Mixed,
    TooManyDigits,
    NoNumbers,
    /// Words that usually stand for nulls stand beside values of a type, or alone.
    Nulls(Option<Sort>),
    UndecidedFigure([Option<FigureFormat>; 2]),
    UndecidedMoment([MomentFormat; 2]),
    /// Only one of two words.
    HalfPair(Pair),
    /// Integers between parentheses.
    Items,
    /// Numbers or dates that could as well be codes.
    Suspect(ValueFormat),
    /// Integers, and codes such as `5e10` among them.
    Exponents,
}

impl Evidence {
    /// Returns what all values are, or why they are text.
    pub(super) fn decide(&self) -> Result<Sort, Text> {
        if self.values == 0 {
            return Err(Text::NoValues);
        }
        if self.nulls.is_empty() {
            return self.sort();
        }
        if self.steps.is_empty() {
            return Err(Text::Nulls(None));
        }
        self.sort().and_then(|sort| Err(Text::Nulls(Some(sort))))
    }

    fn sort(&self) -> Result<Sort, Text> {
        let State { kinds, figures, moments, words } = self.state;
        let facts = self.facts;
        let digits = facts.whole_digits.saturating_add(facts.scale);
        Ok(if kinds == Kinds::NONE {
            return Err(Text::Mixed);
        } else if kinds.has(Kinds::BOOLEAN) {
            Sort::Boolean
        } else if kinds.has(Kinds::I64) {
            Sort::I64
        } else if kinds.has(Kinds::U64) {
            Sort::U64
        } else if self.beside_commas
            && kinds.has(Kinds::FIGURE)
            && let Some(formats) = figures.undecided()
        {
            return Err(Text::UndecidedFigure(formats));
        } else if facts.fractions && facts.numbers && kinds.has(Kinds::DOUBLE) {
            if facts.bare_exponents && !facts.pointed && !self.are_numbers {
                return Err(Text::Exponents);
            }
            Sort::Double
        } else if kinds.has(Kinds::DECIMAL) && digits <= MAX_DECIMAL_PRECISION {
            match facts.scale {
                0 => Sort::HugeInteger,
                scale => Sort::Decimal { precision: digits.max(1), scale },
            }
        } else if kinds.has(Kinds::DATE) {
            Sort::Date
        } else if kinds.has(Kinds::TIME) {
            Sort::Time
        } else if kinds.has(Kinds::TIMESTAMP) {
            Sort::Timestamp
        } else if kinds.has(Kinds::TIMESTAMPTZ) {
            Sort::TimestampTz
        } else if kinds.has(Kinds::NUMBERS) {
            return Err(if facts.numbers { Text::TooManyDigits } else { Text::NoNumbers });
        } else if kinds.has(Kinds::FIGURE) {
            if let Some(formats) = figures.undecided() {
                return Err(Text::UndecidedFigure(formats));
            }
            if let Some(format) = figures.suspect() {
                return Err(Text::Suspect(ValueFormat::Figure(format)));
            }
            let (format, whole, scale) = figures.format().ok_or(Text::Items)?;
            let precision = match whole + scale {
                0..=USUAL_PRECISION => USUAL_PRECISION,
                digits if digits <= MAX_DECIMAL_PRECISION => MAX_DECIMAL_PRECISION,
                _ => return Err(Text::TooManyDigits),
            };
            Sort::Figure { format, precision, scale }
        } else if kinds.has(Kinds::MOMENT) {
            if let Some(formats) = moments.undecided() {
                return Err(Text::UndecidedMoment(formats));
            }
            if let Some(format) = moments.suspect() {
                return Err(Text::Suspect(ValueFormat::Moment(format)));
            }
            Sort::Moment(moments.format().ok_or(Text::Mixed)?)
        } else {
            match words.pair() {
                Some((pair, true)) => Sort::Words(pair),
                Some((pair, false)) => return Err(Text::HalfPair(pair)),
                None => return Err(Text::Mixed),
            }
        })
    }
}

impl Sort {
    fn column_type(self) -> ColumnType {
        match self {
            Self::Boolean | Self::Words(_) => ColumnType::Boolean,
            Self::I64 => ColumnType::BigInt,
            Self::U64 => ColumnType::UBigInt,
            Self::Double => ColumnType::Double,
            Self::HugeInteger => ColumnType::Decimal { precision: MAX_DECIMAL_PRECISION, scale: 0 },
            Self::Decimal { precision, scale } | Self::Figure { precision, scale, .. } => {
                ColumnType::Decimal { precision, scale }
            }
            Self::Date => ColumnType::Date,
            Self::Time => ColumnType::Time,
            Self::Timestamp => ColumnType::Timestamp,
            Self::TimestampTz => ColumnType::TimestampTz,
            Self::Moment(format) => format.column_type(),
        }
    }

    fn format(self) -> Option<ValueFormat> {
        match self {
            Self::Figure { format, .. } => Some(ValueFormat::Figure(format)),
            Self::Moment(format) => Some(ValueFormat::Moment(format)),
            Self::Words(pair) => Some(ValueFormat::Words(pair)),
            _ => None,
        }
    }

    /// Says what the values are.
    fn describe(self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::I64 => "integers of 64 bits".to_owned(),
            Self::U64 => "integers of 64 bits without a sign".to_owned(),
            Self::Double => "numbers that a double holds".to_owned(),
            Self::HugeInteger => "integers beyond 64 bits, of at most 38 digits".to_owned(),
            Self::Decimal { .. } => "decimals, of which a double would round some".to_owned(),
            Self::Date => "dates, year first".to_owned(),
            Self::Time => "times of day".to_owned(),
            Self::Timestamp => "timestamps without a zone".to_owned(),
            Self::TimestampTz => "timestamps with a zone, kept as instants".to_owned(),
            Self::Figure { format, .. } => format!("numbers written as {format}"),
            Self::Moment(format) => {
                let what = match format.column_type() {
                    ColumnType::Date => "dates",
                    ColumnType::Timestamp => "timestamps without a zone",
                    _ => "timestamps with a zone, kept as instants,",
                };
                let order = match format.order() {
                    Some(true) => ", day first",
                    Some(false) => ", month first",
                    None => "",
                };
                format!("{what} written as {format}{order}")
            }
            Self::Words(pair) => {
                let [yes, no] = pair.words();
                format!("`{yes}` or `{no}`")
            }
        }
    }
}

/// Returns the verdict with its reason.
pub(super) fn explain(evidence: &Evidence) -> Verdict {
    let decision = evidence.decide();
    let (column_type, format) = match decision {
        Ok(sort) => (sort.column_type(), sort.format()),
        Err(_) => (ColumnType::Varchar, None),
    };
    let (reason, advice) = match decision {
        Ok(sort) => {
            let such_as = evidence.example(sort).map(|text| format!(", such as `{text}`"));
            let such_as = such_as.unwrap_or_default();
            let are = match (evidence.values, sort) {
                (1, Sort::Boolean | Sort::Words(_)) => "the only value is".to_owned(),
                (1, _) => "the only value is one of the".to_owned(),
                (count, _) => format!("all {count} values are"),
            };
            (format!("{are} {}{such_as}", sort.describe()), None)
        }
        Err(why) => evidence.why_text(why),
    };
    let is_undecided = matches!(decision, Err(Text::UndecidedFigure(_) | Text::UndecidedMoment(_)));
    let is_final = matches!(decision, Ok(_) | Err(Text::Mixed | Text::TooManyDigits));
    // A word that stands for a null is text, whatever comes.
    let is_open = !is_final && evidence.nulls.is_empty();
    let clashes = evidence.claims.clashes();
    Verdict { column_type, format, reason, advice, is_open, is_undecided, clashes }
}

impl Evidence {
    /// Returns a value that shows a format best: the one since which it is certain.
    fn example(&self, sort: Sort) -> Option<&str> {
        let step = match sort {
            Sort::Figure { .. } => {
                let is_certain = |state: &State| state.figures.format().is_some();
                let is_dressed = |state: &State| !state.kinds.has(Kinds::NUMBERS);
                self.steps.iter().find(|step| is_certain(&step.state) && is_dressed(&step.state))
            }
            Sort::Moment(_) => self.steps.iter().find(|step| step.state.moments.format().is_some()),
            _ => None,
        };
        step.map(|step| step.place.text.as_str())
    }

    fn why_text(&self, why: Text) -> (String, Option<String>) {
        let first = self.steps.first().map_or("", |step| step.place.text.as_str());
        let reason = match why {
            Text::NoValues => "there are no values, only nulls".to_owned(),
            Text::TooManyDigits => "the numbers need more than 38 digits together".to_owned(),
            Text::NoNumbers => "the values are words for numbers that are none".to_owned(),
            Text::Mixed => match self.steps.as_slice() {
                [.., before, step] => format!(
                    "record {} has `{}`, which is no {}",
                    step.place.record,
                    step.place.text,
                    before.state.describe(first)
                ),
                [step] => format!("record {} has `{}`", step.place.record, step.place.text),
                [] => "the values are text".to_owned(),
            },
            Text::Items => {
                format!("integers between parentheses such as `{first}` may be no negative numbers")
            }
            Text::HalfPair(pair) => {
                let [yes, no] = pair.words();
                format!("the values are `{first}` only, not both `{yes}` and `{no}`")
            }
            Text::Suspect(format) => {
                let (what, type_of) = match format {
                    ValueFormat::Figure(format) => ("numbers", format.typed()),
                    ValueFormat::Moment(format) => {
                        ("dates", format!("{}({format})", format.column_type()))
                    }
                    ValueFormat::Words(pair) => ("words", pair.to_string()),
                };
                let reason = format!("values such as `{first}` may be codes and no {what}");
                return (reason, Some(say_if(what, &type_of)));
            }
            Text::Exponents => {
                let shown = self.steps.iter().map(|step| step.place.text.as_str());
                let shown = shown.clone().find(|text| text.contains(['e', 'E'])).unwrap_or(first);
                let reason = format!("`{shown}` among integers may be a code and no number");
                return (reason, Some(say_if("numbers", "DOUBLE")));
            }
            Text::UndecidedMoment([day_first, month_first]) => {
                let kind = day_first.column_type();
                let reason = format!("day and month cannot be told apart, as in `{first}`");
                let types = [day_first, month_first].map(|format| format!("{kind}({format})"));
                return (reason, Some(say_which(types.to_vec())));
            }
            Text::UndecidedFigure(formats) => {
                let shown = self.steps.iter().map(|step| step.place.text.as_str());
                let shown = shown.clone().find(|text| text.contains(['.', ','])).unwrap_or(first);
                let beside = if self.beside_commas {
                    ", because other columns have decimal commas"
                } else {
                    ""
                };
                let reason = format!(
                    "it cannot be told whether thousands or a fraction are set apart in \
                     `{shown}`{beside}"
                );
                let types = formats.iter().flatten().map(FigureFormat::typed).collect();
                return (reason, Some(say_which(types)));
            }
            Text::Nulls(sort) => {
                let Some(place) = self.nulls.first() else { return Default::default() };
                let words: Vec<String> =
                    self.nulls.iter().map(|place| format!("--null '{}'", place.text)).collect();
                let advice = format!("for nulls give {}", words.join(" "));
                let without = match sort {
                    Some(_) => format!(", which is no {}", self.state.describe(first)),
                    None => String::new(),
                };
                return (
                    format!("record {} has `{}`{without}", place.record, place.text),
                    Some(advice),
                );
            }
        };
        (reason, None)
    }
}

impl State {
    /// Names the values that fit what is known, for a reason. `first` is the first of them.
    fn describe(&self, first: &str) -> String {
        let kinds = self.kinds;
        let usual = if kinds.has(Kinds::BOOLEAN) {
            "boolean"
        } else if kinds.has(Kinds::I64.or(Kinds::U64)) {
            "integer"
        } else if kinds.has(Kinds::NUMBERS) {
            "number that is kept without loss"
        } else if kinds.has(Kinds::DATE) {
            "date with its year first"
        } else if kinds.has(Kinds::TIME) {
            "time of day"
        } else if kinds.has(Kinds::TIMESTAMP) {
            "timestamp without a zone"
        } else if kinds.has(Kinds::TIMESTAMPTZ) {
            "timestamp with a zone"
        } else if kinds.has(Kinds::FIGURE) {
            return format!("number written like `{first}`");
        } else if kinds.has(Kinds::MOMENT) {
            return format!("date written like `{first}`");
        } else {
            let Some((pair, _)) = self.words.pair() else { return "text".to_owned() };
            let [yes, no] = pair.words();
            return format!("`{yes}` or `{no}`");
        };
        usual.to_owned()
    }
}

fn say_if(what: &str, kind: &str) -> String {
    format!("if they are {what}, say so with --type 'COLUMN={kind}'")
}

fn say_which(types: Vec<String>) -> String {
    format!("say which with --type 'COLUMN=TYPE', where TYPE is {}", types.join(" or "))
}
