//! One page of a list of uploads, as S3 writes it.

use serde::Deserialize;

use super::{AbandonedUpload, Marker};

/// One page of a list of uploads.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) uploads: Vec<AbandonedUpload>,
    /// Where the next one begins, if there is one.
    pub(super) next: Option<Marker>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "ListMultipartUploadsResult", rename_all = "PascalCase")]
struct List {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: String,
    #[serde(default)]
    next_upload_id_marker: String,
    #[serde(default)]
    upload: Vec<Upload>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    upload_id: String,
    initiated: String,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// Fails, in words that go on after "the list of uploads", when it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if !text.contains("<ListMultipartUploadsResult") {
            return Err("is none".to_owned());
        }
        let list: List =
            quick_xml::de::from_str(text).map_err(|error| format!("cannot be read: {error}"))?;
        let uploads = list.upload.into_iter().map(|upload| {
            let begun = humantime::parse_rfc3339(&upload.initiated)
                .map_err(|_| "has a time that cannot be read".to_owned())?;
            Ok(AbandonedUpload { key: upload.key, id: upload.upload_id, begun })
        });
        let next = list
            .is_truncated
            .then_some(Marker { key: list.next_key_marker, id: list.next_upload_id_marker });
        Ok(Self { uploads: uploads.collect::<Result<_, String>>()?, next })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_page_has_uploads_and_may_have_a_next_one() {
        let page = Page::parse(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Bucket>b</Bucket><KeyMarker></KeyMarker><NextKeyMarker>c</NextKeyMarker>\
             <NextUploadIdMarker>2</NextUploadIdMarker><IsTruncated>true</IsTruncated>\
             <Upload><Key>a &amp; b</Key><UploadId>1</UploadId><Owner><ID>x</ID></Owner>\
             <Initiated>1970-01-01T00:00:10.500Z</Initiated></Upload>\
             <Upload><Key>c</Key><UploadId>2</UploadId><Initiated>1970-01-01T00:00:20Z\
             </Initiated></Upload></ListMultipartUploadsResult>",
        )
        .unwrap();
        let begun = UNIX_EPOCH + Duration::from_millis(10_500);
        let first = AbandonedUpload { key: "a & b".to_owned(), id: "1".to_owned(), begun };
        assert_eq!(page.uploads[0], first);
        assert_eq!(page.uploads.len(), 2);
        assert_eq!(page.next, Some(Marker { key: "c".to_owned(), id: "2".to_owned() }));
    }

    #[test]
    fn an_empty_page_is_the_last() {
        let page = Page::parse(
            "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>\
             <NextKeyMarker></NextKeyMarker></ListMultipartUploadsResult>",
        )
        .unwrap();
        assert!(page.uploads.is_empty() && page.next.is_none());
    }

    #[test]
    fn what_is_no_list_is_said() {
        for text in ["", "<html></html>", "<Error/>"] {
            assert_eq!(Page::parse(text).unwrap_err(), "is none");
        }
        let error = Page::parse(
            "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>1</UploadId>\
             <Initiated>yesterday</Initiated></Upload></ListMultipartUploadsResult>",
        );
        assert_eq!(error.unwrap_err(), "has a time that cannot be read");
    }
}
