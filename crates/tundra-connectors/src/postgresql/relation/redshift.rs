//! What is to be read from Redshift, as SQL: nothing is measured and no catalogue is asked.
//!
//! Start at [`Relation::prepare_plain`]. The server says the number of each column's type, and those that
//! are known here are decoded: in binary where its form is PostgreSQL's, and otherwise from its text.

use tundra_core::{ExtractRequest, OnLossy};

use crate::postgresql::{
    failure::Failure,
    relation::{Described, Relation, Settled, Wanted, position},
    types::{Cast, Kind, Plan, decimal},
    wire::Wire,
};

impl Relation {
    /// Asks the server about the relation.
    pub(in crate::postgresql) async fn prepare_plain(
        wire: &mut Wire,
        request: &ExtractRequest,
    ) -> Result<Self, Failure> {
        let Described { from, table, all, known, chosen } = Described::find(wire, request).await?;
        let (only, watermark) = match &request.window {
            None => (None, None),
            Some(window) => {
                let column = &known[position(&known, &window.column)?].1;
                let (only, largest) = match &window.after {
                    Some(after) => {
                        let after = plain_literal(after)?;
                        (
                            Some(format!("{column} > {after}")),
                            format!("greatest(max({column}), {after})"),
                        )
                    }
                    None => (None, format!("max({column})")),
                };
                let filter = only.as_ref().map(|it| format!(" WHERE {it}")).unwrap_or_default();
                let sql = format!("SELECT CAST({largest} AS varchar) FROM {from}{filter}");
                let rows = wire.ask(&sql).await?;
                let largest = rows.into_iter().flatten().flatten().next();
                (only, largest.or_else(|| window.after.clone()))
            }
        };
        let (wanted, settled) = chosen
            .into_iter()
            .map(|at| {
                let column = &all[at];
                let (kind, is_text, name) = kind(column.oid, column.modifier);
                let (kind, is_text) = if request.on_lossy == OnLossy::Text && kind.may_be_lossy() {
                    (Kind::Text, true)
                } else {
                    (kind, is_text)
                };
                let wanted = Wanted {
                    name: column.name.clone(),
                    expression: known[at].1.clone(),
                    oid: column.oid,
                    plan: Plan::Known(kind.clone()),
                };
                let reason = format!("the type {name}");
                (wanted, Settled { kind, cast: Cast::Nothing, is_text, reason })
            })
            .unzip();
        Ok(Self::assembled(wanted, settled, from, only, request.limit, table, watermark, known))
    }
}

/// Returns what becomes of a type, whether its text is asked for, and its name.
fn kind(oid: u32, modifier: i32) -> (Kind, bool, &'static str) {
    let (kind, is_text, name) = match oid {
        16 => (Kind::Bool, false, "boolean"),
        20 => (Kind::Int64, false, "bigint"),
        21 => (Kind::Int16, false, "smallint"),
        23 => (Kind::Int32, false, "integer"),
        700 => (Kind::Float32, false, "real"),
        701 => (Kind::Float64, false, "double precision"),
        1114 => (Kind::Timestamp { zone: false }, false, "timestamp"),
        1184 => (Kind::Timestamp { zone: true }, false, "timestamptz"),
        1082 => (Kind::Date, true, "date"),
        1083 => (Kind::Time, true, "time"),
        1700 => (decimal(modifier).unwrap_or(Kind::Text), true, "numeric"),
        4000 => (Kind::Json, true, "super"),
        6551 => (Kind::Bytes, true, "varbyte"),
        2935 => (Kind::Text, true, "hllsketch"),
        3000 | 3999 => (Kind::Text, true, "geometry"),
        3001 => (Kind::Text, true, "geography"),
        _ => (Kind::Text, true, "that is text or is kept as the server prints it"),
    };
    (kind, is_text, name)
}

/// Returns the text as a literal for a server that may take a backslash for the beginning of something.
fn plain_literal(text: &str) -> Result<String, Failure> {
    if text.contains(['\\', '\0']) {
        return Err(Failure::Request(format!(
            "`{text}` has a backslash or a zero byte, so that no window can begin there"
        )));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_cannot_be_left_however_the_server_reads_it() {
        assert_eq!(plain_literal("it's").unwrap(), "'it''s'");
        assert!(plain_literal(r"\' OR 1 = 1 --").is_err());
        assert!(plain_literal("a\0").is_err());
    }

    #[test]
    fn what_only_redshift_has_is_json_bytes_or_text() {
        for (oid, column_type) in [
            (4000, "JSON"),
            (6551, "BLOB"),
            (2935, "VARCHAR"),
            (3000, "VARCHAR"),
            (1043, "VARCHAR"),
            (987_654, "VARCHAR"),
        ] {
            let (kind, is_text, _) = kind(oid, -1);
            assert_eq!((kind.column_type().as_str(), is_text), (column_type, true));
        }
        // numeric(18,4), with the four bytes that PostgreSQL adds.
        assert_eq!(kind(1700, (18 << 16 | 4) + 4).0.column_type(), "DECIMAL(18,4)");
    }
}
