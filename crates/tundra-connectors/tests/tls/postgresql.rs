//! PostgreSQL, which asks for TLS before anything else is said.

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};
use tundra_core::ErrorKind;
use tundra_test_services::env::BY_PLAIN;

use super::*;

fn url() -> String {
    env::postgres().unwrap().url
}

#[tokio::test]
async fn takes_tls_as_the_mode_says() {
    super::takes_tls_as_the_mode_says(&url()).await;
}

#[tokio::test]
async fn takes_tls_where_the_server_asks_for_it() {
    super::takes_tls_where_the_server_asks_for_it(&url()).await;
}

#[tokio::test]
async fn does_without_tls_where_the_server_wants_none() {
    for mode in [SslMode::Disable, SslMode::Allow, SslMode::Prefer] {
        assert_eq!(connects(with_user(settings(&url(), mode), BY_PLAIN)).await, None, "{mode:?}");
    }
    let error = refused(with_user(settings(&url(), SslMode::Require), BY_PLAIN)).await;
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{}", told(&error));
    assert!(told(&error).contains("pg_hba.conf"), "{}", told(&error));
}

#[tokio::test]
async fn believes_anybody_below_verify_ca() {
    super::believes_anybody_below_verify_ca(&url()).await;
}

#[tokio::test]
async fn believes_the_authority_that_is_given() {
    super::believes_the_authority_that_is_given(&url()).await;
}

#[tokio::test]
async fn believes_the_system_where_no_authority_is_given() {
    super::believes_the_system_where_no_authority_is_given(&url()).await;
}

#[tokio::test]
async fn checks_the_name_with_verify_full_only() {
    super::checks_the_name_with_verify_full_only(&url()).await;
}

#[tokio::test]
async fn shows_the_client_certificate() {
    super::shows_the_client_certificate(&url()).await;
}

#[tokio::test]
async fn refuses_certificates_that_cannot_be_used() {
    super::refuses_certificates_that_cannot_be_used(&url()).await;
}

#[tokio::test]
async fn goes_without_tls_only_where_that_is_allowed() {
    let front = start(address(&url()), without_tls).await;
    super::goes_without_tls_only_where_that_is_allowed(&url(), front).await;
}

/// Says no to the question for TLS.
fn without_tls(mut client: TcpStream, mut server: TcpStream) -> BoxFuture<'static, io::Result<()>> {
    /// Its length and its code.
    const QUESTION: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    async move {
        let mut first = [0; 8];
        client.read_exact(&mut first).await?;
        if first == QUESTION {
            client.write_all(b"N").await?;
        } else {
            server.write_all(&first).await?;
        }
        copy_bidirectional(&mut client, &mut server).await?;
        Ok(())
    }
    .boxed()
}
