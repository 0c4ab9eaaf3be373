//! Of which trace a request is a part: [`Trace`].
//!
//! It is read as the W3C's Trace Context writes it, or as Google's balancers do, and only repeated.

use axum::http::HeaderMap;

/// Of which trace a request is a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The id of the trace: 32 hexadecimal digits in lower case.
    pub(crate) id: String,
    /// The span that the caller is in: 16 hexadecimal digits in lower case.
    pub(crate) span: Option<String>,
    /// Whether the caller keeps the trace.
    pub(crate) sampled: bool,
}

impl Trace {
    /// Reads `traceparent`, and `X-Cloud-Trace-Context` where that is not there or says nothing.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let standard = text("traceparent").and_then(Self::parse_standard);
        standard.or_else(|| text("x-cloud-trace-context").and_then(Self::parse_google))
    }

    /// Reads `00-<trace>-<span>-<flags>`. Later versions may have more behind it.
    fn parse_standard(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, id, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_known = is_hex(version, 2) && version != "ff";
        if !is_known || (version == "00" && parts.next().is_some()) || !is_hex(flags, 2) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (is_id(id, 32) && is_id(span, 16)).then(|| Self {
            id: id.to_owned(),
            span: Some(span.to_owned()),
            sampled,
        })
    }

    /// Reads `<trace>/<span>;o=<flag>`, where the span is a decimal number and all but the trace may be
    /// left out.
    fn parse_google(text: &str) -> Option<Self> {
        let (ids, options) = text.trim().split_once(';').unwrap_or((text.trim(), ""));
        let (id, span) = ids.split_once('/').unwrap_or((ids, ""));
        let id = id.to_ascii_lowercase();
        let span = span.parse::<u64>().ok().filter(|span| *span > 0);
        is_id(&id, 32).then(|| Self {
            id,
            span: span.map(|span| format!("{span:016x}")),
            sampled: options.trim() == "o=1",
        })
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns whether it is an id: an id of zeros is none.
fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(headers: &[(&'static str, &str)]) -> Option<Trace> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Trace::of(&map)
    }

    fn trace(span: Option<&str>, sampled: bool) -> Option<Trace> {
        Some(Trace { id: ID.to_owned(), span: span.map(str::to_owned), sampled })
    }

    #[test]
    fn the_standard_and_googles_form_are_read() {
        let standard = |text: &str| of(&[("traceparent", text)]);
        let span = "00f067aa0ba902b7";
        assert_eq!(standard(&format!("00-{ID}-{span}-01")), trace(Some(span), true));
        assert_eq!(standard(&format!("00-{ID}-{span}-00")), trace(Some(span), false));
        assert_eq!(standard(&format!("01-{ID}-{span}-03-more")), trace(Some(span), true));
        let google = |text: &str| of(&[("x-cloud-trace-context", text)]);
        assert_eq!(google(&format!("{ID}/67667974448284343;o=1")), trace(Some(span), true));
        assert_eq!(google(&format!("{}/0;o=0", ID.to_uppercase())), trace(None, false));
        assert_eq!(google(ID), trace(None, false));
    }

    #[test]
    fn the_standard_goes_before_googles_form() {
        let other = "0af7651916cd43dd8448eb211c80319c";
        let google = ("x-cloud-trace-context", ID);
        let standard = format!("00-{other}-00f067aa0ba902b7-01");
        assert_eq!(of(&[google, ("traceparent", &standard)]).unwrap().id, other);
        assert_eq!(of(&[google, ("traceparent", "nonsense")]).unwrap().id, ID);
    }

    #[test]
    fn what_is_no_trace_is_left_out() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "-".repeat(10),
            format!("ff-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7-01-more"),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
            format!("00-{ID}-00f067aa0ba902b7-0x"),
        ] {
            assert_eq!(of(&[("traceparent", &text)]), None, "{text}");
        }
        for text in ["", "/1;o=1", &zeros, &ID[1..], "4bf92f3577b34da6a3ce929d0e0e473g"] {
            assert_eq!(of(&[("x-cloud-trace-context", text)]), None, "{text}");
        }
    }
}
