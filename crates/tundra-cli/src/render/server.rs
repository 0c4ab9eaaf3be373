//! The server, its keys and what its doctor found, for a person.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use tundra_access::{KeyRecord, KeyState};
use tundra_server::tasks::Budget;

use crate::render::{
    counted, moment, one_line, size,
    table::{Head, pairs, table},
};

/// What is said of a server at its start.
#[derive(Debug)]
pub(crate) struct Serving<'a> {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// `dev`, `staging` or `production`, if that was said.
    pub(crate) stage: Option<&'a str>,
    /// Whether each run is a process of its own.
    pub(crate) in_processes: bool,
    /// Its memory.
    pub(crate) budget: Budget,
    /// How long a run may take.
    pub(crate) timeout: Duration,
    /// The catalog.
    pub(crate) catalog: &'a str,
    /// The warehouse.
    pub(crate) warehouse: &'a str,
    /// Where the rest is.
    pub(crate) directory: &'a str,
    /// Whether callers have to say who they are.
    pub(crate) asks: bool,
    /// The machine to which traces are sent, if any are.
    pub(crate) traces: Option<&'a str>,
    /// Whether that was switched off.
    pub(crate) was_told_not_to: bool,
}

/// Returns what is said of a server at its start. Programs read its first line.
pub(crate) fn serving(serving: &Serving<'_>) -> String {
    let Serving { address, stage, in_processes, budget, timeout, .. } = serving;
    let limits = format!(
        "{} at once, each with {} of memory and {}",
        counted(budget.runs.get() as u64, "run"),
        size(budget.memory_per_run),
        minutes(*timeout),
    );
    let isolation = match in_processes {
        true => format!("process; {limits}"),
        false => format!("thread, so that a crash ends the server; {limits}"),
    };
    let authentication = match (serving.asks, serving.was_told_not_to) {
        (true, _) => "on".to_owned(),
        (false, true) => "off, as it was told; whoever reaches it may do everything".to_owned(),
        (false, false) => {
            "off: there are no keys and no tokens, so that whoever reaches it may do \
                           everything; `tundra keys create` makes a key, and callers are \
                           asked from then on"
                .to_owned()
        }
    };
    let mut lines = vec![
        ("isolation", isolation),
        ("catalog", one_line(serving.catalog, None)),
        ("warehouse", one_line(serving.warehouse, None)),
        ("directory", one_line(serving.directory, None)),
        ("authentication", authentication),
    ];
    if address.ip().is_loopback() {
        lines.push(("reached by", "this machine only".to_owned()));
    }
    if let Some(host) = serving.traces {
        lines.push(("traces", format!("sent to {}", one_line(host, None))));
    }
    if let Some(stage) = stage {
        lines.push(("stage", (*stage).to_owned()));
    }
    format!("listening on http://{address}\n{}", pairs(&lines))
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds % 60 {
        0 if seconds > 0 => counted(seconds / 60, "minute"),
        _ => counted(seconds, "second"),
    }
}

/// Returns a table of keys.
pub(crate) fn keys(keys: &[KeyRecord], now: SystemTime, width: Option<u16>) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let optional = |time: Option<SystemTime>| time.map_or_else(|| "-".to_owned(), moment);
    let rows = keys.iter().map(|key| {
        vec![
            key.id.to_string(),
            one_line(&key.name, None),
            key.tenant.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string),
            key.actions.to_string(),
            key_state(key, now).to_owned(),
            moment(key.created_at),
            optional(key.expires_at),
            optional(key.last_used_at),
        ]
    });
    let heads = [
        Head::Word("id"),
        Head::Text("name"),
        Head::Text("organisation"),
        Head::Text("actions"),
        Head::Word("state"),
        Head::Word("made (UTC)"),
        Head::Word("ends"),
        Head::Word("last used"),
    ];
    table(&heads, rows.collect(), width)
}

/// Returns whether a key is of use, in one word.
pub(crate) fn key_state(key: &KeyRecord, now: SystemTime) -> &'static str {
    match key.state(now) {
        KeyState::Valid => "valid",
        KeyState::Expired => "expired",
        KeyState::Revoked => "revoked",
    }
}

/// Returns what has to be known of a key that was made, besides the key itself.
pub(crate) fn key_created(key: &KeyRecord) -> String {
    let organisation = match &key.tenant {
        Some(tenant) => format!("the organisation `{tenant}`"),
        None => "all organisations".to_owned(),
    };
    let end = match key.expires_at {
        Some(end) => format!("until {}", moment(end)),
        None => "until it is revoked".to_owned(),
    };
    format!(
        "this is the only time that the key is shown\n\
         it may {} for {organisation}, {end}\n\
         send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`\n",
        key.actions
    )
}

/// Returns what was done to a key.
pub(crate) fn key_revoked(key: &KeyRecord) -> String {
    format!("revoked `{}`, {}\n", key.id, one_line(&key.name, None))
}

/// What a doctor found out about one thing.
#[derive(Debug)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) name: &'static str,
    /// Whether it is as it should be.
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) detail: String,
    /// What can be done about it.
    pub(crate) hints: Vec<String>,
}

/// Returns what a doctor found.
pub(crate) fn findings(findings: &[Finding]) -> String {
    let width = findings.iter().map(|it| it.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { name, ok, detail, hints } in findings {
        let mark = if *ok { "ok   " } else { "wrong" };
        text.push_str(&format!("{mark}  {name:<width$}  {}\n", one_line(detail, None)));
        for hint in hints {
            text.push_str(&format!("{:>1$}hint: {2}\n", "", width + 9, one_line(hint, None)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doctor_says_what_is_wrong_and_what_can_be_done() {
        let found = [
            Finding {
                name: "catalog",
                ok: true,
                detail: "/data/catalog.db".to_owned(),
                hints: Vec::new(),
            },
            Finding {
                name: "warehouse",
                ok: false,
                detail: "permission denied".to_owned(),
                hints: vec!["name another".to_owned()],
            },
        ];
        insta::assert_snapshot!(findings(&found), @"
        ok     catalog    /data/catalog.db
        wrong  warehouse  permission denied
                          hint: name another
        ");
    }
}
