//! A project at Supabase, as far as its tables and its tokens go.

use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{PostgRest, background::Background};

/// The secret key of the project.
const SECRET_KEY: &str = "sb_secret_of_the_tests_of_tundra";

/// Below which the tables are.
const REST: &str = "/rest/v1";

/// Where a project publishes the keys that its tokens are signed with.
const KEYS: &str = "/auth/v1/.well-known/jwks.json";

/// Supabase's gateway before a PostgREST of its own. Both end when it is dropped.
///
/// It does what clients of the tables notice: these are below `/rest/v1`, whoever has no key is not let in,
/// a secret key stands for the role `service_role` and is no bearer token. The project publishes no keys: its
/// tokens are signed with a secret.
#[derive(Debug)]
pub struct Supabase {
    // Dropped first, so that nobody is asked who is not there any more.
    gateway: Background,
    rest: PostgRest,
}

#[derive(Debug)]
struct Gateway {
    upstream: String,
    service_token: &'static str,
    client: Client<HttpConnector, Full<Bytes>>,
}

type Reply = Response<Full<Bytes>>;

impl Supabase {
    /// Starts the gateway before a PostgREST.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(rest: PostgRest) -> anyhow::Result<Self> {
        let gateway = Arc::new(Gateway {
            upstream: rest.endpoint(),
            service_token: rest.service_key(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        });
        let gateway = Background::start("supabase", |listener| accept(listener, gateway))?;
        Ok(Self { gateway, rest })
    }

    /// Returns where the project is, as `SUPABASE_URL` has it.
    #[must_use]
    pub fn url(&self) -> String {
        self.gateway.endpoint()
    }

    /// Returns the key that may do everything, as `SUPABASE_SECRET_KEY` has it.
    #[must_use]
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// Returns what is behind the gateway.
    #[must_use]
    pub fn rest(&self) -> &PostgRest {
        &self.rest
    }
}

async fn accept(listener: TcpListener, gateway: Arc<Gateway>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let gateway = Arc::clone(&gateway);
        let service = service_fn(move |request| {
            let gateway = Arc::clone(&gateway);
            async move { gateway.answer(request).await }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(connection);
        while connections.try_join_next().is_some() {}
    }
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>) -> anyhow::Result<Reply> {
        let (mut head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let target = head.uri.path_and_query().context("a request has a path")?.as_str();
        if head.uri.path() == KEYS {
            return json(StatusCode::OK, r#"{"keys":[]}"#);
        }
        let Some(target) = target.strip_prefix(REST) else {
            return json(StatusCode::NOT_FOUND, r#"{"message":"no such path"}"#);
        };
        let has_key = head.headers.get("apikey").is_some_and(|key| key == SECRET_KEY);
        if !has_key || head.headers.contains_key(AUTHORIZATION) {
            return json(StatusCode::UNAUTHORIZED, r#"{"message":"Invalid API key"}"#);
        }
        let uri = format!("{}{target}", self.upstream);
        for name in [HOST, CONNECTION] {
            head.headers.remove(name);
        }
        head.headers.insert(AUTHORIZATION, format!("Bearer {}", self.service_token).parse()?);
        head.uri = uri.parse()?;
        let answer = self.client.request(Request::from_parts(head, Full::new(body))).await?;
        let (head, body) = answer.into_parts();
        Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
    }
}

fn json(status: StatusCode, text: &'static str) -> anyhow::Result<Reply> {
    let reply = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    Ok(reply.body(Full::from(text))?)
}
