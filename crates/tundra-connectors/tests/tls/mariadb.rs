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
async fn enters_a_database_through_tls() {
    // The server reads the login by what the request for TLS said of it.
    for database in [None, Some("mysql".to_owned())] {
        let asked = settings(&url(), SslMode::Require);
        assert!(connects(ConnectionSettings { database, ..asked }).await.is_some());
    }
}

with_every_server!();

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
