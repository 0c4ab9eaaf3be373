//! Cloudflare R2, which speaks S3 with rules of its own.
//!
//! Its parts must have one size, which the writer gives them anyway; its region is `auto`; the
//! condition of a copy has a header of its own. It documents conditional puts and completions.

use object_store::aws::{Checksum, S3CopyIfNotExists};

use super::{Bucket, Site, s3};
use crate::{
    location::LocationError,
    settings::{R2Settings, TransferSettings},
};

/// Opens a bucket of R2.
pub(super) fn open(
    site: &Site<'_>,
    settings: &R2Settings,
    transfer: &TransferSettings,
) -> Result<Bucket, LocationError> {
    let endpoint = match (&settings.endpoint, &settings.account_id) {
        (Some(endpoint), _) => site.endpoint(endpoint)?,
        (None, Some(account)) if account.chars().all(|c| c.is_ascii_alphanumeric()) => {
            site.endpoint(&format!("https://{account}.r2.cloudflarestorage.com"))?
        }
        (None, Some(_)) => return Err(site.wrong("`CLOUDFLARE_ACCOUNT_ID` is not an account")),
        (None, None) => return Err(site.wrong("`CLOUDFLARE_ACCOUNT_ID` is not set")),
    };
    let names = "`R2_ACCESS_KEY_ID` and `R2_SECRET_ACCESS_KEY`";
    let builder = s3::with_keys(
        site,
        names,
        settings.access_key_id.as_deref(),
        settings.secret_access_key.as_ref(),
        settings.session_token.as_ref(),
    )?;
    let Some(builder) = builder else { return Err(site.wrong(format!("{names} are not set"))) };
    // An emulator is somebody else, of whom nothing is known.
    let is_r2 = endpoint.origin.ends_with(".r2.cloudflarestorage.com");
    let store = s3::Speaker {
        endpoint,
        region: "auto".to_owned(),
        builder: if is_r2 { builder.with_checksum_algorithm(Checksum::SHA256) } else { builder },
        copy: is_r2.then(|| {
            S3CopyIfNotExists::Header(
                "cf-copy-destination-if-none-match".to_owned(),
                "*".to_owned(),
            )
        }),
        atomic_create: is_r2,
    };
    store.open(site, transfer)
}
