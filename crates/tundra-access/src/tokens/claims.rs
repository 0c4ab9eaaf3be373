//! What a token says that was found to be signed rightly (RFC 7519).

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde_json::Value;

use crate::error::TokenFault;

/// The claims of a token.
pub(super) struct Claims(Value);

impl Claims {
    /// Reads the part of the token between the dots.
    pub(super) fn read(part: &str) -> Result<Self, TokenFault> {
        let unreadable = TokenFault::Form("its claims are not an object of JSON in base 64");
        let bytes = BASE64.decode(part).map_err(|_| unreadable.clone())?;
        match serde_json::from_slice(&bytes) {
            Ok(claims @ Value::Object(_)) => Ok(Self(claims)),
            _ => Err(unreadable),
        }
    }

    /// Returns what stands at a JSON pointer (RFC 6901).
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// Returns the role in the database that Supabase gives the holder.
    pub(super) fn role(&self) -> Option<&str> {
        self.0.get("role")?.as_str()
    }

    /// Checks that the time of the token has come and is not over.
    pub(super) fn check_time(&self, now: SystemTime, leeway: Duration) -> Result<(), TokenFault> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = leeway.as_secs_f64();
        let end = self.moment("exp")?.ok_or(TokenFault::Claim("exp"))?;
        if now >= end + leeway {
            return Err(TokenFault::Expired);
        }
        match self.moment("nbf")? {
            Some(begin) if now + leeway < begin => Err(TokenFault::NotYetValid),
            _ => Ok(()),
        }
    }

    /// Checks that one of these issued it.
    pub(super) fn check_issuer(&self, expected: &[&str]) -> Result<(), TokenFault> {
        match self.0.get("iss").and_then(Value::as_str) {
            None => Err(TokenFault::Claim("iss")),
            Some(issuer) if expected.contains(&issuer) => Ok(()),
            Some(_) => Err(TokenFault::Issuer),
        }
    }

    /// Checks that it is for one of these.
    pub(super) fn check_audience(&self, expected: &[String]) -> Result<(), TokenFault> {
        let is_expected =
            |value: &Value| value.as_str().is_some_and(|it| expected.iter().any(|own| own == it));
        let found = match self.0.get("aud") {
            Some(Value::String(_)) => self.0.get("aud").is_some_and(is_expected),
            Some(Value::Array(many)) => many.iter().any(is_expected),
            _ => return Err(TokenFault::Claim("aud")),
        };
        if found { Ok(()) } else { Err(TokenFault::Audience) }
    }

    /// Returns who it is about.
    pub(super) fn subject(&self) -> Result<&str, TokenFault> {
        /// The longest that OpenID Connect allows (core, section 2).
        const LONGEST: usize = 255;
        let subject = self.0.get("sub").and_then(Value::as_str);
        // It goes to logs and records.
        let is_plain = |text: &&str| {
            !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)
        };
        subject.filter(is_plain).ok_or(TokenFault::Claim("sub"))
    }

    /// Reads seconds since 1970, which may have a fraction. What is there and no number is a fault, and
    /// does not count as not there.
    fn moment(&self, name: &'static str) -> Result<Option<f64>, TokenFault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or(TokenFault::Claim(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(json: &Value) -> Claims {
        Claims::read(&BASE64.encode(json.to_string())).unwrap()
    }

    fn at(seconds: f64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn what_is_no_object_has_no_claims() {
        for text in ["", "!", "W10", "e30=", &BASE64.encode("{"), &BASE64.encode("7")] {
            assert!(matches!(Claims::read(text), Err(TokenFault::Form(_))), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let deep = BASE64.encode(format!(r#"{{"a":{deep}}}"#));
        assert!(matches!(Claims::read(&deep), Err(TokenFault::Form(_))));
    }

    #[test]
    fn a_token_is_valid_from_nbf_to_exp_with_some_leeway() {
        let leeway = Duration::from_secs(60);
        let token = claims(&json!({"exp": 2000, "nbf": 1000.5}));
        let check = |seconds| token.check_time(at(seconds), leeway);
        assert_eq!(check(940.0), Err(TokenFault::NotYetValid));
        for seconds in [940.5, 1500.0, 2059.9] {
            assert_eq!(check(seconds), Ok(()), "{seconds}");
        }
        assert_eq!(check(2060.0), Err(TokenFault::Expired));
        let without = claims(&json!({"exp": 2000}));
        assert_eq!(without.check_time(at(0.0), leeway), Ok(()));
    }

    #[test]
    fn times_of_another_form_are_no_times() {
        for (json, claim) in [
            (json!({}), "exp"),
            (json!({"exp": "9999999999"}), "exp"),
            (json!({"exp": null}), "exp"),
            (json!({"exp": true}), "exp"),
            (json!({"exp": 9_999_999_999_u64, "nbf": "0"}), "nbf"),
            (json!({"exp": 9_999_999_999_u64, "nbf": null}), "nbf"),
        ] {
            let checked = claims(&json).check_time(at(1.0), Duration::ZERO);
            assert_eq!(checked, Err(TokenFault::Claim(claim)), "{json}");
        }
        let negative = claims(&json!({"exp": -1}));
        assert_eq!(negative.check_time(at(0.0), Duration::ZERO), Err(TokenFault::Expired));
    }

    #[test]
    fn issuer_and_audience_are_compared_whole() {
        let own = ["authenticated".to_owned(), "tundra".to_owned()];
        let audience = |aud: Value| claims(&json!({ "aud": aud })).check_audience(&own);
        assert_eq!(audience(json!("tundra")), Ok(()));
        assert_eq!(audience(json!(["x", "authenticated"])), Ok(()));
        for aud in [json!("tundra2"), json!("Tundra"), json!(""), json!([]), json!([["tundra"]])] {
            assert_eq!(audience(aud.clone()), Err(TokenFault::Audience), "{aud}");
        }
        for aud in [json!(null), json!(1), json!({"tundra": 1})] {
            assert_eq!(audience(aud.clone()), Err(TokenFault::Claim("aud")), "{aud}");
        }
        let issuer = |iss: Value| claims(&json!({ "iss": iss })).check_issuer(&["https://a"]);
        assert_eq!(issuer(json!("https://a")), Ok(()));
        assert_eq!(issuer(json!("https://a/")), Err(TokenFault::Issuer));
        assert_eq!(issuer(json!(["https://a"])), Err(TokenFault::Claim("iss")));
    }

    #[test]
    fn a_subject_is_a_line_of_text() {
        let subject = |sub: Value| claims(&json!({ "sub": sub })).subject().map(str::to_owned);
        assert_eq!(subject(json!("u-1")).unwrap(), "u-1");
        for sub in [json!(""), json!(7), json!(null), json!("a\nb"), json!("x".repeat(256))] {
            assert_eq!(subject(sub.clone()), Err(TokenFault::Claim("sub")), "{sub}");
        }
    }
}
