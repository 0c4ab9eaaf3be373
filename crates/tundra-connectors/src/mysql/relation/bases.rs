//! Which tables a view or a query may read, to see whether they are all under the snapshot.
//!
//! Start at [`without_snapshot`]. Nothing is parsed: a table whose name occurs in the text counts as one
//! that is read, and so do those whose names occur in the text of a view that is. So there may be fewer
//! streams than there could be, and never a mixture of states. A table that this user does not know of,
//! behind a view of somebody else, is not found.

use std::collections::HashSet;

use crate::mysql::{connect::Connection, failure::Failure, relation::text_literal};

/// The most views that are looked into.
const MOST_VIEWS: usize = 100;

/// Returns why several statements may see several states of what is read; nothing when all tables have
/// snapshots.
pub(super) async fn without_snapshot(
    connection: &mut Connection,
    text: &str,
) -> Result<Option<String>, Failure> {
    let mut texts = vec![text.to_owned()];
    let mut seen = HashSet::new();
    while let Some(text) = texts.pop() {
        for row in connection.rows(&named_in(&text)).await? {
            let Ok([Some(schema), Some(name), Some(kind), transactions, definition]) =
                <[Option<String>; 5]>::try_from(row)
            else {
                continue;
            };
            if !occurs(&name, &text) {
                continue;
            }
            let name = format!("`{schema}`.`{name}`");
            if !kind.contains("VIEW") {
                if transactions.as_deref() != Some("YES") {
                    return Ok(Some(format!(
                        "{name} may be read, whose engine has no snapshots, so that only one \
                         statement sees one state"
                    )));
                }
            } else if seen.insert(name.clone()) {
                match definition.filter(|it| !it.is_empty()) {
                    Some(definition) if seen.len() <= MOST_VIEWS => texts.push(definition),
                    Some(_) => return Ok(Some("it reads too many views to look into".to_owned())),
                    None => {
                        return Ok(Some(format!(
                            "what the view {name} reads is not shown to this user, and may have no \
                             snapshots"
                        )));
                    }
                }
            }
        }
    }
    Ok(None)
}

/// Returns the query for the tables and views whose names occur in a text, as a name may stand there.
fn named_in(text: &str) -> String {
    let text = text_literal(&text.to_lowercase());
    format!(
        "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, e.TRANSACTIONS, v.VIEW_DEFINITION FROM information_schema.TABLES t \
         LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE \
         LEFT JOIN information_schema.VIEWS v ON v.TABLE_SCHEMA = t.TABLE_SCHEMA \
         AND v.TABLE_NAME = t.TABLE_NAME \
         WHERE t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') \
         AND (LOCATE(LOWER(t.TABLE_NAME), {text}) > 0 \
         OR LOCATE(LOWER(REPLACE(t.TABLE_NAME, '`', '``')), {text}) > 0)"
    )
}

/// Returns whether a name occurs in a text, in any case, and not as a part of a longer one.
fn occurs(name: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    [name.to_lowercase(), name.to_lowercase().replace('`', "``")].iter().any(|name| {
        text.match_indices(name.as_str()).any(|(at, _)| {
            let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
            let before = text[..at].chars().next_back();
            let behind = text[at + name.len()..].chars().next();
            !before.is_some_and(is_part) && !behind.is_some_and(is_part)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_occurs_as_a_whole() {
        for (name, text, expected) in [
            ("old", "select * from old", true),
            ("Old", "SELECT * FROM `shop`.`OLD`,b", true),
            ("old", "select * from old_rows, told, old$", false),
            ("a`b", "select * from `a``b`", true),
            ("größe", "select * from GRÖSSE, GRÖßE", true),
            ("t", "select 'it'", false),
        ] {
            assert_eq!(occurs(name, text), expected, "{name} {text}");
        }
    }
}
