//! `tundra health`, asked of a server.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use super::server::Server;
use crate::support::Sandbox;

/// Answers one request, on an address that it returns.
fn answers(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Its request comes at once.
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}

#[test]
fn a_server_that_is_healthy_is_a_success_wherever_it_is_named() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &[]);
    let address = server.address().to_owned();
    let (_, port) = address.rsplit_once(':').unwrap();
    for url in [address.clone(), format!("http://{address}/health/deep")] {
        let ran = sandbox.run(&["health", &url]).succeeds();
        assert!(ran.stderr.contains("is healthy\n"), "{ran}");
    }
    // As in the container, where it listens on every address.
    for listen in ["", "0.0.0.0"] {
        let mut command = sandbox.tundra(&["health", "--quiet"]);
        let ran = sandbox.finish(command.env("PORT", port).env("TUNDRA_LISTEN", listen));
        assert!(ran.succeeds().stderr.is_empty());
    }
    server.stop("TERM");
    sandbox.run(&["health", &address]).fails(1, &[&address, "is not healthy", "`tundra doctor`"]);
}

#[test]
fn what_is_no_healthy_server_is_a_failure_with_its_reason() {
    let sandbox = Sandbox::new();
    for (answer, reason) in [
        ("HTTP/1.1 503 x\r\ncontent-length: 23\r\n\r\n{\"status\": \"unhealthy\"}", "503"),
        ("HTTP/1.1 200 x\r\ncontent-length: 5\r\n\r\nhello", "not with its health"),
        ("HTTP/1.1 302 x\r\nlocation: /health\r\ncontent-length: 0\r\n\r\n", "302"),
        ("nonsense", "not healthy"),
    ] {
        sandbox.run(&["health", &answers(answer)]).fails(1, &["is not healthy", reason]);
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    sandbox.run(&["health", &address, "--timeout", "200ms"]).fails(1, &["is not healthy"]);
    sandbox.run(&["health", "ftp://x"]).fails(2, &["the URL is not that of a server"]);
    let mut command = sandbox.tundra(&["health"]);
    sandbox.finish(command.env("PORT", "0")).fails(2, &["name its URL"]);
}
