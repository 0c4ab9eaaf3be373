//! Locations as people write them, taken apart.
//!
//! Start at [`Place::parse`]. Nothing is looked up here, and nothing is decoded but `file://` URLs:
//! a key is written as it is. What holds credentials is refused without being repeated.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use url::Url;

use crate::location::LocationError;

/// Where a location leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// To a file of this machine.
    Local(PathBuf),
    /// Into a bucket.
    Cloud(CloudPlace),
    /// To whatever a URL leads to. It may hold a signature.
    Url,
}

/// A place in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloudPlace {
    /// Whose bucket it is.
    pub(crate) provider: Provider,
    /// The bucket or container.
    pub(crate) bucket: String,
    /// The storage account, when the location names one.
    pub(crate) account: Option<Account>,
    /// What stands behind the bucket: a key, a pattern, or a prefix that is empty or ends in `/`.
    pub(crate) key: String,
    /// What stands before `/` and the key where a place is shown.
    pub(crate) base: String,
}

/// A storage account of Azure that a location names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    /// Its address.
    pub(crate) endpoint: String,
}

/// Who keeps a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Provider {
    /// Amazon S3, or what speaks S3 at an endpoint.
    S3,
    /// Cloudflare R2.
    R2,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

/// What stands behind the account in an address of Azure: that of the public cloud, and those of
/// China and of the government of the United States.
const AZURE_CLOUDS: [&str; 3] =
    ["core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net"];

impl Place {
    /// Takes a location apart.
    ///
    /// # Errors
    /// Fails when it names no place, or a kind of store that there is not.
    pub(crate) fn parse(location: &OsStr) -> Result<Self, LocationError> {
        if location.is_empty() {
            return Err(LocationError::Empty);
        }
        let shown = location.to_string_lossy();
        // A scheme is ASCII, so that replacement characters elsewhere do not matter here.
        let Some((scheme, rest)) = scheme(&shown) else {
            return Ok(Self::Local(Path::new(location).to_owned()));
        };
        let provider = match scheme.as_str() {
            "file" => return file_of_url(&shown).map(Self::Local),
            "http" | "https" => return Ok(Self::Url),
            "s3" | "s3a" => Provider::S3,
            "r2" => Provider::R2,
            "gs" | "gcs" => Provider::Gcs,
            "az" | "azure" | "abfs" | "abfss" => Provider::Azure,
            _ => return Err(LocationError::NoSuchStore { scheme }),
        };
        if location.to_str().is_none() {
            return Err(LocationError::NotUtf8 { location: shown.into_owned() });
        }
        CloudPlace::parse(provider, &scheme, rest).map(Self::Cloud)
    }
}

impl CloudPlace {
    fn parse(provider: Provider, scheme: &str, rest: &str) -> Result<Self, LocationError> {
        let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (bucket, account) = match (provider, authority.split_once('@')) {
            (_, None) => (authority, None),
            (Provider::Azure, Some((container, host))) => {
                let account = account(host)
                    .ok_or_else(|| LocationError::Credentials { scheme: scheme.to_owned() })?;
                (container, Some(account))
            }
            (_, Some(_)) => {
                return Err(LocationError::Credentials { scheme: scheme.to_owned() });
            }
        };
        if bucket.contains(':') {
            // A name with a password, or a port; both belong into the settings.
            return Err(LocationError::Credentials { scheme: scheme.to_owned() });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$');
        if bucket.is_empty() || bucket.contains("..") || !bucket.chars().all(allowed) {
            return Err(LocationError::Bucket {
                scheme: scheme.to_owned(),
                bucket: bucket.to_owned(),
            });
        }
        Ok(Self {
            provider,
            bucket: bucket.to_owned(),
            account,
            key: key.to_owned(),
            base: format!("{scheme}://{authority}"),
        })
    }

    /// Returns the location as it was written.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}", self.base, self.key)
    }
}

/// Returns what stands before `://`, in lower case, and what stands behind it, if it can be a scheme.
pub(crate) fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_scheme_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (begins && scheme.chars().all(is_scheme_character)).then(|| (scheme.to_ascii_lowercase(), rest))
}

