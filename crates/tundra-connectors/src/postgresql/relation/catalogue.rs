//! The types of a relation, out of the server's catalogue.

use std::fmt::Write;

use crate::postgresql::{
    failure::Failure,
    types::{Catalogue, Spatial, TypeFacts},
    wire::{TextRow, Wire},
};

/// The types with these numbers and all types that they are made of.
const TYPES: &str = "
WITH RECURSIVE needed(oid) AS (
    SELECT pg_catalog.unnest('{OIDS}'::pg_catalog.oid[])
    UNION
    SELECT part.oid
    FROM needed
    JOIN pg_catalog.pg_type AS t ON t.oid = needed.oid
    CROSS JOIN LATERAL (
        SELECT t.typelem AS oid WHERE t.typelem <> 0
        UNION ALL
        SELECT t.typbasetype WHERE t.typbasetype <> 0
        UNION ALL
        SELECT a.atttypid
        FROM pg_catalog.pg_attribute AS a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS part
)
SELECT
    t.oid, pg_catalog.format_type(t.oid, NULL), t.typtype,
    CASE WHEN e.typarray = t.oid THEN t.typelem END, nullif(t.typbasetype, 0), t.typtypmod,
    (
        SELECT n.nspname
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
        WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid
            AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
            AND x.extname = 'postgis' AND t.typname IN ('geometry', 'geography')
    ), t.typname = 'geography'
FROM needed
JOIN pg_catalog.pg_type AS t ON t.oid = needed.oid
LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem";

/// The fields of the composites with these numbers, in their order.
const FIELDS: &str = "
SELECT t.oid, a.attname, a.atttypid, a.atttypmod
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.typrelid
WHERE t.oid = ANY ('{OIDS}'::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY t.oid, a.attnum";

/// The digits behind the point of `money`.
const MONEY_SCALE: &str = "SELECT pg_catalog.scale('0'::money::numeric)";

/// The type `money`.
const MONEY: u32 = 790;

const BROKEN: Failure = Failure::Protocol("a catalogue with other columns than were asked for");

/// Loads these types and all that they are made of.
pub(super) async fn load(wire: &mut Wire, oids: Vec<u32>) -> Result<Catalogue, Failure> {
    let mut catalogue = Catalogue::default();
    for row in wire.ask(&TYPES.replace("{OIDS}", &list(&oids))).await? {
        let [oid, name, sort, element, base, modifier, schema, geography] = array(row)?;
        let base = match number(base)? {
            Some(base) => Some((base, number(modifier)?.unwrap_or(-1))),
            None => None,
        };
        let facts = TypeFacts {
            name: name.unwrap_or_default(),
            sort: sort.and_then(|it| it.bytes().next()).unwrap_or_default(),
            element: number(element)?,
            base,
            fields: Vec::new(),
            spatial: schema
                .map(|schema| Spatial { schema, is_geography: geography.as_deref() == Some("t") }),
        };
        catalogue.types.insert(number(oid)?.ok_or(BROKEN)?, facts);
    }
    let composites: Vec<u32> =
        catalogue.types.iter().filter(|(_, it)| it.sort == b'c').map(|(oid, _)| *oid).collect();
    if !composites.is_empty() {
        for row in wire.ask(&FIELDS.replace("{OIDS}", &list(&composites))).await? {
            let [composite, name, oid, modifier] = array(row)?;
            let composite = number(composite)?.ok_or(BROKEN)?;
            let field = (
                name.unwrap_or_default(),
                number(oid)?.ok_or(BROKEN)?,
                number(modifier)?.unwrap_or(-1),
            );
            if let Some(facts) = catalogue.types.get_mut(&composite) {
                facts.fields.push(field);
            }
        }
    }
    if catalogue.types.contains_key(&MONEY) {
        let rows = wire.ask(MONEY_SCALE).await?;
        catalogue.money_scale = number(rows.into_iter().flatten().next().flatten())?;
    }
    Ok(catalogue)
}

fn list(oids: &[u32]) -> String {
    let mut list = String::from("{");
    for (at, oid) in oids.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        // Writing to a `String` does not fail.
        let _ = write!(list, "{comma}{oid}");
    }
    list.push('}');
    list
}

/// Returns the row as so many columns.
pub(super) fn array<const N: usize>(row: TextRow) -> Result<[Option<String>; N], Failure> {
    row.try_into().map_err(|_| BROKEN)
}

/// Returns the text as a number, or `None` for null.
pub(super) fn number<T: std::str::FromStr>(text: Option<String>) -> Result<Option<T>, Failure> {
    text.map(|text| text.parse().map_err(|_| BROKEN)).transpose()
}
