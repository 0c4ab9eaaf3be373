//! Converting from and to URLs, signed and not.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::support::{Ran, SALES, Sandbox, rows_of};

/// A query that nobody must see.
const SIGNED: &str = "X-Amz-Signature=hunter2";

/// What a request was: its method, its path and its body.
type Request = (String, String, Vec<u8>);

/// A server of one object that keeps what is put. It serves until the test ends.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(status: u16, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let record = Arc::clone(&record);
                thread::spawn(move || serve(stream.unwrap(), status, body, &record));
            }
        });
        Self { port, seen }
    }

    fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/in/{name}?{SIGNED}", self.port)
    }

    fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

/// Answers each request with the same body, whatever range it asks for.
fn serve(stream: TcpStream, status: u16, body: &str, record: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split(' ');
        let method = words.next().unwrap().to_owned();
        let path = words.next().unwrap().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            match header.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut content = vec![0; length];
        reader.read_exact(&mut content).unwrap();
        let body = if method == "PUT" && status == 200 { "" } else { body };
        record.lock().unwrap().push((method, path, content));
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut command = sandbox.tundra(arguments);
    let ran = sandbox.finish(command.env("TUNDRA_URL_ALLOW_PRIVATE", "1"));
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    ran
}

#[test]
fn a_url_is_converted_and_shown_without_its_query() {
    let (server, sandbox) = (Server::start(200, SALES), Sandbox::new());
    let ran = run(&sandbox, &["convert", &server.url("sales.csv"), "-o", "a.parquet"]).succeeds();
    let shown = format!("converted http://127.0.0.1:{}/in/sales.csv -> a.parquet\n", server.port);
    assert!(ran.stderr.starts_with(&shown), "{ran}");
    assert_eq!(sandbox.rows("a.parquet").len(), 3);
    sandbox.holds_only(&["a.parquet"]);
    let seen = server.seen();
    assert!(seen.iter().all(|(method, ..)| method == "GET"), "{seen:?}");
    assert!(seen[0].1.ends_with(SIGNED), "{seen:?}");

    let receipt =
        run(&sandbox, &["convert", &server.url("sales.csv"), "-o", "b.parquet", "--json"]);
    let location = receipt.json()["plan"]["source"]["location"].clone();
    assert_eq!(location, format!("http://127.0.0.1:{}/in/sales.csv", server.port));
    let inspected = run(&sandbox, &["inspect", &server.url("sales.csv")]).succeeds();
    assert!(inspected.stdout().contains("/in/sales.csv: CSV"), "{inspected}");
}

#[test]
fn no_log_shows_a_query() {
    let (server, sandbox) = (Server::start(200, SALES), Sandbox::new());
    let url = server.url("sales.csv");
    for (option, log) in [("-v", ""), ("-vv", ""), ("-q", "trace")] {
        let arguments = ["convert", &url, "-o", "a.parquet", "--overwrite", option];
        let mut command = sandbox.tundra(&arguments);
        command.env("TUNDRA_URL_ALLOW_PRIVATE", "1").env("TUNDRA_LOG", log);
        let ran = sandbox.finish(&mut command).succeeds();
        assert!(ran.stderr.contains("/in/sales.csv"), "{ran}");
        assert!(!ran.to_string().contains("hunter2"), "{ran}");
    }
}

