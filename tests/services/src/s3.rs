//! An S3 server, and single requests to it, signed.

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use object_store::{
    aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential},
    client::HttpRequest,
};

/// A bucket on a server that speaks S3, by path style and without TLS, with a key.
#[derive(Debug, Clone)]
pub struct S3 {
    /// Where it is, such as `http://127.0.0.1:3900`.
    pub endpoint: String,
    /// What requests are signed for.
    pub region: String,
    /// A bucket.
    pub bucket: String,
    /// The name of the key.
    pub key: String,
    /// Its secret.
    pub secret: String,
}

/// What the server said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl S3 {
    /// Returns the same at another address: that of a proxy, or of nobody.
    #[must_use]
    pub fn at(&self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..self.clone() }
    }

    /// Returns another bucket of the same server.
    #[must_use]
    pub fn with_bucket(&self, bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), ..self.clone() }
    }

    /// Makes a bucket that no other test has, and returns it. Needs a key that may.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn new_bucket(&self) -> anyhow::Result<Self> {
        // The end of a temporary file's name is as random as it needs to be.
        let random = tempfile::Builder::new().prefix("test-").rand_bytes(12).tempfile()?;
        let name = random.path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let bucket = self.with_bucket(name);
        bucket.request("PUT", "", &[], Bytes::new()).await?.success()?;
        Ok(bucket)
    }

    /// Sends a signed request for what stands behind `BUCKET/`: a key and a query, both encoded.
    ///
    /// # Errors
    /// When nobody answers. An answer that refuses is an [`Answer`].
    pub async fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let body = body.into();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/{}/{target}", self.endpoint, self.bucket));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut signed: HttpRequest = request.body(body.clone().into())?;
        let credential = AwsCredential {
            key_id: self.key.clone(),
            secret_key: self.secret.clone(),
            token: None,
        };
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .try_authorize(&mut signed, None)
            .map_err(|error| anyhow!("could not sign: {error}"))?;
        let request = signed.map(|_| Full::new(body));
        let client: Client<HttpConnector, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await.context("nobody answers")?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.context("the answer breaks off")?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Returns the keys of the multipart uploads below `prefix` that are neither completed nor aborted.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn uploads(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let target = format!("?uploads&prefix={prefix}");
        let answer = self.request("GET", &target, &[], Bytes::new()).await?.success()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if text.contains("<IsTruncated>true") {
            bail!("there are more uploads than the server lists at once");
        }
        Ok(elements(&text, "Key"))
    }

    /// Returns the keys of the objects below `prefix`, in their order.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn keys(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let target = format!("?list-type=2&prefix={prefix}");
        let answer = self.request("GET", &target, &[], Bytes::new()).await?.success()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if text.contains("<IsTruncated>true") {
            bail!("there are more objects than the server lists at once");
        }
        Ok(elements(&text, "Key"))
    }

    /// Returns a client's settings for this bucket.
    #[must_use]
    pub fn builder(&self) -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_region(&self.region)
            .with_bucket_name(&self.bucket)
            .with_access_key_id(&self.key)
            .with_secret_access_key(&self.secret)
            .with_allow_http(true)
    }
}

impl Answer {
    /// Returns the answer if the server did as it was asked.
    ///
    /// # Errors
    /// When it did not, with what it said.
    pub fn success(self) -> anyhow::Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        bail!("got {}: {}", self.status, String::from_utf8_lossy(&self.body))
    }

    /// Returns what stands in the first `<name>` of the body.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<String> {
        elements(&String::from_utf8_lossy(&self.body), name).into_iter().next()
    }
}

/// Returns what stands in the elements of this name. Enough for what servers write here, which has
/// no attributes, comments or escapes.
pub(crate) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split_once(&close))
        .map(|(text, _)| text.to_owned())
        .collect()
}
