//! MariaDB, which says in its greeting whether it has TLS.

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

use super::*;

fn url() -> String {
    env::mariadb().unwrap().url
}

#[tokio::test]
async fn takes_tls_as_the_mode_says() {
    super::takes_tls_as_the_mode_says(&url()).await;
}

#[tokio::test]
async fn enters_a_database_through_tls() {
    // The server reads the login by what the request for TLS said of it.
    for database in [None, Some("mysql".to_owned())] {
        let asked = settings(&url(), SslMode::Require);
        assert!(connects(ConnectionSettings { database, ..asked }).await.is_some());
    }
}

#[tokio::test]
async fn takes_tls_where_the_server_asks_for_it() {
    super::takes_tls_where_the_server_asks_for_it(&url()).await;
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

/// Takes TLS out of what the greeting offers.
fn without_tls(mut client: TcpStream, mut server: TcpStream) -> BoxFuture<'static, io::Result<()>> {
    /// `CLIENT_SSL`, in the second byte of the capabilities.
    const TLS: u8 = 0x08;
    async move {
        let mut head = [0; 4];
        server.read_exact(&mut head).await?;
        let mut greeting = vec![0; usize::from(u16::from_le_bytes([head[0], head[1]]))];
        server.read_exact(&mut greeting).await?;
        // The protocol's number, the version with a zero behind it, the connection's number, eight bytes
        // of the challenge and a zero.
        let version = greeting.iter().position(|byte| *byte == 0).expect("the version ends");
        greeting[version + 1 + 4 + 8 + 1 + 1] &= !TLS;
        client.write_all(&head).await?;
        client.write_all(&greeting).await?;
        copy_bidirectional(&mut client, &mut server).await?;
        Ok(())
    }
    .boxed()
}
