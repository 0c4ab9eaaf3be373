//! Requests that the `postgrest` crate makes, sent by a client of ours, and the rows that come back.
//!
//! What is read is read again where that can help. What is changed is sent once; when it is not clear
//! what became of it, it is looked up before it is sent again.

use std::{net::IpAddr, time::Duration};

use postgrest::{Builder, Postgrest};
use reqwest::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde_json::{Map, Value};
use tundra_core::{CatalogError, CatalogStanding};
use url::{Host, Url};
use uuid::Uuid;

use super::{
    failure::{Failure, Problem, Refusal, Words},
    settings::{SupabaseSettings, WithCause, unusable},
};
use crate::upstream::{Judge, Upstream};

/// A row as JSON.
pub(super) type Row = Map<String, Value>;

/// Rows of one answer.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// How many there are in all, where that was asked.
    pub(super) total: Option<usize>,
}

/// What became of a change.
#[derive(Debug)]
pub(super) enum Changed<T> {
    /// It was answered with the rows that it changed.
    Answered(Vec<Row>),
    /// Its answer was lost, and this was found instead.
    Found(T),
}

/// What PostgREST is asked with.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    tables: Tables,
    upstream: Upstream,
}

/// Makes requests and sends none: the HTTP library inside it is long superseded.
struct Tables(Postgrest);

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables")
    }
}

/// The gateway of Supabase asks for the key here.
const API_KEY: HeaderName = HeaderName::from_static("apikey");

/// The longest answer, in bytes. A page of versions with a thousand columns each is a tenth of it.
const LONGEST_ANSWER: usize = 64 << 20;

