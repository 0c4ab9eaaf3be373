//! Columns that have a type in each input already, as those of Parquet files do.
//!
//! Start at [`TypedSeen`]. No value is looked at: a column becomes what [`widened`] says of its types, or what
//! is given for it.

use crate::{
    ColumnPlan, ColumnType, ConvertOptions, Error, NoCommonType, TypePolicy,
    read::{table::ColumnOptions, widen::widened},
    readers::Kind,
};

/// A column of one input.
#[derive(Debug, Clone)]
pub(crate) struct TypedColumn {
    /// Its name in the input.
    pub(crate) written: String,
    /// Its type. Nothing but nulls is of no type.
    pub(crate) kind: Kind,
    /// Its type in the words of the engine, where `kind` does not say all of it.
    pub(crate) exact: Option<String>,
}

/// The columns of all inputs, by their places.
#[derive(Debug, Default)]
pub(crate) struct TypedSeen {
    columns: Vec<Column>,
}

#[derive(Debug, Default)]
struct Column {
    kinds: Vec<Typed>,
    spellings: Vec<String>,
}

/// A type that inputs have for a column.
#[derive(Debug)]
struct Typed {
    kind: Kind,
    exact: Option<String>,
    /// The first input that has it.
    first: String,
}

/// A column of all inputs, and how it is read of each.
#[derive(Debug, Clone)]
pub(crate) struct ReadColumn {
    /// What inputs call it: more than one name where they differ in letters whose case the engine minds.
    pub(crate) spellings: Vec<String>,
    /// The type that it is read as.
    pub(crate) kind: Kind,
    /// The same in the words of the engine.
    pub(crate) read_as: String,
    /// The type that it becomes then, if it is given one.
    pub(crate) given: Option<ColumnType>,
    /// It is the text of integers and doubles, which becomes doubles.
    pub(crate) is_numbers: bool,
}

impl TypedSeen {
    /// Adds the columns of an input, which have these places.
    pub(crate) fn add(&mut self, input: &str, columns: Vec<TypedColumn>, places: &[usize]) {
        for (column, place) in columns.into_iter().zip(places) {
            if self.columns.len() <= *place {
                self.columns.resize_with(place + 1, Column::default);
            }
            let TypedColumn { written, kind, exact } = column;
            let known = &mut self.columns[*place];
            if !known.spellings.iter().any(|other| other.eq_ignore_ascii_case(&written)) {
                known.spellings.push(written);
            }
            let is_same = |other: &Typed| other.kind == kind && other.exact == exact;
            if kind != Kind::Null && !known.kinds.iter().any(is_same) {
                known.kinds.push(Typed { kind, exact, first: input.to_owned() });
            }
        }
    }

    /// Decides what each column becomes. `input` is what errors call all inputs together.
    ///
    /// # Errors
    /// Fails when an option does not fit, and when no type holds the values of all inputs.
    pub(crate) fn finish(
        &self,
        names: &[String],
        options: &ConvertOptions,
        input: &str,
    ) -> Result<(Vec<ColumnPlan>, Vec<ReadColumn>), Error> {
        let column_options = ColumnOptions::new(options, names, input)?;
        let text = (options.types == TypePolicy::Text).then_some(ColumnType::Varchar);
        let mut plans = Vec::with_capacity(names.len());
        let mut columns = Vec::with_capacity(names.len());
        for (name, column) in names.iter().zip(&self.columns) {
            let wanted = column_options.wanted(name);
            if let Some(format) = wanted.and_then(|wanted| wanted.format) {
                return Err(Error::Request {
                    message: format!(
                        "column `{name}` is given the format `{format}`, and the values of \
                         Parquet files have none"
                    ),
                    hint: Some("leave the format away; formats are for text".to_owned()),
                });
            }
            let given = wanted.map(|wanted| wanted.column_type.clone()).or_else(|| text.clone());
            let (read, reason) = column.read(name, given)?;
            let shown = read.given.as_ref().map_or_else(|| shown(&read.kind), ToString::to_string);
            plans.push(ColumnPlan {
                name: column_options.name_of(name).to_owned(),
                source_name: name.clone(),
                column_type: shown,
                format: None,
                reason: reason.to_owned(),
            });
            columns.push(read);
        }
        Ok((plans, columns))
    }
}

impl Column {
    fn read(
        &self,
        name: &str,
        given: Option<ColumnType>,
    ) -> Result<(ReadColumn, &'static str), Error> {
        let read = |kind: Kind, read_as: String, given: Option<ColumnType>| ReadColumn {
            spellings: self.spellings.clone(),
            kind,
            read_as,
            given,
            is_numbers: false,
        };
        let is_numbers = given == Some(ColumnType::Double) && self.are_numbers();
        if self.kinds.len() > 1 && (given == Some(ColumnType::Varchar) || is_numbers) {
            // Of each type as text, and not as text of what holds all types.
            let read = read(Kind::Text, ColumnType::Varchar.to_string(), given);
            return Ok((ReadColumn { is_numbers, ..read }, "given"));
        }
        let Some((first, others)) = self.kinds.split_first() else {
            let kind = Kind::Null.rewritten();
            let read_as = shown(&kind);
            return Ok((read(kind, read_as, given), "it has no values"));
        };
        let mut common = Some(first.kind.clone());
        for (at, other) in others.iter().enumerate() {
            // What is said in the engine's words differs in what nobody knows here.
            let plain = |it: &Typed| it.exact.is_none();
            common = common
                .filter(|_| plain(first) && plain(other))
                .and_then(|common| widened(&common, &other.kind))
                .filter(|common| common.rewritten().sql().is_some());
            if common.is_none() {
                return Err(self.no_common_type(name, &self.kinds[..=at], other, given.as_ref()));
            }
        }
        let kind = common.unwrap_or(Kind::Null).rewritten();
        let read_as = first.exact.clone().or_else(|| kind.sql());
        let read_as = read_as
            .ok_or_else(|| Error::Internal(format!("column `{name}` has a type without a name")))?;
        let reason = match (&given, others.is_empty()) {
            (Some(_), _) => "given",
            (None, true) => "as in the inputs",
            (None, false) => "the smallest type that holds all of them",
        };
        Ok((read(kind, read_as, given), reason))
    }

