//! `tundra keys`: creates, lists and revokes the API keys of the server.

use std::time::SystemTime;

use serde_json::{Value, json};
use tundra_access::{KeyRecord, KeyStore, NewKey, SqliteKeys, issue};
use tundra_core::{Scope, TenantId};

use crate::{
    args::{CreateKeyArgs, KeyStoreArgs, KeysCommand, ListKeysArgs, RevokeKeyArgs, WebhookKeyArgs},
    catalogs, env,
    failure::Failure,
    printer::Printer,
    render, service, session,
};

/// Keys that are asked for at once.
const PAGE: usize = 500;

/// Does what was asked with keys.
///
/// # Errors
/// Fails when a key makes no sense or is not there, and when the keys cannot be used.
pub(crate) fn run(command: KeysCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(args) => create(args, printer),
        KeysCommand::List(args) => list(args, printer),
        KeysCommand::Revoke(args) => revoke(args, printer),
        KeysCommand::Webhook(args) => webhook(args, printer),
    }
}

fn create(args: CreateKeyArgs, printer: &Printer) -> Result<(), Failure> {
    let CreateKeyArgs { name, org, actions, expires_in, json, store } = args;
    let now = SystemTime::now();
    let expires_at = match expires_in {
        Some(time) => Some(now.checked_add(time).ok_or_else(|| {
            Failure::usage(
                "`--expires-in` is beyond all time",
                "leave it out for a key without end",
            )
        })?),
        None => None,
    };
    let new = NewKey { name, tenant: tenant(org)?, actions, expires_at };
    let (key, record) = with_keys(store, async |keys| {
        issue(keys, &new, now).await.map_err(|source| Failure::NewKey { source })
    })?;
    let text = key.reveal();
    if json {
        let mut document = document(&record, now);
        document["key"] = text.expose().into();
        return printer.json(&document);
    }
    printer.data(&format!("{}\n", text.expose()))?;
    printer.note(&render::key_created(&record));
    Ok(())
}

fn list(args: ListKeysArgs, printer: &Printer) -> Result<(), Failure> {
    let ListKeysArgs { org, json, store } = args;
    let scope = tenant(org)?.map_or(Scope::All, Scope::Tenant);
    let all = with_keys(store, async |keys| {
        let mut all: Vec<KeyRecord> = Vec::new();
        loop {
            let after = all.last().map(|key| key.id.clone());
            let page = keys.list(&scope, after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    })?;
    let now = SystemTime::now();
    if json {
        return printer.json(&all.iter().map(|key| document(key, now)).collect::<Vec<_>>());
    }
    if all.is_empty() {
        printer.note("there are no keys; `tundra keys create` makes one\n");
    }
    printer.data(&render::keys(&all, now, render::terminal_width()))
}

fn revoke(args: RevokeKeyArgs, printer: &Printer) -> Result<(), Failure> {
    let RevokeKeyArgs { id, json, store } = args;
    let now = SystemTime::now();
    let record = with_keys(store, async |keys| Ok(keys.revoke(&Scope::All, &id, now).await?))?;
    if json {
        return printer.json(&document(&record, now));
    }
    printer.note(&render::key_revoked(&record));
    Ok(())
}

fn webhook(args: WebhookKeyArgs, printer: &Printer) -> Result<(), Failure> {
    let WebhookKeyArgs { org } = args;
    let tenant: TenantId = org.parse().map_err(|source| Failure::Organisation { source })?;
    let Some(keys) = env::webhook_keys()? else {
        return Err(Failure::usage(
            "there is nothing that a key of webhooks could be made of",
            "set TUNDRA_WEBHOOK_KEYS as the server has it",
        ));
    };
    let lines = keys.of(&tenant).into_iter().map(|key| format!("{}\n", key.reveal().expose()));
    printer.data(&lines.collect::<String>())
}

/// Returns the organisation that was named, by an option or the environment.
fn tenant(org: Option<String>) -> Result<Option<TenantId>, Failure> {
    let parsed = org.or_else(env::org).map(|org| org.parse()).transpose();
    parsed.map_err(|source| Failure::Organisation { source })
}

/// Does something with the keys.
fn with_keys<T>(
    store: KeyStoreArgs,
    work: impl AsyncFnOnce(&SqliteKeys) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let directory = match store.data_directory {
        Some(directory) => directory,
        None => catalogs::own_directory()?,
    };
    session::run(None, async |session| {
        let work = async {
            let keys = SqliteKeys::open(directory.join(service::KEYS)).await?;
            work(&keys).await
        };
        session.unless_stopped(work).await
    })
}

/// Returns a key as programs see it, without its secret.
fn document(key: &KeyRecord, now: SystemTime) -> Value {
    let optional = |time: Option<SystemTime>| time.map(render::moment);
    json!({
        "id": key.id.as_str(),
        "name": key.name,
        "org_id": key.tenant.as_ref().map(TenantId::as_str),
        "actions": key.actions.iter().map(|action| action.name()).collect::<Vec<_>>(),
        "state": render::key_state(key, now),
        "created_at": render::moment(key.created_at),
        "expires_at": optional(key.expires_at),
        "last_used_at": optional(key.last_used_at),
        "revoked_at": optional(key.revoked_at),
    })
}