#[test]
fn a_schema_goes_to_a_url_that_is_shown_without_its_query() {
    let (server, sandbox) = (Server::start(200, ""), Sandbox::with_sales());
    let ran = run(&sandbox, &["inspect", "sales.csv", "-o", &server.url("schema.yaml")]).succeeds();
    assert!(ran.stderr.contains("/in/schema.yaml"), "{ran}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn proxies_of_the_environment_are_not_used() {
    let (server, sandbox) = (Server::start(200, SALES), Sandbox::new());
    let mut command = sandbox.tundra(&["convert", &server.url("sales.csv"), "-o", "a.parquet"]);
    command.env("TUNDRA_URL_ALLOW_PRIVATE", "1");
    for variable in
        ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    {
        // Nobody is there.
        command.env(variable, "http://127.0.0.1:1");
    }
    sandbox.finish(&mut command).succeeds();
    assert!(!server.seen().is_empty());
}

#[test]
fn parquet_is_put_to_a_url_at_once() {
    let (server, sandbox) = (Server::start(200, ""), Sandbox::with_sales());
    run(&sandbox, &["convert", "sales.csv", "-o", &server.url("out.parquet")]).succeeds();
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let (method, path, body) = seen[0].clone();
    assert_eq!((method.as_str(), path), ("PUT", format!("/in/out.parquet?{SIGNED}")));
    assert_eq!(rows_of(body).len(), 3);
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn a_failed_conversion_puts_nothing() {
    let (server, sandbox) = (Server::start(200, ""), Sandbox::new());
    sandbox.write("a.csv", "id,name\n1,x\n2,y,z\n");
    let ran =
        run(&sandbox, &["convert", "a.csv", "-d", ",", "--header", "-o", &server.url("o.parquet")]);
    ran.fails(3, &[]);
    assert!(server.seen().is_empty());
}

#[test]
fn where_to_write_must_be_said_for_a_url() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["convert", "https://example.org/a.csv?X-Amz-Signature=hunter2"])
        .fails(2, &["beside `https://example.org/a.csv`", "with `-o`"]);
    sandbox.holds_only(&[]);
}

#[test]
fn an_expired_signature_is_told_by_its_name() {
    let body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let (server, sandbox) = (Server::start(403, body), Sandbox::with_sales());
    let says = ["the signed URL of `http://127.0.0.1:", "has expired", "hint: ask for a new URL"];
    run(&sandbox, &["convert", &server.url("a.csv"), "-o", "a.parquet"]).fails(5, &says);
    run(&sandbox, &["convert", "sales.csv", "-o", &server.url("a.parquet")]).fails(5, &says);
    let json = run(&sandbox, &["convert", &server.url("a.csv"), "-o", "a.parquet", "--json"]);
    assert_eq!(json.json_error()["code"], "permission_denied");
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn addresses_and_hosts_are_refused_unless_allowed() {
    let (server, sandbox) = (Server::start(200, SALES), Sandbox::new());
    let port = server.port;
    for (url, says) in [
        (format!("http://127.0.0.1:{port}/a.csv?{SIGNED}"), "only `https`"),
        (format!("https://127.0.0.1:{port}/a.csv?{SIGNED}"), "TUNDRA_URL_ALLOW_PRIVATE"),
        (format!("https://localhost:{port}/a.csv?{SIGNED}"), "this machine"),
        (format!("https://169.254.169.254/latest/?{SIGNED}"), "link-local"),
        (format!("https://user:hunter2@example.org/a.csv?{SIGNED}"), "user name"),
    ] {
        let ran = sandbox.run(&["convert", &url, "-o", "a.parquet"]).fails(5, &[says]);
        assert!(!ran.to_string().contains("hunter2"), "{ran}");
        sandbox.holds_only(&[]);
    }
    let mut command = sandbox.tundra(&["convert", &server.url("a.csv"), "-o", "a.parquet"]);
    command
        .env("TUNDRA_URL_ALLOW_PRIVATE", "1")
        .env("TUNDRA_URL_HOSTS", "example.org, s3.amazonaws.com");
    let ran = sandbox.finish(&mut command).fails(5, &["not on the list", "TUNDRA_URL_HOSTS"]);
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    assert!(server.seen().is_empty());
    command.env("TUNDRA_URL_HOSTS", "example.org,127.0.0.1");
    sandbox.finish(&mut command).succeeds();
}

#[test]
fn a_pattern_must_stand_for_something() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "s*.csv", "-o", "a.parquet"]).succeeds();
    sandbox.write("second.csv", SALES);
    sandbox.run(&["inspect", "s*.csv"]).fails(2, &["`s*.csv` stands for 2 objects", "tundra ls"]);
    sandbox.run(&["convert", "x*.csv", "-o", "b.parquet"]).fails(4, &["`x*.csv`"]);
    sandbox.holds_only(&["a.parquet", "sales.csv", "second.csv"]);
}
