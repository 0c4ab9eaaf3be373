//! A server that answers as a test tells it to, for what a real store does only on a bad day.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// By their names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Method and target, as one reads them in a log.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// What to do about a request.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    manner: Manner,
}

#[derive(Debug, Clone)]
enum Manner {
    Whole,
    /// Sends this much of the body and closes.
    CutAfter(usize),
    /// Closes without a word.
    Hangup,
    /// Never answers.
    Mute,
    /// Sends the body in pieces with pauses.
    Paced(usize, Duration),
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), manner: Manner::Whole }
    }

    /// An error as stores write it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>{message}</Message><StringToSign>hush-signed</StringToSign></Error>"
        );
        Self::new(status, body).with("content-type", "application/xml")
    }

    /// The bytes of an object that the request asks for.
    pub(crate) fn object(request: &Request, data: &[u8]) -> Self {
        let size = data.len();
        let found = Self::new(200, Vec::new())
            .with("etag", "\"tag\"")
            .with("last-modified", "Sat, 01 Nov 2025 00:00:00 GMT");
        if request.method == "HEAD" {
            return found.with("content-length", &size.to_string());
        }
        let range = request.header("range").expect("objects are read by ranges");
        let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
        let end = end.min(size - 1);
        let mut part = found.with("content-range", &format!("bytes {start}-{end}/{size}"));
        part.status = 206;
        part.body = data[start..=end].to_vec();
        part
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn cut_after(self, bytes: usize) -> Self {
        Self { manner: Manner::CutAfter(bytes), ..self }
    }

    pub(crate) fn paced(self, bytes: usize, pause: Duration) -> Self {
        Self { manner: Manner::Paced(bytes, pause), ..self }
    }

    pub(crate) fn hangup() -> Self {
        Self { manner: Manner::Hangup, ..Self::new(0, "") }
    }

    pub(crate) fn mute() -> Self {
        Self { manner: Manner::Mute, ..Self::new(0, "") }
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) endpoint: String,
    seen: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server; `answer` gets each request and how many came before it.
    pub(crate) async fn start(
        answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let answer = Arc::new(answer);
        let noted = Arc::clone(&seen);
        Self::listen(seen, move |stream| {
            let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
            async move {
                // A client that goes away is no reason to fail.
                let _ = talk(stream, answer.as_ref(), &noted).await;
            }
        })
        .await
    }

    /// Starts a server that sends some bytes to whoever connects, whatever they want.
    pub(crate) async fn shouting(bytes: &'static [u8]) -> Self {
        Self::listen(Arc::default(), move |mut stream| async move {
            let _ = stream.write_all(bytes).await;
        })
        .await
    }

    async fn listen<F>(
        seen: Arc<Mutex<Vec<Request>>>,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Self { endpoint, seen, task }
    }

    /// Returns the requests that came, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns what came, as lines of a log.
    pub(crate) fn log(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(
    stream: TcpStream,
    answer: &(impl Fn(&Request, usize) -> Reply + Send + Sync),
    noted: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let before = {
            let mut noted = noted.lock().unwrap();
            noted.push(request.clone());
            noted.len() - 1
        };
        let reply = answer(&request, before);
        if !write(&mut stream, &reply, request.method == "HEAD").await? {
            break;
        }
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { method, target, headers, body }))
}

/// Answers; returns whether the connection stays.
async fn write(
    stream: &mut BufReader<TcpStream>,
    reply: &Reply,
    head_only: bool,
) -> std::io::Result<bool> {
    match reply.manner {
        Manner::Hangup => return Ok(false),
        Manner::Mute => std::future::pending().await,
        _ => {}
    }
    let mut head = format!("HTTP/1.1 {} Whatever\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !reply.headers.iter().any(|(name, _)| name == "content-length") {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    match reply.manner {
        Manner::CutAfter(bytes) => {
            stream.write_all(&reply.body[..bytes]).await?;
            stream.flush().await?;
            return Ok(false);
        }
        Manner::Paced(bytes, pause) => {
            for piece in reply.body.chunks(bytes) {
                tokio::time::sleep(pause).await;
                stream.write_all(piece).await?;
                stream.flush().await?;
            }
        }
        _ if head_only => {}
        _ => stream.write_all(&reply.body).await?,
    }
    stream.flush().await?;
    Ok(true)
}
