//! Servers that a real one would not be: what they ask for, and what they do not get.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tundra_core::Secret;

use super::*;
use crate::settings::{AddressPolicy, ConnectionSettings, DatabaseKind};

const PASSWORD: &str = "correct horse";

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

/// The other end of a connection, and all that it heard.
struct Server {
    stream: TcpStream,
    sequence: u8,
    heard: Vec<Vec<u8>>,
}

impl Server {
    async fn say(&mut self, payload: &[u8]) {
        let mut packet = (payload.len() as u32).to_le_bytes()[..3].to_vec();
        packet.push(self.sequence);
        packet.extend_from_slice(payload);
        self.sequence += 1;
        // A client that has heard enough may be gone.
        let _ = self.stream.write_all(&packet).await;
    }

    /// Hears one message; tells whether the client is still there.
    async fn hear(&mut self) -> bool {
        let mut header = [0; 4];
        if self.stream.read_exact(&mut header).await.is_err() {
            return false;
        }
        let [a, b, c, sequence] = header;
        let mut payload = vec![0; u32::from_le_bytes([a, b, c, 0]) as usize];
        if self.stream.read_exact(&mut payload).await.is_err() {
            return false;
        }
        self.sequence = sequence + 1;
        self.heard.push(payload);
        true
    }

    /// Says what it offers, which is more than anybody should take.
    async fn greet(&mut self) {
        let offered = CapabilityFlags::CLIENT_PROTOCOL_41
            | CapabilityFlags::CLIENT_SECURE_CONNECTION
            | CapabilityFlags::CLIENT_PLUGIN_AUTH
            | CapabilityFlags::CLIENT_LOCAL_FILES
            | CapabilityFlags::CLIENT_MULTI_STATEMENTS
            | CapabilityFlags::CLIENT_COMPRESS
            | CapabilityFlags::CLIENT_DEPRECATE_EOF;
        let [low, high] = [offered.bits() as u16, (offered.bits() >> 16) as u16];
        let mut hello = b"\x0a8.0.99\0\x07\0\0\0scramble\0".to_vec();
        hello.extend_from_slice(&low.to_le_bytes());
        hello.extend_from_slice(&[45, 2, 0]);
        hello.extend_from_slice(&high.to_le_bytes());
        hello.push(21);
        hello.extend_from_slice(&[0; 10]);
        hello.extend_from_slice(b"and the rest\0mysql_native_password\0");
        self.say(&hello).await;
    }

    /// Lets the client in and agrees to all that it sets.
    async fn let_in(&mut self) {
        self.greet().await;
        assert!(self.hear().await);
        self.say(OK).await;
        for _ in 0..4 {
            assert!(self.hear().await);
            self.say(OK).await;
        }
    }
}

/// Runs a server for one connection; returns how to reach it, and what it will have heard.
async fn serve<F>(
    behave: impl FnOnce(Server) -> F + Send + 'static,
) -> (ConnectionSettings, JoinHandle<Vec<Vec<u8>>>)
where
    F: Future<Output = Server> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut settings = ConnectionSettings::new(DatabaseKind::Mysql);
    settings.host = Some("127.0.0.1".to_owned());
    settings.port = Some(listener.local_addr().expect("an address").port());
    settings.username = Some("reader".to_owned());
    settings.password = Some(Secret::new(PASSWORD));
    settings.addresses = AddressPolicy::PrivateAllowed;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut server = behave(Server { stream, sequence: 0, heard: Vec::new() }).await;
        while server.hear().await {}
        server.heard
    });
    (settings, server)
}

#[tokio::test]
async fn a_server_that_asks_for_a_file_gets_nothing() {
    let (settings, server) = serve(async |mut server: Server| {
        server.let_in().await;
        assert!(server.hear().await);
        server.say(b"\xfb/etc/passwd").await;
        server
    })
    .await;
    let mut connection = connect_once(&Route::new(settings), None).await.expect("it lets us in");
    let failure = connection.rows("SELECT 1").await.expect_err("it asks for a file");
    assert!(matches!(failure, Failure::Denied { .. }), "{failure}");
    drop(connection);
    let heard = server.await.expect("no panic");
    assert_eq!(heard.last().map(Vec::as_slice), Some(&b"\x03SELECT 1"[..]));
    let taken = heard.first().and_then(|it| it.first_chunk()).copied().map(u32::from_le_bytes);
    let taken = CapabilityFlags::from_bits_retain(taken.expect("a login"));
    for feature in [
        CapabilityFlags::CLIENT_LOCAL_FILES,
        CapabilityFlags::CLIENT_MULTI_STATEMENTS,
        CapabilityFlags::CLIENT_COMPRESS,
    ] {
        assert!(!taken.intersects(feature), "{feature:?}");
    }
}

