//! URLs that allow one thing with one object for some time.
//!
//! Start at [`UrlSigner`]. Signing asks no server, so that a signature for an object that is not
//! there, or that the key may not use, is made as well and refused later. For some credentials the
//! cloud signs and is asked, those of a machine at Google for instance.

use std::{sync::Arc, time::Duration};

use object_store::{
    path::Path,
    signer::{HeaderName, HeaderValue, Method, SignedUrlOptions, Signer},
};
use tundra_core::{Classify, ErrorKind, ObjectPath, Retry, Secret, StorageError};

use crate::error::Operation;

/// What a signed URL allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Reading the object.
    Get,
    /// Writing it, whether it is there or not.
    Put {
        /// What the content type must be. It becomes part of the signature where the cloud's
        /// signatures cover headers.
        content_type: Option<String>,
    },
}

/// Whose signatures they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureStyle {
    /// Amazon's and those of everybody who speaks S3, and Google's: they cover headers.
    Headers,
    /// Azure's, which cover no headers. A PUT must say what kind of blob it makes.
    Azure,
}

/// Signs URLs for the objects of one bucket.
#[derive(Debug, Clone)]
pub struct UrlSigner {
    signer: Arc<dyn Signer>,
    style: SignatureStyle,
    base: String,
}

/// A signed URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// The URL. Whoever has it may do what it allows.
    pub url: Secret,
    /// The method that it is for.
    pub method: &'static str,
    /// The object, as a person would write it.
    pub location: String,
    /// For how long it is good from now on.
    pub lasts: Duration,
    /// The headers that a request with it must have besides the usual ones.
    pub headers: Vec<(String, String)>,
}

/// Why a URL could not be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// It would be good for too long or not at all.
    #[error("a signature cannot last {asked:?}: it lasts from 1 second to 7 days")]
    Lasts {
        /// What was asked for.
        asked: Duration,
    },

    /// The content type is none.
    #[error("`{text}` is no content type")]
    ContentType {
        /// The text.
        text: String,
    },

    /// The name has characters that the cloud's signatures, as they are made here, do not hold.
    #[error("no URL can be signed for `{location}`: its name has characters that a URL escapes")]
    Name {
        /// The object, as a person would write it.
        location: String,
    },

    /// The store cannot sign, or has no credentials to sign with.
    #[error(transparent)]
    Store(#[from] StorageError),
}

/// The longest that the signatures of all clouds can last.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl UrlSigner {
    /// Makes one of a store's own. `base` stands before `/` and the path where a place is shown,
    /// such as `s3://bucket`.
    pub fn new(signer: Arc<dyn Signer>, style: SignatureStyle, base: impl Into<String>) -> Self {
        Self { signer, style, base: base.into() }
    }

    /// Returns a URL that allows this for so long.
    ///
    /// # Errors
    /// Fails when the time is not from 1 second to 7 days, and when there are no credentials that
    /// can sign.
    pub async fn sign(
        &self,
        path: &ObjectPath,
        access: &Access,
        lasts: Duration,
    ) -> Result<SignedUrl, SignError> {
        // Signatures count in seconds.
        if lasts < Duration::from_secs(1) || lasts > LONGEST {
            return Err(SignError::Lasts { asked: lasts });
        }
        let lasts = Duration::from_secs(lasts.as_secs());
        let location = format!("{}/{path}", self.base);
        let key = Path::parse(path.as_str()).map_err(|error| StorageError::InvalidName {
            location: location.clone(),
            source: error.into(),
        })?;
        let mut headers = Vec::new();
        let mut options = SignedUrlOptions::default();
        let method = match access {
            Access::Get => Method::GET,
            Access::Put { content_type } => {
                if let Some(text) = content_type {
                    let value = content_type_value(text)?;
                    if self.style == SignatureStyle::Headers {
                        let name = HeaderName::from_static("content-type");
                        options = options.with_signed_header(name, value);
                    }
                    headers.push(("Content-Type".to_owned(), text.clone()));
                }
                if self.style == SignatureStyle::Azure {
                    headers.push(("x-ms-blob-type".to_owned(), "BlockBlob".to_owned()));
                }
                Method::PUT
            }
        };
        let shown = if method == Method::GET { "GET" } else { "PUT" };
        let url = self
            .signer
            .signed_url_opts(method, &key, lasts, &options)
            .await
            .map_err(|error| Operation::Sign.store_failed(&location, error))?;
        // Azure signs names as they are, and `object_store` as they are escaped: where the two
        // differ Azure takes the signature for a wrong one.
        if self.style == SignatureStyle::Azure && url.path().contains('%') {
            return Err(SignError::Name { location });
        }
        Ok(SignedUrl { url: Secret::new(url), method: shown, location, lasts, headers })
    }
}

impl Classify for SignError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Lasts { .. } | Self::ContentType { .. } => ErrorKind::InvalidRequest,
            Self::Name { .. } => ErrorKind::Unsupported,
            Self::Store(error) => error.kind(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Lasts { .. } | Self::ContentType { .. } | Self::Name { .. } => Retry::Never,
            Self::Store(error) => error.retry(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Lasts { .. } | Self::ContentType { .. } => Vec::new(),
            Self::Name { .. } => {
                vec!["give the object a name of letters, digits, `-`, `_`, `.` and `~`".to_owned()]
            }
            Self::Store(error) => error.hints(),
        }
    }
}