/// Returns the path of a `file://` URL.
pub(crate) fn file_of_url(text: &str) -> Result<PathBuf, LocationError> {
    let not_local = |reason| LocationError::NotLocal { location: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|_| not_local("it is not a valid URL"))?;
    if url.query().is_some() {
        return Err(not_local("it has a query; a `?` in a name is written `%3F`"));
    }
    if url.fragment().is_some() {
        return Err(not_local("it has a fragment; a `#` in a name is written `%23`"));
    }
    // Knows that `localhost` is here, and that nothing else is.
    url.to_file_path().map_err(|()| not_local("it names another host"))
}

/// Returns the account of a host such as `account.dfs.core.windows.net`. Other hosts get nothing:
/// the credentials of an account are not for whoever a location names.
fn account(host: &str) -> Option<Account> {
    let (name, rest) = host.split_once('.')?;
    let (service, cloud) = rest.split_once('.')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    (is_name && matches!(service, "dfs" | "blob") && AZURE_CLOUDS.contains(&cloud)).then(|| {
        Account { name: name.to_owned(), endpoint: format!("https://{name}.blob.{cloud}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Place, LocationError> {
        Place::parse(OsStr::new(text))
    }

    #[track_caller]
    fn cloud(text: &str) -> CloudPlace {
        match parse(text) {
            Ok(Place::Cloud(place)) => place,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn buckets_and_keys_are_told_apart() {
        for (text, provider, bucket, key) in [
            ("s3://b/k", Provider::S3, "b", "k"),
            ("S3://b/in/ä #%41?.csv", Provider::S3, "b", "in/ä #%41?.csv"),
            ("r2://my-bucket/a/b", Provider::R2, "my-bucket", "a/b"),
            ("gs://my.bucket/a/", Provider::Gcs, "my.bucket", "a/"),
            ("az://c/k", Provider::Azure, "c", "k"),
            ("azure://$web/k", Provider::Azure, "$web", "k"),
            ("s3://b", Provider::S3, "b", ""),
            ("s3://b/", Provider::S3, "b", ""),
            ("s3://b/a@b:c", Provider::S3, "b", "a@b:c"),
        ] {
            let place = cloud(text);
            assert_eq!((place.provider, &*place.bucket, &*place.key), (provider, bucket, key));
            assert!(place.account.is_none());
        }
    }

    #[test]
    fn an_account_of_azure_may_be_named() {
        let place = cloud("abfss://c@mine.dfs.core.windows.net/a/b");
        assert_eq!((&*place.bucket, &*place.key), ("c", "a/b"));
        let account = place.account.clone().unwrap();
        assert_eq!(account.name, "mine");
        assert_eq!(account.endpoint, "https://mine.blob.core.windows.net");
        assert_eq!(place.shown(), "abfss://c@mine.dfs.core.windows.net/a/b");
        let china = cloud("abfs://c@mine.blob.core.chinacloudapi.cn/a").account.unwrap();
        assert_eq!(china.endpoint, "https://mine.blob.core.chinacloudapi.cn");
    }

    #[test]
    fn credentials_are_refused_and_not_repeated() {
        for text in [
            "s3://key:hush@b/x",
            "s3://hush@b/x",
            "gs://b:hush/x",
            "abfss://c@hush.example.com/x",
            "abfss://c@hush.dfs.core.windows.net.example.com/x",
            "abfss://c:hush@mine.dfs.core.windows.net/x",
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, LocationError::Credentials { .. }), "{text}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn what_can_be_no_bucket_is_refused() {
        for text in ["s3://", "s3:///k", "gs://a b/k", "s3://a..b/k", "s3://a%2fb/k", "r2://a?b/k"]
        {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, LocationError::Bucket { .. }), "{text}: {error:?}");
        }
        let error = parse("ftp://h/x").unwrap_err();
        assert!(matches!(error, LocationError::NoSuchStore { .. }), "{error:?}");
    }

    #[test]
    fn what_has_no_scheme_is_a_path() {
        for text in ["a.csv", "./s3://b/k", "C:\\x", "1s3://b/k", "s3:/b/k"] {
            assert_eq!(parse(text).unwrap(), Place::Local(text.into()));
        }
        assert_eq!(parse("file:///tmp/a%20b").unwrap(), Place::Local("/tmp/a b".into()));
        assert_eq!(parse("https://h/x?sig=hush").unwrap(), Place::Url);
    }
}