    /// Returns whether all of them are integers and doubles, of which the engine's texts are exact and tell
    /// one from the other.
    fn are_numbers(&self) -> bool {
        self.kinds.iter().all(|typed| matches!(typed.kind, Kind::Int { .. } | Kind::Double))
    }

    /// Names two types that cannot be one, the second being that of `other`.
    fn no_common_type(
        &self,
        name: &str,
        before: &[Typed],
        other: &Typed,
        given: Option<&ColumnType>,
    ) -> Error {
        let is_apart = |it: &&Typed| widened(&it.kind, &other.kind).is_none();
        let one = before.iter().find(is_apart).or(before.first()).unwrap_or(other);
        Error::NoCommonType(Box::new(NoCommonType {
            column: name.to_owned(),
            types: [shown(&one.kind), shown(&other.kind)],
            inputs: [one.first.clone(), other.first.clone()],
            given: given.map(ToString::to_string),
        }))
    }
}

/// Returns the type as it is shown; what is of no type is written as integers.
pub(crate) fn shown(kind: &Kind) -> String {
    kind.rewritten().sql().unwrap_or_else(|| kind.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: &str) -> TypedColumn {
        let kind = match kind {
            "NULL" => Kind::Null,
            kind => Kind::of_engine(&kind.parse().unwrap()),
        };
        TypedColumn { written: name.to_owned(), kind, exact: None }
    }

    fn united(kinds: &[&str], options: &ConvertOptions) -> Result<(ColumnPlan, ReadColumn), Error> {
        let mut seen = TypedSeen::default();
        for (kind, input) in kinds.iter().zip(["a", "b", "c", "d"]) {
            seen.add(input, vec![column("x", kind)], &[0]);
        }
        let (mut plans, mut columns) = seen.finish(&["x".to_owned()], options, "all")?;
        Ok((plans.remove(0), columns.remove(0)))
    }

    fn given(kind: &str) -> ConvertOptions {
        let type_overrides = vec![("x".to_owned(), kind.parse().unwrap())];
        ConvertOptions { type_overrides, ..ConvertOptions::default() }
    }

    #[test]
    fn a_column_is_read_as_what_holds_all_of_its_types() {
        for (kinds, expected) in [
            (&["BIGINT", "BIGINT"][..], "BIGINT"),
            (&["INTEGER", "NULL", "SMALLINT", "DOUBLE"], "DOUBLE"),
            (&["NULL", "DATE"], "DATE"),
            (&["NULL", "NULL"], "INTEGER"),
        ] {
            let (plan, read) = united(kinds, &ConvertOptions::default()).unwrap();
            assert_eq!((plan.column_type.as_str(), read.read_as.as_str()), (expected, expected));
            assert_eq!(read.given, None);
        }
    }

    #[test]
    fn types_that_cannot_be_one_are_named_with_an_input_each() {
        let error = united(&["INTEGER", "BIGINT", "NULL", "DOUBLE"], &ConvertOptions::default());
        assert_eq!(
            error.unwrap_err().to_string(),
            "column `x` is BIGINT in `b` and DOUBLE in `d`, and no type holds all values of both"
        );
        let error = united(&["INTEGER", "VARCHAR"], &given("DATE")).unwrap_err();
        assert!(matches!(&error, Error::NoCommonType(it) if it.given.is_some()), "{error:?}");
    }

    #[test]
    fn what_is_given_is_made_of_what_holds_all_and_text_of_each() {
        let (plan, read) = united(&["INTEGER", "BIGINT"], &given("SMALLINT")).unwrap();
        assert_eq!((plan.column_type.as_str(), read.read_as.as_str()), ("SMALLINT", "BIGINT"));
        let (plan, read) = united(&["INTEGER", "DOUBLE"], &given("VARCHAR")).unwrap();
        assert_eq!((plan.column_type.as_str(), read.read_as.as_str()), ("VARCHAR", "VARCHAR"));
        united(&["VARCHAR", "DATE"], &given("VARCHAR")).unwrap();
    }

    #[test]
    fn types_that_only_the_engine_tells_apart_are_no_one_type() {
        let mut seen = TypedSeen::default();
        for (input, exact) in [("a", "GEOMETRY"), ("b", "GEOMETRY('EPSG:25832')")] {
            let exact = Some(exact.to_owned());
            let column = TypedColumn { written: "x".to_owned(), kind: Kind::Geometry, exact };
            seen.add(input, vec![column], &[0]);
        }
        let error = seen.finish(&["x".to_owned()], &ConvertOptions::default(), "all").unwrap_err();
        assert!(matches!(error, Error::NoCommonType(_)), "{error:?}");
    }

    #[test]
    fn names_are_kept_that_differ_in_more_than_ascii() {
        let mut seen = TypedSeen::default();
        for (input, name) in [("a", "Größe"), ("b", "GRÖSSE"), ("c", "größe"), ("d", "GRÖße")]
        {
            seen.add(input, vec![column(name, "DATE")], &[0]);
        }
        let (_, columns) =
            seen.finish(&["Größe".to_owned()], &ConvertOptions::default(), "all").unwrap();
        assert_eq!(columns[0].spellings, ["Größe", "GRÖSSE", "GRÖße"]);
    }
}
