//! As much HTTP as it takes to see that a server is ready, and to make a bucket.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, bail};

/// Enough for a server that is busy starting.
const LIMIT: Duration = Duration::from_secs(10);

/// Sends a request with a JSON body and returns the status of the answer.
///
/// # Errors
/// When nobody answers in ten seconds, or not by HTTP.
pub(super) fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    body: &str,
) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    status(&answer)
}

/// Makes something by a request, and fails unless the server says that it did.
///
/// # Errors
/// As said, and as [`send`].
pub(super) fn make(
    address: SocketAddr,
    method: &str,
    target: &str,
    body: &str,
) -> anyhow::Result<()> {
    match send(address, method, target, body)? {
        200..=299 => Ok(()),
        status => bail!("`{method} {}` got {status}", target.split('?').next().unwrap_or(target)),
    }
}

fn status(answer: &[u8]) -> anyhow::Result<u16> {
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let code = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    code.and_then(|code| code.parse().ok()).with_context(|| format!("`{line}` is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.1 201 Created\r\nA: 404\r\n").unwrap(), 201);
        assert_eq!(status(b"SSH-2.0").unwrap_err().to_string(), "`SSH-2.0` is not HTTP");
        assert!(status(b"").is_err());
    }
}
