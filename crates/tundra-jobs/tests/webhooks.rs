//! Webhooks, called on real servers.

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    HeaderMap, Request, Response, StatusCode, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc};
use tundra_core::{Classify, ErrorKind};
use tundra_jobs::{
    Delivery, DerivedKeys, Job, JobStore, Jobs, JobsError, JobsSettings, MemoryJobs, NewJob, Reach,
    SigningKey, SqliteJobs, Webhook, WebhookSettings,
};

use crate::support::{Scripted, job, start, submit};

const ALL: tundra_core::Scope = tundra_core::Scope::All;

/// What the server answers to one request.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Status(u16),
    /// Somewhere else on this server.
    Redirect,
    /// With the header `Retry-After`, in seconds.
    Busy(u64),
    /// Never.
    Nothing,
}

/// A request that came.
struct Heard {
    method: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A server that answers as it was told, and with 204 after that.
struct Receiver {
    url: String,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Receiver {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks?token=hunter2", listener.local_addr().unwrap());
        let mut answers: Vec<Answer> = answers.into_iter().collect();
        answers.reverse();
        let answers = Arc::new(Mutex::new(answers));
        let (sender, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, sender) = (Arc::clone(&answers), sender.clone());
                let service = service_fn(move |request| {
                    answer(request, Arc::clone(&answers), sender.clone())
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, heard }
    }

    async fn hear(&mut self) -> Heard {
        self.heard.recv().await.unwrap()
    }
}

async fn answer(
    request: Request<Incoming>,
    answers: Arc<Mutex<Vec<Answer>>>,
    sender: mpsc::UnboundedSender<Heard>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let answer = answers.lock().unwrap().pop().unwrap_or(Answer::Status(204));
    let path = parts.uri.path_and_query().unwrap().to_string();
    let heard = Heard { method: parts.method.to_string(), path, headers: parts.headers, body };
    // The test may have ended.
    let _ = sender.send(heard);
    let response = Response::builder();
    let response = match answer {
        Answer::Status(status) => response.status(status),
        Answer::Redirect => response.status(308).header(header::LOCATION, "/elsewhere"),
        Answer::Busy(after) => response.status(429).header(header::RETRY_AFTER, after),
        Answer::Nothing => std::future::pending().await,
    };
    Ok(response.body(Empty::new()).unwrap())
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes([byte; 32]).unwrap()
}

/// Returns settings with which nobody waits long, for receivers on this machine.
fn webhooks() -> WebhookSettings {
    WebhookSettings {
        reach: Reach::Private,
        tries: 4,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(10),
        ..WebhookSettings::new(Arc::new(DerivedKeys::new([key(1), key(2)])))
    }
}

/// The time of the day, because the receivers look at the timestamps.
fn settings(webhooks: WebhookSettings) -> JobsSettings {
    let poll_every = Duration::from_millis(5);
    JobsSettings { webhooks: Some(webhooks), poll_every, ..JobsSettings::default() }
}

async fn jobs(webhooks: WebhookSettings) -> Jobs {
    start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings(webhooks)).await
}

fn told(kind: &str, url: &str) -> NewJob {
    NewJob { webhook: Some(url.parse().unwrap()), ..job(kind) }
}

/// Waits until nothing is to be told any more of a job.
async fn settled(jobs: &Jobs, job: &Job) -> Webhook {
    loop {
        let now = jobs.get(&ALL, job.id).await.unwrap();
        let webhook = now.webhook.unwrap();
        if matches!(webhook.delivery, Delivery::Delivered(_) | Delivery::GivenUp(_)) {
            return webhook;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Checks the signature as a receiver does, with each of its keys.
fn check(heard: &Heard) {
    for key in DerivedKeys::new([key(1), key(2)]).of(&"acme".parse().unwrap()) {
        let receiver = standardwebhooks::Webhook::new(key.reveal().expose()).unwrap();
        receiver.verify(&heard.body, &heard.headers).unwrap();
    }
    let mut changed = heard.body.to_vec();
    changed[0] ^= 1;
    let other = DerivedKeys::new([key(1)]).of(&"other".parse().unwrap());
    let stranger = standardwebhooks::Webhook::new(other[0].reveal().expose()).unwrap();
    assert!(stranger.verify(&heard.body, &heard.headers).is_err());
    assert!(stranger.verify(&changed, &heard.headers).is_err());
}

fn text<'a>(heard: &'a Heard, name: &str) -> &'a str {
    heard.headers[name].to_str().unwrap()
}

#[tokio::test]
async fn the_end_of_a_job_is_told_with_a_signature_that_receivers_can_check() {
    let mut receiver = Receiver::start([]).await;
    let jobs = jobs(webhooks()).await;
    for (kind, status) in [("echo", "done"), ("fail", "failed")] {
        let job = submit(&jobs, &told(kind, &receiver.url)).await;
        let heard = receiver.hear().await;
        assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/hooks?token=hunter2"));
        assert_eq!(text(&heard, "content-type"), "application/json");
        assert_eq!(text(&heard, "webhook-id"), format!("msg_{}", job.id.as_uuid().simple()));
        check(&heard);
        let event: Value = serde_json::from_slice(&heard.body).unwrap();
        assert_eq!(event["type"], format!("job.{status}"));
        let ended = jobs.get(&ALL, job.id).await.unwrap();
        assert_eq!(event["data"]["id"], job.id.to_string());
        assert_eq!(event["data"]["ended_at"], tundra_jobs::document(&ended)["ended_at"]);
        let webhook = settled(&jobs, &job).await;
        assert!(matches!(webhook.delivery, Delivery::Delivered(_)), "{webhook:?}");
        assert_eq!((webhook.tries, webhook.last_error), (1, None));
    }
}

#[tokio::test]
async fn who_does_not_listen_is_told_again_under_the_same_id() {
    let answers = [Answer::Status(503), Answer::Status(404), Answer::Redirect];
    let mut receiver = Receiver::start(answers).await;
    let jobs = jobs(webhooks()).await;
    let job = submit(&jobs, &told("echo", &receiver.url)).await;
    let webhook = settled(&jobs, &job).await;
    assert!(matches!(webhook.delivery, Delivery::Delivered(_)), "{webhook:?}");
    assert_eq!(webhook.tries, 4);
    let first = receiver.hear().await;
    for _ in 1..4 {
        let again = receiver.hear().await;
        check(&again);
        assert_eq!(again.path, "/hooks?token=hunter2", "redirects are not followed");
        assert_eq!(text(&again, "webhook-id"), text(&first, "webhook-id"));
        assert_eq!(again.body, first.body);
    }
}

#[tokio::test]
async fn who_never_listens_is_given_up_and_who_is_gone_at_once() {
    let jobs = jobs(webhooks()).await;
    let never = Receiver::start([Answer::Status(500); 9]).await;
    let job = submit(&jobs, &told("echo", &never.url)).await;
    let webhook = settled(&jobs, &job).await;
    assert!(matches!(webhook.delivery, Delivery::GivenUp(_)), "{webhook:?}");
    assert_eq!(webhook.tries, 4);
    let error = webhook.last_error.unwrap();
    assert_eq!(error, "the receiver answered 500 Internal Server Error");

    let gone = Receiver::start([Answer::Status(StatusCode::GONE.as_u16())]).await;
    let job = submit(&jobs, &told("echo", &gone.url)).await;
    let webhook = settled(&jobs, &job).await;
    assert!(matches!(webhook.delivery, Delivery::GivenUp(_)), "{webhook:?}");
    assert_eq!(webhook.tries, 1);
}

#[tokio::test]
async fn who_is_silent_or_away_does_not_hold_up_others() {
    let timeout = Duration::from_millis(100);
    let jobs = jobs(WebhookSettings { timeout, tries: 2, at_once: 2, ..webhooks() }).await;
    let silent = Receiver::start([Answer::Nothing; 9]).await;
    let job = submit(&jobs, &told("echo", &silent.url)).await;
    let mut well = Receiver::start([]).await;
    submit(&jobs, &told("echo", &well.url)).await;
    well.hear().await;
    let webhook = settled(&jobs, &job).await;
    assert_eq!(webhook.last_error.unwrap(), "the receiver did not answer in time");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}/hunter2", listener.local_addr().unwrap());
    drop(listener);
    let job = submit(&jobs, &told("echo", &away)).await;
    let error = settled(&jobs, &job).await.last_error.unwrap();
    assert!(error.starts_with("the receiver could not be reached: "), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn who_asks_for_time_gets_it() {
    let receiver = Receiver::start([Answer::Busy(3600)]).await;
    let jobs = jobs(webhooks()).await;
    let job = submit(&jobs, &told("echo", &receiver.url)).await;
    let (due, ended) = loop {
        let now = jobs.get(&ALL, job.id).await.unwrap();
        let webhook = now.webhook.unwrap();
        if let (Delivery::Due(at), Some(_)) = (webhook.delivery, webhook.last_error) {
            break (at, now.ended_at.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    let wait = due.duration_since(ended).unwrap().as_secs();
    assert!((3600..3660).contains(&wait), "{wait}");
}

#[tokio::test]
async fn what_leads_into_the_own_network_is_refused_when_the_job_is_asked_for() {
    let jobs = jobs(WebhookSettings { reach: Reach::Public, ..webhooks() }).await;
    for url in [
        "http://hooks.example/hunter2",
        "https://127.0.0.1/hunter2",
        "https://2130706433/hunter2",
        "https://[::ffff:169.254.169.254]/hunter2",
    ] {
        let error = jobs.submit(&told("echo", url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    assert_eq!(jobs.depth().await.unwrap(), 0);
}

#[tokio::test]
async fn a_name_that_leads_into_the_own_network_is_refused_when_it_is_called() {
    let jobs = jobs(WebhookSettings { reach: Reach::Public, ..webhooks() }).await;
    let job = submit(&jobs, &told("echo", "https://localhost:9/hunter2")).await;
    let webhook = settled(&jobs, &job).await;
    assert!(matches!(webhook.delivery, Delivery::GivenUp(_)), "{webhook:?}");
    assert_eq!(webhook.tries, 1);
    let error = webhook.last_error.unwrap();
    assert!(error.ends_with("is this machine"), "{error}");
}

#[tokio::test]
async fn without_settings_there_are_no_webhooks() {
    let settings = JobsSettings::default();
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings).await;
    let error = jobs.submit(&told("echo", "https://hooks.example/")).await.unwrap_err();
    assert!(matches!(error, JobsError::NoWebhooks), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

async fn in_file(path: &Path) -> Arc<SqliteJobs> {
    Arc::new(SqliteJobs::open(path).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_no_webhook() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jobs.db");
    let mut receiver = Receiver::start([Answer::Status(503)]).await;
    let first_wait = Duration::from_millis(500);
    let patient = WebhookSettings { first_wait, longest_wait: first_wait, ..webhooks() };

    // The first process ends its job, and is refused.
    let store = in_file(&path).await;
    let jobs = start(&store, &Scripted::new(), settings(patient.clone())).await;
    let job = submit(&jobs, &told("echo", &receiver.url)).await;
    let first = receiver.hear().await;
    jobs.shutdown(Duration::from_secs(10)).await;
    drop(jobs);
    let left = store.get(&ALL, job.id).await.unwrap().webhook.unwrap();
    assert!(matches!(left.delivery, Delivery::Due(_)), "{left:?}");
    assert_eq!(left.last_error.as_deref(), Some("the receiver answered 503 Service Unavailable"));
    drop(store);

    // The next one tries again.
    let store = in_file(&path).await;
    let jobs = start(&store, &Scripted::new(), settings(patient)).await;
    let again = receiver.hear().await;
    check(&again);
    assert_eq!(text(&again, "webhook-id"), text(&first, "webhook-id"));
    assert_eq!(again.body, first.body);
    let webhook = settled(&jobs, &job).await;
    assert!(matches!(webhook.delivery, Delivery::Delivered(_)), "{webhook:?}");
    assert_eq!(webhook.tries, 2);
}