impl Client {
    pub(super) fn new(settings: &SupabaseSettings) -> Result<Self, CatalogError> {
        let url = settings.url()?;
        let tls = tundra_net::tls::config()
            .map_err(|error| unusable("there are no certificates").with_cause(error))?;
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("tundra/", env!("CARGO_PKG_VERSION")))
            .default_headers(key_headers(settings)?)
            .connect_timeout(settings.upstream.connect_timeout)
            .timeout(settings.upstream.timeout)
            .tcp_nodelay(true)
            // A key is for one address, and a change that is redirected is a different request.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Only this module knows what may be sent twice.
            .retry(reqwest::retry::never());
        if is_next_door(&url) {
            http = http.no_proxy();
        } else if url.scheme() == "http" {
            tracing::warn!(
                host = url.host_str(),
                "the key of the catalog goes over an open connection"
            );
        }
        let http = http.build();
        let http = http.map_err(|error| unusable("there is no HTTP client").with_cause(error))?;
        let mut tables = Postgrest::new(url.as_str().trim_end_matches('/'));
        if let Some(schema) = &settings.schema {
            // The crate panics for what cannot stand in a header.
            if HeaderValue::from_str(schema).is_err() {
                return Err(unusable("the name of the schema cannot be sent"));
            }
            tables = tables.schema(schema);
        }
        Ok(Self { http, tables: Tables(tables), upstream: Upstream::new(&settings.upstream) })
    }

    /// Returns how we stand with the server.
    pub(super) fn standing(&self) -> CatalogStanding {
        self.upstream.standing()
    }

    /// Begins a request about a table.
    pub(super) fn table(&self, name: &str) -> Builder {
        self.tables.0.from(name)
    }

    /// Sends what changes nothing, again where that can help. With an id, rows of another one are no
    /// answer.
    pub(super) async fn read(&self, request: Builder, id: Option<Uuid>) -> Result<Page, Failure> {
        let request = written(request)?;
        Ok(self.upstream.repeatedly(|| self.exchange(&request, id)).await?)
    }

    /// Sends a change, with an id that of one row. When it is not clear what became of it, `look` says:
    /// it finds what the change was to make, or nothing when it was not made, so that it is sent again.
    pub(super) async fn change<T, F>(
        &self,
        request: Builder,
        id: Option<Uuid>,
        look: impl Fn() -> F,
    ) -> Result<Changed<T>, Problem>
    where
        F: Future<Output = Result<Option<T>, Problem>>,
    {
        let request = written(request)?;
        let mut waits = self.upstream.waits();
        let mut is_repeated = false;
        loop {
            let sent = self.upstream.once(self.exchange(&request, id)).await;
            let failure = match sent.map_err(Failure::from) {
                Ok(page) => return Ok(Changed::Answered(page.rows)),
                Err(failure) if failure.leaves_open() => failure,
                Err(failure) => {
                    // The first one may have been on its way all the time.
                    if is_repeated && let Ok(Some(found)) = look().await {
                        return Ok(Changed::Found(found));
                    }
                    return Err(failure.into());
                }
            };
            is_repeated = true;
            match look().await {
                Ok(Some(found)) => return Ok(Changed::Found(found)),
                Ok(None) => {}
                // What the row says is clear, if nothing else is.
                Err(problem @ Problem::Stated { .. }) => return Err(problem),
                Err(Problem::Failed(_) | Problem::Unknown(_)) => {
                    return Err(Problem::Unknown(failure));
                }
            }
            if !waits.wait(failure.verdict()).await {
                return Err(failure.into());
            }
        }
    }

    /// Sends a request once. Rows of another id than asked are no answer.
    async fn exchange(&self, request: &Request, id: Option<Uuid>) -> Result<Page, Failure> {
        // Its body is in memory.
        let request = request.try_clone().ok_or_else(|| unsendable("its body is gone"))?;
        let mut response = self.http.execute(request).await.map_err(Failure::Lost)?;
        let (status, total) = (response.status(), total_of(response.headers()));
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Failure::Lost)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(Failure::Garbage { status, found: "more than 64 MiB" });
            }
            body.extend_from_slice(&chunk);
        }
        let garbage = |found| Failure::Garbage { status, found };
        // Before its version 10, PostgREST answered 404 for a change that no row was found for.
        let is_answer = status.is_success() || status == StatusCode::NOT_FOUND;
        if is_answer && let Ok(rows) = serde_json::from_slice::<Vec<Row>>(&body) {
            if rows.iter().any(|row| id.is_some_and(|id| id_of(row) != Some(id))) {
                return Err(garbage("the row of something else"));
            }
            return Ok(Page { rows, total });
        }
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            // What was behind the page before has gone.
            return Ok(Page { rows: Vec::new(), total });
        }
        if status.is_success() {
            return Err(garbage("what are no rows in JSON"));
        }
        if !status.is_client_error() && !status.is_server_error() {
            return Err(garbage("a way to somewhere else"));
        }
        let words = serde_json::from_slice::<Words>(&body);
        if words.is_err() && matches!(status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT) {
            // Of these it matters why, and only PostgREST says it.
            return Err(garbage("what is no reason in JSON"));
        }
        let words = words.unwrap_or_default();
        Err(Failure::Refused(Box::new(Refusal { status, retry_after, words })))
    }
}

/// Returns the headers that let us in, which do not show in `Debug`.
fn key_headers(settings: &SupabaseSettings) -> Result<HeaderMap, CatalogError> {
    let sensitive = |text: &str| {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| unusable("the key of the catalog has characters that no key has"))?;
        value.set_sensitive(true);
        Ok::<_, CatalogError>(value)
    };
    let key = settings.key.expose();
    if key.is_empty() {
        return Err(unusable("the key of the catalog is empty"));
    }
    let mut headers = HeaderMap::new();
    headers.insert(API_KEY, sensitive(key)?);
    if settings.key_is_token() {
        // The gateway takes a secret key for no token, and refuses it here.
        headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {key}"))?);
    }
    Ok(headers)
}

