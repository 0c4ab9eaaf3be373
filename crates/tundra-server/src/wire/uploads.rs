//! Uploads: where the bytes of a file go, and what becomes of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SourceDocument;

/// A file that is to be uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadRequest {
    /// What the file is called: at most 200 bytes, without `/` and `\`, and not beginning with a dot.
    #[schema(example = "orders.csv", min_length = 1, max_length = 200)]
    pub file_name: String,
    /// The name of the new source, unique within the organisation. Not with `source_id`.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub name: Option<String>,
    /// What the file is: `csv`, `tsv`, `json`, `ndjson` or `parquet`. It is found out when nothing is said.
    /// Not with `source_id`.
    #[serde(default)]
    #[schema(example = "csv")]
    pub format: Option<String>,
    /// The source whose next file it is; a new one is made when nothing is said.
    #[serde(default)]
    pub source_id: Option<String>,
    /// The organisation of the new source. Only for callers who act for all of them; theirs is `local` when
    /// nothing is said.
    #[serde(default)]
    pub org_id: Option<String>,
    /// The content type that the upload must have. Only where the store takes the bytes itself.
    #[serde(default)]
    #[schema(example = "text/csv")]
    pub content_type: Option<String>,
}

/// Where a file is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadTicket {
    /// The source, to be converted by `POST /convert/file` when the file is there.
    pub source_id: String,
    /// The source as it is.
    pub source: SourceDocument,
    /// The request that sends the file.
    pub upload: UploadTarget,
}

/// A request that sends a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadTarget {
    /// The method; always `PUT`.
    #[schema(example = "PUT")]
    pub method: String,
    /// Where to. A URL of the store that is signed, so that whoever has it may write there until it
    /// expires; or a path of this service, to be used with the same credentials as every other.
    pub url: String,
    /// Headers that the request must have.
    pub headers: BTreeMap<String, String>,
    /// For how many seconds it is good; `null` when it does not expire.
    pub expires_in: Option<u64>,
    /// How many bytes the file may have; `null` when there is no limit, and where the store takes the bytes
    /// itself, which knows of none: a file that is larger is refused when it is converted.
    pub max_bytes: Option<u64>,
}

impl std::fmt::Debug for UploadTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What stands behind the `?` is a signature.
        let place = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("UploadTarget").field("place", &place).finish_non_exhaustive()
    }
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    /// Always `true`.
    pub success: bool,
    /// The source.
    pub source_id: String,
    /// What the file is called.
    pub file_name: String,
    /// Its bytes.
    pub size_bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_does_not_print() {
        let target = UploadTarget {
            method: "PUT".to_owned(),
            url: "https://store.example/in/a.csv?X-Amz-Signature=hunter2".to_owned(),
            headers: BTreeMap::new(),
            expires_in: Some(900),
            max_bytes: None,
        };
        let shown = format!("{target:?}");
        assert!(shown.contains("/in/a.csv") && !shown.contains("hunter2"), "{shown}");
    }
}
