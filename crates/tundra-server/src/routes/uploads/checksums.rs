//! What is said beforehand of bytes that are sent, held against what comes.

use axum::http::{HeaderMap, HeaderName, StatusCode};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::Failure;

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const X_CHECKSUM_SHA256: HeaderName = HeaderName::from_static("x-checksum-sha256");

/// Checksums of bytes that come, and what they are to be.
pub(super) struct Checksums {
    sha256: Sha256,
    /// Only where it is asked for.
    md5: Option<Md5>,
    expected_sha256: Vec<[u8; 32]>,
    expected_md5: Option<[u8; 16]>,
}

impl Checksums {
    /// Reads what the headers say: `Content-MD5` (RFC 1864), `Content-Digest` (RFC 9530), of which
    /// algorithms other than `sha-256` are left aside, and `X-Checksum-SHA256` in hexadecimal or base64.
    ///
    /// # Errors
    /// When one of them is none.
    pub(super) fn announced(headers: &HeaderMap) -> Result<Self, Failure> {
        let text = |name: &HeaderName| {
            let value = headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
            value.map(str::to_owned)
        };
        let wrong = |name: &str| Failure::invalid(format!("`{name}` is no such checksum"));
        let md5 = text(&CONTENT_MD5).map(|text| base64(&text).ok_or_else(|| wrong("Content-MD5")));
        let expected_md5 = md5.transpose()?;
        let mut expected_sha256 = Vec::new();
        if let Some(text) = text(&X_CHECKSUM_SHA256) {
            let found = hexadecimal(&text).or_else(|| base64(&text));
            expected_sha256.push(found.ok_or_else(|| wrong("X-Checksum-SHA256"))?);
        }
        for part in text(&CONTENT_DIGEST).iter().flat_map(|text| text.split(',')) {
            let Some((algorithm, value)) = part.trim().split_once('=') else {
                return Err(wrong("Content-Digest"));
            };
            if algorithm.eq_ignore_ascii_case("sha-256") {
                let value = value.strip_prefix(':').and_then(|value| value.strip_suffix(':'));
                let found = value.and_then(base64).ok_or_else(|| wrong("Content-Digest"));
                expected_sha256.push(found?);
            }
        }
        Ok(Self {
            sha256: Sha256::new(),
            md5: expected_md5.map(|_: [u8; 16]| Md5::new()),
            expected_sha256,
            expected_md5,
        })
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// Returns the SHA-256 of what came, in hexadecimal.
    ///
    /// # Errors
    /// When what came is not what was announced.
    pub(super) fn check(self) -> Result<String, Failure> {
        let sha256: [u8; 32] = self.sha256.finalize().into();
        let md5 = self.md5.map(|md5| <[u8; 16]>::from(md5.finalize()));
        if md5 != self.expected_md5 || self.expected_sha256.iter().any(|it| *it != sha256) {
            let detail =
                "the bytes that came are not those of the checksum that was sent with them";
            return Err(Failure::new(StatusCode::BAD_REQUEST, "checksum_mismatch", detail)
                .hint("send the file again"));
        }
        Ok(sha256.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        // A sign is no digit here.
        let digits = text.get(2 * at..2 * at + 2).filter(|text| !text.starts_with('+'))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The checksums of `hello`.
    const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const MD5_BASE64: &str = "XUFAKrxLKna5cZ2REBfFkg==";

    fn check(name: &'static str, value: &str, bytes: &[u8]) -> Result<String, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        let mut checksums = Checksums::announced(&headers)?;
        for byte in bytes.chunks(2) {
            checksums.update(byte);
        }
        checksums.check()
    }

    #[test]
    fn what_was_announced_is_what_came() {
        let digest = BASE64_STANDARD.encode(hexadecimal::<32>(SHA256).unwrap());
        for (name, value) in [
            ("x-other", "x".to_owned()),
            ("content-md5", MD5_BASE64.to_owned()),
            ("x-checksum-sha256", SHA256.to_owned()),
            ("x-checksum-sha256", SHA256.to_uppercase()),
            ("x-checksum-sha256", digest.clone()),
            ("content-digest", format!("sha-256=:{digest}:")),
            ("content-digest", format!("crc32c=:AAAA:, SHA-256=:{digest}:")),
        ] {
            assert_eq!(check(name, &value, b"hello"), Ok(SHA256.to_owned()), "{name}: {value}");
            if name != "x-other" {
                let failure = check(name, &value, b"hellp").unwrap_err();
                assert_eq!(failure.code, "checksum_mismatch", "{name}: {value}");
            }
        }
    }

    #[test]
    fn what_is_no_checksum_is_refused_before_anything_is_read() {
        for (name, value) in [
            ("content-md5", ""),
            ("content-md5", "AAAA"),
            ("x-checksum-sha256", &SHA256[1..]),
            ("content-digest", "sha-256"),
            ("content-digest", "sha-256=AAAA"),
        ] {
            assert_eq!(
                check(name, value, b"").unwrap_err().code,
                "invalid_request",
                "{name}: {value}"
            );
        }
    }
}