/// Returns the request that was made for another HTTP library as one for ours.
fn written(request: Builder) -> Result<Request, Failure> {
    let made = request.build().build().map_err(|error| Failure::Unsendable(error.into()))?;
    let method = Method::from_bytes(made.method().as_str().as_bytes());
    let method = method.map_err(|error| Failure::Unsendable(error.into()))?;
    let mut url = made.url().clone();
    // Every plus sign stands for a space, which not everybody knows who reads addresses.
    let query = url.query().map(|query| query.replace('+', "%20"));
    url.set_query(query.as_deref());
    let mut request = Request::new(method, url);
    for (name, value) in made.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        let (Ok(name), Ok(value)) = (name, value) else { return Err(unsendable("a header")) };
        request.headers_mut().insert(name, value);
    }
    if let Some(body) = made.body().and_then(|body| body.as_bytes())
        && !body.is_empty()
    {
        *request.body_mut() = Some(body.to_vec().into());
    }
    Ok(request)
}

fn unsendable(what: &'static str) -> Failure {
    Failure::Unsendable(what.into())
}

/// Returns whether no proxy can be meant.
fn is_next_door(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}

pub(super) fn id_of(row: &Row) -> Option<Uuid> {
    row.get("id")?.as_str().and_then(|id| Uuid::try_parse(id).ok())
}

/// Reads `0-9/57`: the last number, which may be `*`.
fn total_of(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.rsplit_once('/')?.1.parse().ok()
}

/// Reads for how many seconds to wait. The other form, a date, is no reason to trust two clocks.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use tundra_core::Secret;

    use super::*;

    fn client(key: &str) -> Client {
        Client::new(&SupabaseSettings::bare("http://127.0.0.1:1/rest/v1/", Secret::new(key)))
            .unwrap()
    }

    #[test]
    fn a_request_is_sent_as_the_crate_made_it() {
        let client = client("k");
        let request = client.table("sources").eq("name", "a&b=c +ä").update(r#"{"x":1}"#);
        let request = written(request).unwrap();
        assert_eq!(request.method(), Method::PATCH);
        assert_eq!(
            request.url().as_str(),
            "http://127.0.0.1:1/rest/v1/sources?name=eq.a%26b%3Dc%20%2B%C3%A4"
        );
        assert_eq!(request.headers()["prefer"], "return=representation");
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.body().unwrap().as_bytes().unwrap(), br#"{"x":1}"#);
        assert!(written(client.table("sources").select("*")).unwrap().body().is_none());
    }

    #[test]
    fn a_secret_key_is_no_bearer_token() {
        let headers =
            |key: &str| key_headers(&SupabaseSettings::bare("http://h", Secret::new(key))).unwrap();
        let secret = headers("sb_secret_hush");
        assert_eq!(secret["apikey"], "sb_secret_hush");
        assert!(!secret.contains_key("authorization"));
        let token = headers("eyJhIjoxfQ.eyJiIjoyfQ.hush");
        assert_eq!(token["apikey"], "eyJhIjoxfQ.eyJiIjoyfQ.hush");
        assert_eq!(token["authorization"], "Bearer eyJhIjoxfQ.eyJiIjoyfQ.hush");
        assert!(!format!("{secret:?} {token:?} {:?}", client("sb_secret_hush")).contains("hush"));
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused_without_showing_it() {
        for key in ["", "hush\nX-Evil: 1", "hush\u{7f}"] {
            let settings = SupabaseSettings::bare("http://h", Secret::new(key));
            let error = Client::new(&settings).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn headers_of_answers_are_read() {
        let headers = |name: HeaderName, text: &'static str| {
            HeaderMap::from_iter([(name, HeaderValue::from_static(text))])
        };
        assert_eq!(total_of(&headers(CONTENT_RANGE, "0-9/57")), Some(57));
        assert_eq!(total_of(&headers(CONTENT_RANGE, "*/0")), Some(0));
        assert_eq!(total_of(&headers(CONTENT_RANGE, "0-9/*")), None);
        assert_eq!(retry_after(&headers(RETRY_AFTER, "7")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&headers(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT")), None);
    }

    #[test]
    fn no_proxy_stands_before_this_machine() {
        let next_door = |url: &str| is_next_door(&url.parse().unwrap());
        assert!(next_door("http://localhost:1") && next_door("http://127.9.9.9"));
        assert!(next_door("http://[::1]:3") && !next_door("http://10.0.0.1"));
        assert!(!next_door("https://localhost.example"));
    }
}
