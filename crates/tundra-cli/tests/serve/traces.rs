//! Traces of the real server, whose runs are processes.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message as _;
use serde_json::json;

use super::{add_source, server::Server};
use crate::support::Sandbox;

/// A collector, and the spans that it was sent.
struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
        let taken = Arc::clone(&spans);
        // It ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                thread::spawn(move || serve(&stream, &taken));
            }
        });
        Self { address, spans }
    }

    fn spans(&self) -> HashMap<String, Span> {
        let spans = self.spans.lock().unwrap();
        spans.iter().map(|span| (span.name.clone(), span.clone())).collect()
    }
}

/// Takes what comes by a connection until it is closed.
fn serve(stream: &TcpStream, taken: &Mutex<Vec<Span>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let message = ExportTraceServiceRequest::decode(&*body).unwrap();
        let of_scopes = message.resource_spans.into_iter().flat_map(|it| it.scope_spans);
        taken.lock().unwrap().extend(of_scopes.flat_map(|it| it.spans));
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

#[test]
fn the_stages_of_a_process_are_in_the_trace_of_its_request_and_the_process_knows_no_collector() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    let id = add_source(&sandbox, "big.csv");
    let collector = Collector::start();
    let mut command = sandbox.tundra(&["serve", "--port", "0"]);
    let server = Server::begin(
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address))
            .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
    );
    let answer = server.begin_post("/convert/file", json!({ "source_id": id }));
    let process = server.first_run();
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("OTEL_"));
    let answer = answer.join().unwrap().unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let (_, log) = server.stop("TERM");
    assert!(!log.contains("hunter2"), "{log}");

    let spans = collector.spans();
    let (request, run) = (&spans["POST /convert/file"], &spans["run convert_file"]);
    assert_eq!((&run.trace_id, &run.parent_span_id), (&request.trace_id, &request.span_id));
    for stage in ["inspect", "convert", "verify", "publish"] {
        let stage = &spans[stage];
        assert_eq!((&stage.trace_id, &stage.parent_span_id), (&run.trace_id, &run.span_id));
    }
    // The log tells of the same trace.
    let trace: String = request.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(log.contains(&trace), "{trace} is not in {log}");
}

#[test]
fn variables_that_make_no_sense_end_the_start_and_are_not_repeated() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "hunter2"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ("OTEL_TRACES_SAMPLER", "hunter2"),
    ] {
        let sandbox = Sandbox::new();
        let mut command = sandbox.tundra(&["serve", "--port", "0"]);
        command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/");
        if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
            command.env_remove("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        }
        let ran = sandbox.finish(command.env(name, value)).fails(2, &[name, "unset it"]);
        assert!(!ran.stderr.contains("hunter2"), "{ran}");
    }
}