/// Checks that it is a type and a subtype, so that no typing error becomes part of a signature.
fn content_type_value(text: &str) -> Result<HeaderValue, SignError> {
    let wrong = || SignError::ContentType { text: text.to_owned() };
    let (kind, rest) = text.split_once('/').ok_or_else(wrong)?;
    let subtype = rest.split(';').next().unwrap_or_default().trim_end();
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c))
    };
    if !is_token(kind) || !is_token(subtype) {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_types() {
        for text in ["text/csv", "application/vnd.apache.parquet", "text/csv; charset=utf-8"] {
            assert!(content_type_value(text).is_ok(), "{text}");
        }
        for text in ["", "csv", "/csv", "text/", "text/c sv", "te\nxt/csv", "text/csv; a\r\nb"] {
            assert!(content_type_value(text).is_err(), "{text:?}");
        }
    }

    #[cfg(feature = "s3")]
    mod amazon {
        use crate::{StoreSettings, Stores};

        use super::*;

        const HOUR: Duration = Duration::from_secs(3600);

        async fn sign(
            location: &str,
            access: &Access,
            lasts: Duration,
        ) -> Result<SignedUrl, SignError> {
            let mut settings = StoreSettings::default();
            settings.s3.region = Some("eu-west-1".to_owned());
            settings.s3.access_key_id = Some("AKID".to_owned());
            settings.s3.secret_access_key = Some(Secret::new("hunter2"));
            let (signer, path) = Stores::new(settings).signer(location).unwrap();
            signer.sign(&path, access, lasts).await
        }

        fn query(signed: &SignedUrl, name: &str) -> Option<String> {
            let url = url::Url::parse(signed.url.expose()).unwrap();
            url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        }

        #[tokio::test]
        async fn a_get_names_its_object_and_its_time() {
            let signed = sign("s3://bucket/in/a b.csv", &Access::Get, HOUR).await.unwrap();
            assert_eq!(
                (signed.method, signed.location.as_str()),
                ("GET", "s3://bucket/in/a b.csv")
            );
            assert!(signed.headers.is_empty());
            assert!(signed.url.expose().contains("/in/a%20b.csv?"), "{}", signed.url.expose());
            assert_eq!(query(&signed, "X-Amz-Expires").as_deref(), Some("3600"));
            assert_eq!(query(&signed, "X-Amz-SignedHeaders").as_deref(), Some("host"));
            let shown = format!("{signed:?} {}", signed.url);
            assert!(!shown.contains("X-Amz-Signature"), "{shown}");
            assert!(!signed.url.expose().contains("hunter2"));
        }

        #[tokio::test]
        async fn a_put_binds_its_content_type() {
            let content_type = Some("application/vnd.apache.parquet".to_owned());
            let bound = Access::Put { content_type };
            let signed = sign("s3://bucket/a.parquet", &bound, HOUR).await.unwrap();
            assert_eq!(signed.method, "PUT");
            assert_eq!(query(&signed, "X-Amz-SignedHeaders").as_deref(), Some("content-type;host"));
            let expected = ("Content-Type".to_owned(), "application/vnd.apache.parquet".to_owned());
            assert_eq!(signed.headers, [expected]);

            let free = Access::Put { content_type: None };
            let signed = sign("s3://bucket/a.parquet", &free, HOUR).await.unwrap();
            assert_eq!(query(&signed, "X-Amz-SignedHeaders").as_deref(), Some("host"));
            assert!(signed.headers.is_empty());

            let wrong = Access::Put { content_type: Some("parquet".to_owned()) };
            let error = sign("s3://bucket/a.parquet", &wrong, HOUR).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }

        #[tokio::test]
        async fn a_signature_lasts_from_a_second_to_a_week() {
            for (lasts, is_good) in [
                (Duration::ZERO, false),
                (Duration::from_millis(999), false),
                (Duration::from_secs(1), true),
                (LONGEST, true),
                (LONGEST + Duration::from_secs(1), false),
            ] {
                let signed = sign("s3://bucket/a", &Access::Get, lasts).await;
                assert_eq!(signed.is_ok(), is_good, "{lasts:?}");
                if let Err(error) = signed {
                    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                }
            }
        }
    }

    #[cfg(feature = "azure")]
    #[tokio::test]
    async fn azure_signs_no_headers_and_says_which_are_needed() {
        let mut settings = crate::StoreSettings::default();
        settings.azure.account = Some("account".to_owned());
        settings.azure.access_key = Some(Secret::new("a2V5"));
        let (signer, path) = crate::Stores::new(settings).signer("az://container/a.csv").unwrap();
        let access = Access::Put { content_type: Some("text/csv".to_owned()) };
        let signed = signer.sign(&path, &access, Duration::from_secs(60)).await.unwrap();
        assert!(signed.url.expose().contains("sig="));
        let names: Vec<&str> = signed.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Content-Type", "x-ms-blob-type"]);

        let path = "a b.csv".parse().unwrap();
        let error = signer.sign(&path, &access, Duration::from_secs(60)).await.unwrap_err();
        assert!(matches!(error, SignError::Name { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
