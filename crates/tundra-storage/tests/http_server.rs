//! An HTTP server that does what it is told, on a port of its own.
//!
//! It speaks over a plain socket, so that it can also do what no library would: stop in the middle,
//! send next to nothing, or lie about the length.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The range that was asked for, with the end behind the last byte.
    pub(crate) fn range(&self) -> Option<(usize, usize)> {
        let (start, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((start.parse().unwrap(), last.parse::<usize>().unwrap() + 1))
    }
}

/// What goes.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) manner: Manner,
}

/// How an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should, with its length.
    Whole,
    /// In chunks, without its length.
    Chunked,
    /// Only this much of the body, and then the connection ends.
    CutAfter(usize),
    /// Only this much of the body, and then nothing for ever.
    SilentAfter(usize),
    /// A byte now and then.
    Dripping,
    /// Nothing at all, not even a head, and the connection ends.
    Nothing,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), manner: Manner::Whole }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// What a good server answers to a GET for an object.
    pub(crate) fn object(request: &Request, body: &[u8], etag: &str) -> Self {
        let size = body.len();
        match request.range() {
            None => Self::new(200, body).header("ETag", etag),
            Some((start, _)) if start >= size => {
                Self::new(416, "").header("Content-Range", format!("bytes */{size}"))
            }
            Some((start, end)) => {
                let end = end.min(size);
                Self::new(206, &body[start..end])
                    .header("ETag", etag)
                    .header("Content-Range", format!("bytes {start}-{}/{size}", end - 1))
            }
        }
    }
}

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server that answers like this.
    pub(crate) async fn start(
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Handler> = Arc::new(handler);
        let record = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&handler), Arc::clone(&record)));
            }
        });
        Self { port, seen, task }
    }

    /// Starts a server that gives these answers in turn, the last one for ever.
    pub(crate) async fn scripted(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Mutex<VecDeque<Answer>> = Mutex::new(answers.into_iter().collect());
        Self::start(move |_| {
            let mut answers = answers.lock().unwrap();
            match answers.len() {
                1 => answers[0].clone(),
                _ => answers.pop_front().unwrap(),
            }
        })
        .await
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A URL of this server with a query that nobody must see.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}?X-Amz-Signature=hunter2", self.port)
    }

    /// What came so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The methods of what came so far.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.method).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, handler: Arc<Handler>, seen: Arc<Mutex<Vec<Request>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let answer = handler(&request);
        seen.lock().unwrap().push(request);
        if write(stream.get_mut(), answer).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut request = Request { method, target, ..Request::default() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").map_or(0, |text| text.parse().unwrap());
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

/// Sends an answer. Fails when the connection is to end.
async fn write(stream: &mut TcpStream, answer: Answer) -> Result<(), ()> {
    let Answer { status, headers, body, manner } = answer;
    if manner == Manner::Nothing {
        return Err(());
    }
    let mut head = format!("HTTP/1.1 {status} Some Reason\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match manner {
        Manner::Chunked => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        _ => head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len())),
    }
    let send = async {
        stream.write_all(head.as_bytes()).await?;
        match manner {
            Manner::Whole | Manner::Nothing => stream.write_all(&body).await,
            Manner::Chunked => {
                for piece in body.chunks(1000) {
                    stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                    stream.write_all(piece).await?;
                    stream.write_all(b"\r\n").await?;
                }
                stream.write_all(b"0\r\n\r\n").await
            }
            Manner::CutAfter(length) | Manner::SilentAfter(length) => {
                stream.write_all(&body[..length]).await?;
                stream.flush().await?;
                if matches!(manner, Manner::SilentAfter(_)) {
                    // Until the other side goes away.
                    let mut rest = [0; 1];
                    let _ = stream.read(&mut rest).await;
                }
                Err(std::io::Error::other("cut off"))
            }
            Manner::Dripping => {
                for byte in body {
                    stream.write_all(&[byte]).await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok(())
            }
        }
    };
    send.await.map_err(|_| ())
}
