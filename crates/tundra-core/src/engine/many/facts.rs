//! What the receipt says of each part.

use sha2::{Digest, Sha256};

use super::{
    look::{LeftOutParts, Looked, Survey},
    part::Part,
    rows::Pass,
};
use crate::{
    Counts, Decision, InputColumn, InputFacts, InputsFacts, SourceFacts,
    engine::{files::hexadecimal, unpack::Member},
};

/// Returns what was decided about all parts alike.
pub(super) fn common_decisions(survey: &Survey) -> Vec<Decision> {
    let mut parts = survey.looked.values();
    let Some(first) = parts.next() else { return Vec::new() };
    let mut common = first.decisions.clone();
    for part in parts {
        common.retain_mut(|decision| {
            let other = part.decisions.iter().find(|other| is_same(other, decision));
            // As sure as the least sure of them.
            decision.confidence =
                other.map_or(decision.confidence, |it| it.confidence.min(decision.confidence));
            other.is_some()
        });
    }
    common
}

fn is_same(one: &Decision, other: &Decision) -> bool {
    one.what == other.what && one.value == other.value
}

/// Returns what the plan says of all parts together.
pub(super) fn source(
    name: &str,
    parts: &[Part],
    survey: &Survey,
    left_out: &LeftOutParts,
) -> SourceFacts {
    let mut digest = Sha256::new();
    let mut size_bytes = 0;
    let mut formats: Vec<&str> = Vec::new();
    let mut before: Option<&str> = None;
    for (number, part) in &survey.looked {
        let Part { location, .. } = &parts[*number];
        let etag = part.info.etag.as_deref().unwrap_or_default();
        let line = format!("{}\t{}\t{etag}\n", parts[*number].name(), part.info.size);
        digest.update(line.as_bytes());
        // Members and sheets of one object stand together.
        if before != Some(location.as_str()) {
            size_bytes += part.info.size;
        }
        before = Some(location.as_str());
        if !formats.contains(&part.format.name()) {
            formats.push(part.format.name());
        }
    }
    SourceFacts {
        location: name.to_owned(),
        format: formats.join(", "),
        size_bytes,
        etag: None,
        database: None,
        inputs: Some(InputsFacts {
            count: survey.looked.len() as u64,
            left_out: left_out.count(),
            digest: hexadecimal(&digest.finalize()),
        }),
    }
}

/// Returns what there is to say of each part.
pub(super) fn of_parts(
    parts: &[Part],
    survey: &Survey,
    common: &[Decision],
    pass: &mut Pass,
    left_out: &LeftOutParts,
) -> Vec<InputFacts> {
    let mut facts = Vec::with_capacity(parts.len());
    for (number, part) in parts.iter().enumerate() {
        let looked = survey.looked.get(&number);
        let tally = pass.tallies.remove(&number).unwrap_or_default();
        let counts = tally.counts;
        let written = counts.decoded - counts.skipped - counts.rejected;
        facts.push(InputFacts {
            location: part.location.clone(),
            member: part.member.as_ref().map(Member::name),
            sheet: part.sheet.clone(),
            format: looked.map(|looked| looked.format.name().to_owned()),
            size_bytes: looked.map_or(0, |looked| looked.info.size),
            etag: looked.and_then(|looked| looked.info.etag.clone()),
            left_out: left_out.reason(number).cloned(),
            counts: Counts { written, ..counts },
            decisions: looked.map_or_else(Vec::new, |looked| of_its_own(looked, common)),
            columns: looked.map_or_else(Vec::new, |looked| columns(looked, survey)),
            events: tally.events,
        });
    }
    facts
}

fn of_its_own(looked: &Looked, common: &[Decision]) -> Vec<Decision> {
    let is_common = |decision: &&Decision| common.iter().any(|other| is_same(other, decision));
    looked.decisions.iter().filter(|decision| !is_common(decision)).cloned().collect()
}

/// Returns the columns that a part has otherwise than all of them together.
fn columns(looked: &Looked, survey: &Survey) -> Vec<InputColumn> {
    let united = &survey.united;
    let mut own = vec![None; united.columns.len()];
    for found in &looked.found {
        if let Some(slot) = united.place(&found.name).and_then(|place| own.get_mut(place)) {
            *slot = Some(found);
        }
    }
    let pairs = united.columns.iter().zip(own);
    pairs
        .filter_map(|(column, own)| match own {
            None => Some(InputColumn {
                name: column.name.clone(),
                source_name: None,
                column_type: None,
                reason: None,
            }),
            Some(found) => {
                let is_alike =
                    found.column_type == column.column_type && found.name == column.source_name;
                (!is_alike).then(|| InputColumn {
                    name: column.name.clone(),
                    source_name: Some(found.name.clone()),
                    column_type: Some(found.column_type.clone()),
                    reason: Some(found.reason.clone()),
                })
            }
        })
        .collect()
}
