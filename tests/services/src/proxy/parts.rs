//! The rules that R2 has for the parts of an upload.

use std::collections::HashMap;

use hyper::{Method, Request, header::CONTENT_LENGTH};

use super::rule::{Reply, pairs};
use crate::s3::elements;

/// What the parts of an upload must be. The default is what R2 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartRules {
    /// So many at most.
    pub count: u32,
    /// Each but the last one is so large at least, in bytes.
    pub size: u64,
}

impl Default for PartRules {
    fn default() -> Self {
        Self { count: 10_000, size: 5 << 20 }
    }
}

/// The parts that were sent.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) rules: Option<PartRules>,
    /// The size of each, by its upload and its number.
    sizes: HashMap<(String, u32), u64>,
}

impl Parts {
    /// Looks at a request before its body is read. Refuses a part that is one too many.
    pub(super) fn look<B>(&mut self, request: &Request<B>) -> Option<Reply> {
        let rules = self.rules?;
        let (upload, number) = (upload(request)?, query(request, "partNumber")?.parse().ok()?);
        if request.method() != Method::PUT {
            return None;
        }
        if number > rules.count {
            let message =
                format!("Part number must be an integer between 1 and {}, inclusive", rules.count);
            return Some(Reply::s3(400, "InvalidArgument", &message));
        }
        let size = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
        self.sizes.insert((upload, number), size);
        None
    }

    /// Returns whether the request completes an upload, so that its body matters.
    pub(super) fn completes<B>(&self, request: &Request<B>) -> bool {
        self.rules.is_some() && request.method() == Method::POST && upload(request).is_some()
    }

    /// Refuses to put together what breaks the rules. `listed` is the body of the request.
    pub(super) fn complete<B>(&self, request: &Request<B>, listed: &str) -> Option<Reply> {
        let rules = self.rules?;
        let upload = upload(request)?;
        let size = |number: &String| {
            let number = number.trim().parse().ok()?;
            self.sizes.get(&(upload.clone(), number)).copied()
        };
        let numbers = elements(listed, "PartNumber");
        let Some(sizes) = numbers.iter().map(size).collect::<Option<Vec<u64>>>() else {
            return Some(invalid("One or more of the specified parts could not be found."));
        };
        if sizes.len() > rules.count as usize {
            return Some(invalid("There are more parts than are allowed."));
        }
        let (last, others) = sizes.split_last()?;
        if others.iter().any(|size| *size != others[0]) || others.iter().any(|size| last > size) {
            return Some(invalid("All non-trailing parts must have the same length."));
        }
        if others.iter().any(|size| *size < rules.size) {
            return Some(Reply::s3(
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed object size.",
            ));
        }
        None
    }
}

fn invalid(message: &str) -> Reply {
    Reply::s3(400, "InvalidPart", message)
}

fn upload<B>(request: &Request<B>) -> Option<String> {
    query(request, "uploadId")
}

fn query<B>(request: &Request<B>, key: &str) -> Option<String> {
    pairs(request.uri()).find(|(found, _)| *found == key).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PartRules = PartRules { count: 3, size: 10 };

    fn request(method: &str, query: &str, size: u64) -> Request<()> {
        Request::builder()
            .method(method)
            .uri(format!("/b/k?{query}"))
            .header(CONTENT_LENGTH, size)
            .body(())
            .unwrap()
    }

    /// Sends parts of these sizes and completes the upload; returns what the store said of it.
    fn completed(sizes: &[u64]) -> Option<String> {
        let mut parts = Parts { rules: Some(RULES), ..Parts::default() };
        let mut listed = String::new();
        for (number, size) in (1..).zip(sizes) {
            let part = request("PUT", &format!("partNumber={number}&uploadId=u"), *size);
            if let Some(reply) = parts.look(&part) {
                return Some(reply.body);
            }
            listed.push_str(&format!("<Part><PartNumber>{number}</PartNumber></Part>"));
        }
        let complete = request("POST", "uploadId=u", 0);
        assert!(parts.completes(&complete));
        parts.complete(&complete, &listed).map(|reply| reply.body)
    }

    #[test]
    fn parts_are_equal_but_the_last_and_large_enough_and_not_too_many() {
        for sizes in [&[3][..], &[10, 10], &[10, 3], &[11, 11, 1]] {
            assert_eq!(completed(sizes), None, "{sizes:?}");
        }
        for (sizes, says) in [
            (&[10, 11, 1][..], "same length"),
            (&[10, 11], "same length"),
            (&[9, 9, 9], "smaller than the minimum"),
            (&[10, 10, 10, 1], "between 1 and 3"),
        ] {
            let refused = completed(sizes).unwrap_or_default();
            assert!(refused.contains(says), "{sizes:?}: {refused}");
        }
    }

    #[test]
    fn a_part_that_was_never_sent_is_missed() {
        let parts = Parts { rules: Some(RULES), ..Parts::default() };
        let complete = request("POST", "uploadId=u", 0);
        let reply = parts.complete(&complete, "<PartNumber>1</PartNumber>").unwrap();
        assert!(reply.body.contains("could not be found"), "{}", reply.body);
    }
}
