//! A URL that was checked, and what its signature says.
//!
//! Start at [`Target`]. Its query may be worth as much as a password, so that nothing here shows
//! it: [`Target::shown`] is the only form for people. No signature is verified here; the server
//! does that.

use std::{fmt, time::SystemTime};

use tundra_core::{ObjectPath, StorageError};
use url::Url;

use crate::http::{
    date::{iso_date, signature_date},
    policy::{UrlPolicy, shown},
};

/// The name of the object when the URL has none that can be one.
const UNNAMED: &str = "object";

/// Where an object is.
#[derive(Clone)]
pub(super) struct Target {
    url: Url,
    shown: String,
    path: ObjectPath,
    signature: Signature,
}

/// What the query says of the signature in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Signature {
    pub(super) style: Style,
    /// The names of the headers that it covers, in lower case.
    pub(super) headers: Vec<String>,
    /// When it ends, by the clock of whoever made it.
    pub(super) ends: Option<SystemTime>,
}

/// Whose signature it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    /// There is none that is known here.
    #[default]
    None,
    /// Version 4 of Amazon's, which R2 and all others that speak S3 use as well.
    Amazon,
    /// Version 4 of Google's.
    Google,
    /// A shared access signature of Azure.
    Azure,
    /// Version 2 of Amazon's and Google's, which covers the content type whether there is one or
    /// not.
    Old,
}

impl Target {
    /// Checks a URL against the policy.
    pub(super) fn new(text: &str, policy: &UrlPolicy) -> Result<Self, StorageError> {
        let mut url = policy.check(text)?;
        url.set_fragment(None);
        let signature = Signature::of(&url);
        Ok(Self { shown: shown(&url), path: name_of(&url), url, signature })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the URL as a person may see it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the object's name: the last segment of the URL's path.
    pub(super) fn path(&self) -> &ObjectPath {
        &self.path
    }

    pub(super) fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.shown).finish()
    }
}

impl Signature {
    fn of(url: &Url) -> Self {
        let parameters: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
            .collect();
        let get = |name: &str| {
            parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        for (style, prefix) in [(Style::Amazon, "x-amz-"), (Style::Google, "x-goog-")] {
            if get(&format!("{prefix}signature")).is_some() {
                let headers = get(&format!("{prefix}signedheaders")).unwrap_or_default();
                let begins = get(&format!("{prefix}date")).and_then(signature_date);
                let lasts = get(&format!("{prefix}expires")).and_then(|text| text.parse().ok());
                return Self {
                    style,
                    headers: headers.split(';').map(str::to_ascii_lowercase).collect(),
                    ends: begins.zip(lasts).and_then(|(begins, lasts)| {
                        begins.checked_add(std::time::Duration::from_secs(lasts))
                    }),
                };
            }
        }
        if get("sig").is_some() && get("sv").is_some() {
            let ends = get("se").and_then(iso_date);
            return Self { style: Style::Azure, headers: Vec::new(), ends };
        }
        if get("signature").is_some()
            && (get("awsaccesskeyid").is_some() || get("googleaccessid").is_some())
        {
            let ends = get("expires").and_then(|text| text.parse().ok()).and_then(|seconds| {
                SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds))
            });
            return Self { style: Style::Old, headers: Vec::new(), ends };
        }
        Self::default()
    }

    /// Returns whether the signature covers the header.
    pub(super) fn covers(&self, header: &str) -> bool {
        self.headers.iter().any(|covered| covered == header)
    }

    /// Returns whether it is over by the clock of this machine.
    pub(super) fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| ends < SystemTime::now())
    }
}

/// Returns the last segment of the URL's path as it is when nothing is escaped.
fn name_of(url: &Url) -> ObjectPath {
    let segment = url.path().rsplit('/').find(|segment| !segment.is_empty()).unwrap_or_default();
    let name = unescaped(segment).filter(|name| !name.contains('/'));
    name.and_then(|name| name.parse().ok())
        .unwrap_or_else(|| UNNAMED.parse().expect("the name is a constant of one plain segment"))
}

/// Replaces `%41` and the like by what they stand for, if that is text.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn target(text: &str) -> Target {
        Target::new(text, &UrlPolicy::any_public_host()).unwrap()
    }

    #[test]
    fn the_object_is_called_like_the_end_of_the_path() {
        for (url, name) in [
            ("https://h.org/a/b.csv?sig=x", "b.csv"),
            ("https://h.org/a/b%20c%C3%A4.csv", "b cä.csv"),
            ("https://h.org/a/100%", "100%"),
            ("https://h.org/a/", "a"),
            ("https://h.org/", "object"),
            ("https://h.org/%2e%2e%2fetc", "object"),
            ("https://h.org/a%2Fb", "object"),
            ("https://h.org/%0A", "object"),
            ("https://h.org/%FF", "object"),
        ] {
            assert_eq!(target(url).path().as_str(), name, "{url}");
        }
    }

    #[test]
    fn the_query_is_never_shown() {
        let target = target("https://H.org:8443/a%20b.csv?X-Amz-Signature=secret#secret");
        assert_eq!(target.shown(), "https://h.org:8443/a%20b.csv");
        assert!(!format!("{target:?}").contains("secret"));
        assert!(target.url().as_str().ends_with("?X-Amz-Signature=secret"));
    }

    #[test]
    fn signatures_are_told_apart() {
        let amazon = target(
            "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=\
             20261121T100000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=content-type%3Bhost&\
             X-Amz-Signature=00",
        );
        let signature = amazon.signature();
        assert_eq!(signature.style, Style::Amazon);
        assert!(signature.covers("content-type") && !signature.covers("if-none-match"));
        let ends = signature.ends.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(ends, Duration::from_secs(1_795_258_800));

        let past = target(
            "https://storage.googleapis.com/b/k?X-Goog-Date=20200101T000000Z&X-Goog-Expires=60&\
             X-Goog-SignedHeaders=host&X-Goog-Signature=00",
        );
        assert_eq!(past.signature().style, Style::Google);
        assert!(past.signature().is_over());

        let azure = target("https://a.blob.core.windows.net/c/k?sv=2020&se=2020-01-01&sig=00");
        assert_eq!(azure.signature().style, Style::Azure);
        assert!(azure.signature().is_over());

        let old = target("https://b.s3.amazonaws.com/k?AWSAccessKeyId=A&Expires=99&Signature=0");
        assert_eq!(old.signature().style, Style::Old);
        assert!(old.signature().is_over());

        assert_eq!(*target("https://h.org/k?sig=1").signature(), Signature::default());
        assert!(!target("https://h.org/k").signature().is_over());
    }
}
