//! Places where Tundra reads and writes: local disk, memory, and any object store.
//!
//! Start at [`Stores`], which turns what a person wrote into a [`tundra_core::Storage`] and a path in
//! it; [`resolve`] does that for local files alone. [`LocalStorage`] is a directory, [`MemoryStorage`] lives and dies with the process, and
//! [`ObjectStoreStorage`] is whatever implements [`object_store::ObjectStore`], an embedding
//! program's own included.
//!
//! This crate knows no formats, no engine and no catalog. Its stores need a running Tokio runtime:
//! system calls that may wait run on its blocking threads.

mod blocking;
#[cfg(feature = "cloud")]
mod cloud;
mod error;
#[cfg(feature = "http")]
mod http;
mod layout;
mod local;
mod location;
mod memory;
mod pattern;
mod place;
#[cfg(feature = "cloud")]
mod presign;
mod settings;
mod store;
mod stores;

#[cfg(any(feature = "gcs", feature = "s3"))]
pub use self::cloud::janitor::{AbandonedUpload, Janitor};
#[cfg(feature = "http")]
pub use self::http::{
    AllowedHosts, HostSuffix, HostSuffixError, HttpClient, HttpOptions, HttpStorage, Reach,
    UrlPolicy,
};
#[cfg(feature = "cloud")]
pub use self::presign::{Access, SignError, SignatureStyle, SignedUrl, UrlSigner};
pub use self::{
    layout::{Archive, Archived, Layout, LayoutError, LayoutTemplates, UploadFate, archive},
    local::LocalStorage,
    location::{LocationError, resolve},
    memory::MemoryStorage,
    settings::{
        AzureSettings, GcsSettings, R2Settings, S3Settings, StoreSettings, TransferSettings,
        UrlSettings,
    },
    store::{ObjectStoreOptions, ObjectStoreStorage, Upload, uploads_aborted},
    stores::Stores,
};
