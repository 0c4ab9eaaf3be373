//! Which requests something happens to, and what.

use std::time::Duration;

use hyper::Uri;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The proxy answers, and the server never hears of it.
    Reply(Reply),
    /// It waits before it goes on.
    Delay(Duration),
    /// The connection is reset, and the server never hears of it.
    Reset,
    /// The server does it, and the connection is reset before its answer.
    LoseAnswer,
    /// The server does it, and the proxy answers something else.
    ReplaceAnswer(Reply),
    /// The server does it twice, one after the other, and answers the second time.
    Twice,
    /// The connection is reset when this many bytes of the request's body came.
    ResetUpload(u64),
    /// The connection is reset behind this many bytes of the answer's body.
    ResetAnswer(u64),
    /// The connection ends properly behind this many bytes of the answer's body, of which more were
    /// announced.
    Truncate(u64),
    /// The answer's body has this many bytes, and says so.
    Shorten(u64),
    /// Nothing comes any more behind this many bytes of the answer's body.
    Stall(u64),
    /// The answer has this `ETag`.
    ETag(String),
}

/// An answer that the proxy makes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers besides those of the body.
    pub headers: Vec<(String, String)>,
    /// The type of the body.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// A fault, and the requests that it happens to: all of them, until something is said.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
    header: Option<String>,
    skip: u64,
    times: u64,
}

impl Rule {
    /// Makes a rule for every request.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        let (method, path, query, header) = (None, None, None, None);
        Self { fault, method, path, query, header, skip: 0, times: u64::MAX }
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(self, method: impl Into<String>) -> Self {
        Self { method: Some(method.into()), ..self }
    }

    /// Only requests whose path contains this, encoded as it is sent.
    #[must_use]
    pub fn path(self, part: impl Into<String>) -> Self {
        Self { path: Some(part.into()), ..self }
    }

    /// Only requests that have this key in their query.
    #[must_use]
    pub fn query(self, key: impl Into<String>) -> Self {
        Self { query: Some(key.into()), ..self }
    }

    /// Only requests that have this header.
    #[must_use]
    pub fn header(self, name: impl Into<String>) -> Self {
        Self { header: Some(name.into()), ..self }
    }

    /// Lets the first ones of those pass.
    #[must_use]
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Applies so often and then no more.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }
}

impl Reply {
    /// Refuses as S3 does, in XML.
    #[must_use]
    pub fn s3(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/xml".to_owned(),
            body: format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code>\
                 <Message>{message}</Message></Error>"
            ),
        }
    }

    /// Refuses for now: 429, 500 or 503 with S3's words for them.
    #[must_use]
    pub fn busy(status: u16) -> Self {
        match status {
            429 => Self::s3(429, "TooManyRequests", "Please reduce your request rate."),
            503 => Self::s3(503, "SlowDown", "Please reduce your request rate."),
            _ => Self::s3(status, "InternalError", "We encountered an internal error."),
        }
    }

    /// Answers with a text of some type.
    #[must_use]
    pub fn text(status: u16, content_type: &str, body: &str) -> Self {
        let (content_type, body) = (content_type.to_owned(), body.to_owned());
        Self { status, headers: Vec::new(), content_type, body }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl From<Reply> for Fault {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// A rule with what is left of it.
#[derive(Debug)]
pub(super) struct Active {
    rule: Rule,
    skip: u64,
    times: u64,
}

impl Active {
    pub(super) fn new(rule: Rule) -> Self {
        let (skip, times) = (rule.skip, rule.times);
        Self { rule, skip, times }
    }

    /// Returns what happens to a request, and counts it.
    pub(super) fn apply<B>(&mut self, request: &hyper::Request<B>) -> Option<Fault> {
        let Rule { method, path, query, header, fault, .. } = &self.rule;
        let is_chosen = method.as_ref().is_none_or(|method| method == request.method().as_str())
            && path.as_ref().is_none_or(|part| request.uri().path().contains(part))
            && query.as_ref().is_none_or(|key| keys(request.uri()).any(|found| found == key))
            && header.as_ref().is_none_or(|name| request.headers().contains_key(name));
        if !is_chosen || self.times == 0 {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= 1;
        Some(fault.clone())
    }
}

/// Returns the keys of a query.
pub(super) fn keys(uri: &Uri) -> impl Iterator<Item = &str> {
    pairs(uri).map(|(key, _)| key)
}

/// Returns the keys and values of a query, as they are sent.
pub(crate) fn pairs(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    uri.query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn apply(rule: &mut Active, method: &str, uri: &str) -> bool {
        rule.apply(&Request::builder().method(method).uri(uri).body(()).unwrap()).is_some()
    }

    #[test]
    fn a_rule_applies_to_what_it_chooses_and_as_often_as_it_says() {
        let rule = Rule::new(Fault::Reset).method("PUT").path("/b/").query("partNumber");
        let mut rule = Active::new(rule.skip(1).times(2));
        for (method, uri) in [
            ("GET", "/b/k?partNumber=1"),
            ("PUT", "/c/k?partNumber=1"),
            ("PUT", "/b/k?x=partNumber"),
        ] {
            assert!(!apply(&mut rule, method, uri), "{method} {uri}");
        }
        let applied = [1, 2, 3, 4]
            .map(|number| apply(&mut rule, "PUT", &format!("/b/k?uploadId=x&partNumber={number}")));
        assert_eq!(applied, [false, true, true, false]);
    }
}
