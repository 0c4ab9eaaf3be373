//! Every statement of the store in SQLite. Nothing is put together at run time: values are bound.

macro_rules! key_columns {
    () => {
        "id, digest, name, org_id, actions, created_at, expires_at, last_used_at, revoked_at"
    };
}

pub(super) const ADD: &str = concat!(
    "INSERT INTO api_keys (",
    key_columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING"
);
pub(super) const KEY: &str = concat!("SELECT ", key_columns!(), " FROM api_keys WHERE id = ?1");
pub(super) const KEYS: &str =
    concat!("SELECT ", key_columns!(), " FROM api_keys WHERE id > ?1 ORDER BY id");
pub(super) const KEYS_OF_TENANT: &str =
    concat!("SELECT ", key_columns!(), " FROM api_keys WHERE org_id = ?2 AND id > ?1 ORDER BY id");
pub(super) const REVOKE: &str =
    "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
pub(super) const REVOKE_OF_TENANT: &str =
    "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1 AND org_id = ?3";
pub(super) const TOUCH: &str = "UPDATE api_keys SET last_used_at = ?2 \
     WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