#[tokio::test]
async fn a_password_does_not_go_as_it_is_to_a_server_that_proved_nothing() {
    let (settings, server) = serve(async |mut server: Server| {
        server.greet().await;
        assert!(server.hear().await);
        server.say(b"\xfemysql_clear_password\0").await;
        server
    })
    .await;
    let failure = connect_once(&Route::new(settings), None).await.expect_err("it is refused");
    assert!(matches!(failure, Failure::Denied { .. }), "{failure}");
    for message in server.await.expect("no panic") {
        let found = message.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes());
        assert!(!found, "{message:?}");
    }
}

#[tokio::test]
async fn tls_that_is_asked_for_is_not_done_without() {
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        let (mut settings, server) = serve(async |mut server: Server| {
            server.greet().await;
            server
        })
        .await;
        settings.ssl_mode = mode;
        let failure = connect_once(&Route::new(settings), None).await.expect_err("it has no TLS");
        assert!(failure.to_string().contains("ssl_mode"), "{failure}");
        assert!(server.await.expect("no panic").is_empty(), "{mode:?}");
    }
}

#[tokio::test]
async fn a_refusal_in_place_of_the_greeting_is_told_in_the_servers_words() {
    let (settings, _server) = serve(async |mut server: Server| {
        server.say(b"\xff\x6a\x04Host 'h' is not allowed to connect").await;
        server
    })
    .await;
    let failure = connect_once(&Route::new(settings), None).await.expect_err("it refuses");
    assert_eq!(failure.to_string(), "ERROR 1130: Host 'h' is not allowed to connect");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_forever() {
    let (mut settings, _server) = serve(async |server: Server| server).await;
    settings.connect_timeout = Duration::from_millis(50);
    let failure = connect_once(&Route::new(settings), None).await.expect_err("it is silent");
    assert!(matches!(failure, Failure::Timeout(_)), "{failure}");
}

#[tokio::test]
async fn an_answer_without_end_is_refused() {
    let (settings, _server) = serve(async |mut server: Server| {
        server.let_in().await;
        assert!(server.hear().await);
        server.say(&[1]).await;
        let names = b"\x03def\0\0\0\x01a\0\x0c";
        server.say(&[&names[..], &[45, 0, 0, 0, 0, 1, 253, 0, 0, 0, 0, 0]].concat()).await;
        let long = vec![b'x'; 0xF0_0000];
        let row = [&[0xFD][..], &(long.len() as u32).to_le_bytes()[..3], &long].concat();
        for _ in 0..5 {
            server.say(&row).await;
        }
        server
    })
    .await;
    let mut connection = connect_once(&Route::new(settings), None).await.expect("it lets us in");
    let failure = connection.rows("SELECT 1").await.expect_err("it has no end");
    assert!(failure.to_string().contains("more than 64 MiB"), "{failure}");
}

#[tokio::test]
async fn a_statement_is_ended_where_it_runs_and_not_where_the_name_leads() {
    let (mut settings, server) = serve(async |mut server: Server| {
        server.let_in().await;
        assert!(server.hear().await);
        server.say(OK).await;
        server
    })
    .await;
    let address = SocketAddr::from(([127, 0, 0, 1], settings.port()));
    settings.host = Some("elsewhere.invalid".to_owned());
    kill(&Route::new(settings), Backend { id: 7, end: Some(Endpoint::Address(address)) })
        .await
        .expect("it is told");
    let heard = server.await.expect("no panic");
    assert!(heard.iter().any(|it| it == b"\x03KILL QUERY 7"), "{heard:?}");
}
