//! `tundra health`: asks a server whether it is well.
//!
//! It is a health check of containers, which look at nothing but the exit code. The server is asked as it
//! stands, past any proxy of the environment, and a redirect is no answer.

use std::{error::Error as StdError, time::Duration};

use reqwest::{Client, StatusCode, Url, redirect};
use serde::Deserialize;

use crate::{
    args::HealthArgs,
    env,
    failure::Failure,
    printer::{Printer, printable},
    service::Listen,
    session,
};

/// What is asked for where nobody says.
const PATH: &str = "/health";

/// The longest answer. That of `/health/deep` has a few lines.
const LONGEST: usize = 64 << 10;

/// What is read of an answer.
#[derive(Debug, Deserialize)]
struct Answer {
    status: String,
}

/// Asks, and says what was answered.
///
/// # Errors
/// [`Failure::Unhealthy`] when the server does not say that it is healthy, and a failure of usage when there
/// is no telling where it is.
pub(crate) fn run(args: HealthArgs, printer: &Printer) -> Result<(), Failure> {
    let HealthArgs { url, timeout } = args;
    let url = match url {
        Some(text) => typed(&text)?,
        None => of_this_machine(env::listens()?)?,
    };
    session::run(None, async |session| {
        let asking = async {
            let unwell = |reason| Failure::Unhealthy { url: url.to_string(), reason };
            ask(&url, timeout).await.map_err(unwell)
        };
        session.unless_stopped(asking).await
    })?;
    printer.note(&format!("{url} is healthy\n"));
    Ok(())
}

/// Asks, and returns why the server is not well.
async fn ask(url: &Url, timeout: Duration) -> Result<(), String> {
    let tls = tundra_net::tls::config().map_err(|error| told(&error))?;
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("tundra/", env!("CARGO_PKG_VERSION")))
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| told(&error))?;
    let response = client.get(url.clone()).send().await;
    let mut response = response.map_err(|error| told(&error.without_url()))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| told(&error.without_url()))? {
        if body.len() + chunk.len() > LONGEST {
            return Err("it answers with more than a server says of its health".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    match serde_json::from_slice::<Answer>(&body) {
        Ok(answer) if status == StatusCode::OK && answer.status == "healthy" => Ok(()),
        Ok(answer) => Err(format!("it answers with {status}: `{}`", printable(&answer.status))),
        Err(_) => Err(format!("it answers with {status}, and not with its health")),
    }
}

/// Returns an error with its causes, which say more than that a request failed.
fn told(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

/// Reads a URL that was typed, with or without its scheme and its path.
fn typed(text: &str) -> Result<Url, Failure> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let parsed = Url::parse(&whole).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let Some(mut url) = parsed else {
        return Err(Failure::usage(
            "the URL is not that of a server",
            "write it as http://127.0.0.1:8080 or https://tundra.example.com",
        ));
    };
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url)
}

/// Returns where the server of this machine is asked.
fn of_this_machine((listen, port): (Option<String>, Option<u16>)) -> Result<Url, Failure> {
    let listen = Listen::read(listen, None, port)?;
    if listen.port == 0 {
        return Err(Failure::usage(
            "the server listens on any port that is free, so that there is no telling which",
            "name its URL, which it says at its start",
        ));
    }
    typed(&format!("http://{}", listen.reached()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_or_without_scheme_and_path() {
        for (text, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/health"),
            ("http://localhost:80/", "http://localhost/health"),
            ("https://a.example/health/deep", "https://a.example/health/deep"),
            ("[::1]:9", "http://[::1]:9/health"),
        ] {
            assert_eq!(typed(text).unwrap().as_str(), url);
        }
        for text in ["", "ftp://a", "http://u:hunter2@a", "http://", "a b"] {
            let failure = typed(text).unwrap_err();
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
        }
    }

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_this_machine() {
        let asked = |listen: Option<&str>, port| {
            of_this_machine((listen.map(str::to_owned), port)).map(|url| url.to_string()).ok()
        };
        for (listen, port, url) in [
            (None, None, "http://127.0.0.1:8080/health"),
            (Some("0.0.0.0"), Some(9), "http://127.0.0.1:9/health"),
            (Some("[::]:80"), Some(9), "http://[::1]/health"),
            (Some("10.0.0.7:81"), None, "http://10.0.0.7:81/health"),
            (Some("tundra.example"), Some(9), "http://tundra.example:9/health"),
        ] {
            assert_eq!(asked(listen, port).as_deref(), Some(url));
        }
        assert_eq!(asked(None, Some(0)), None);
        assert_eq!(asked(Some("a b"), None), None);
    }
}
