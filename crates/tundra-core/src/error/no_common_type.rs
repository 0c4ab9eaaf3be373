//! Types of a column that cannot be one.

/// Several inputs have types for a column that cannot be one without loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "column `{column}` is {} in `{}` and {} in `{}`, and no type holds all values of both",
    types[0], inputs[0], types[1], inputs[1]
)]
pub struct NoCommonType {
    /// The column.
    pub column: String,
    /// Two types of it.
    pub types: [String; 2],
    /// An input for each.
    pub inputs: [String; 2],
    /// The type that is given for it, which is not made of both.
    pub given: Option<String>,
}

impl NoCommonType {
    /// Returns the way out.
    pub(super) fn hint(&self) -> String {
        let Self { column, types, given, .. } = self;
        let has = |wanted: &dyn Fn(&str) -> bool| types.iter().any(|kind| wanted(kind));
        match given {
            None if has(&|kind| kind == "DOUBLE") && has(&|kind| kind.ends_with("BIGINT")) => {
                format!(
                    "`--type '{column}=DOUBLE'` makes doubles of the integers and fails at one that no \
                     double holds; `--type '{column}=VARCHAR'` keeps the values of both as text"
                )
            }
            None => format!("`--type '{column}=VARCHAR'` keeps the values of both as text"),
            Some(given) => {
                format!("{given} is made of one type; `--type '{column}=VARCHAR'` is made of any")
            }
        }
    }
}
