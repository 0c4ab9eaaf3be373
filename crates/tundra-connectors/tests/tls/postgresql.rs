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
async fn does_without_tls_where_the_server_wants_none() {
    for mode in [SslMode::Disable, SslMode::Allow, SslMode::Prefer] {
        assert_eq!(connects(with_user(settings(&url(), mode), BY_PLAIN)).await, None, "{mode:?}");
    }
    let error = refused(with_user(settings(&url(), SslMode::Require), BY_PLAIN)).await;
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{}", told(&error));
    assert!(told(&error).contains("pg_hba.conf"), "{}", told(&error));
}

with_every_server!();

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
