//! A column by which rows could be matched, where nobody named one.

use crate::{
    Result,
    engine::{
        copy::Stop,
        diff::{
            columns::Pair,
            open::LoadedPair,
            rows::{count, paired, repeated},
        },
        sql::compare::{self, Side},
    },
};

/// How many columns are looked at closely; each takes passes over both inputs.
const TRIED: usize = 3;

/// The share of different values, as they are estimated, from which on a column may have no value twice. The
/// estimate is off by a few hundredths.
const VARIED: f64 = 0.85;

/// Returns the name of a column that has no nulls and no value twice in either input, and of whose values at
/// least half are in both.
pub(super) fn possible_key(
    loaded: &LoadedPair,
    pairs: &[&Pair],
    stop: &Stop,
) -> Result<Option<String>> {
    let mut candidates: Vec<&Pair> = pairs
        .iter()
        .copied()
        .filter(|pair| pair.columns.iter().all(|it| it.may_be_key()))
        .collect();
    for side in Side::BOTH {
        if candidates.is_empty() {
            return Ok(None);
        }
        let rows = loaded.rows[side as usize];
        let found = loaded.query(&compare::variety(side, &paired(&candidates)), stop)?;
        let mut varied = Vec::new();
        for (at, pair) in candidates.into_iter().enumerate() {
            let (different, there) = (count(&found, 2 * at)?, count(&found, 2 * at + 1)?);
            #[expect(clippy::cast_precision_loss, reason = "the numbers are estimates")]
            let is_varied = different as f64 >= rows as f64 * VARIED;
            if there == rows && is_varied {
                varied.push(pair);
            }
        }
        candidates = varied;
    }
    // What is called like a key comes first; the order of the columns decides what is left.
    candidates.sort_by_key(|pair| !is_called_a_key(pair.name()));
    let smaller = loaded.rows[0].min(loaded.rows[1]);
    for pair in candidates.into_iter().take(TRIED) {
        if is_unique(loaded, pair, stop)? {
            let shared = loaded.query(&compare::shared_values(&pair.paired), stop)?;
            if count(&shared, 0)?.saturating_mul(2) >= smaller {
                return Ok(Some(pair.name().to_owned()));
            }
        }
    }
    Ok(None)
}

fn is_unique(loaded: &LoadedPair, pair: &Pair, stop: &Stop) -> Result<bool> {
    let key = [pair.paired.clone()];
    for side in Side::BOTH {
        if repeated(loaded, side, &key, stop)?.keys > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_called_a_key(name: &str) -> bool {
    let name = name.to_lowercase();
    ["id", "key", "uuid"].iter().any(|word| {
        name.strip_suffix(word).is_some_and(|rest| {
            rest.is_empty() || rest.ends_with(|character: char| !character.is_alphanumeric())
        })
    })
}
