//! One connection to a server, message by message.
//!
//! Start at [`Wire`]. It is over a stream that is connected already, in plain or by TLS; it logs in, asks
//! and receives. Statements that hold text of a user go through the extended protocol, which takes one
//! statement at a time. The rows of `COPY` are left in the buffer they arrived in, for the decoder.
//!
//! The messages are read by hand rather than by `tokio-postgres`: that one drops the command tag of
//! `COPY`, which has the server's count of the rows, and hands every row through a channel.

use std::{collections::HashMap, fmt, ops::Range, pin::pin};

use bytes::{BufMut, BytesMut};
use futures::future::{Either, select};
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256},
    },
    message::frontend,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tundra_core::Secret;

use crate::postgresql::{
    connect::Watch,
    failure::{Failure, ServerError},
};

/// What a connection runs over.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// The bytes that are asked for at a time. Less costs calls into the system, more costs the cache.
const READ_BYTES: usize = 128 * 1024;

/// The longest message before a login is over. What is longer is for somebody who was let in.
const LOGIN_BYTES: usize = 1 << 20;

/// The most that a question of ours may be answered with, as it is kept. A catalog of half a million tables
/// has less; a server that does not end its answer gets no more memory than this.
const ANSWER_BYTES: usize = 64 << 20;

/// The longest message among the rows of a user, as long as the protocol has them.
const ROW_BYTES: usize = i32::MAX.unsigned_abs() as usize;

/// What we want to know of what a server says about itself.
const PARAMETERS: [&str; 1] = ["server_version"];

/// The name of the statement that is read in portions.
const PORTAL: &str = "tundra";

/// By what a running statement is cancelled from another connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct BackendKey {
    /// The server's process.
    pub(super) process: i32,
    /// Its secret.
    pub(super) secret: i32,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResultColumn {
    /// Its name.
    pub(super) name: String,
    /// Its type; the base type of a domain.
    pub(super) oid: u32,
    /// What its type was declared with, or -1.
    pub(super) modifier: i32,
}

/// What keeps others from reading what is said on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shelter {
    /// TLS, and what a login is bound to where the certificate has that.
    Tls {
        /// The hash of the server's certificate.
        end_point: Option<Vec<u8>>,
    },
    /// It does not leave the machine.
    Socket,
    /// Nothing.
    None,
}

/// A row of a result, as text.
pub(super) type TextRow = Vec<Option<String>>;

/// A connection.
pub(super) struct Wire {
    socket: Box<dyn Socket>,
    /// What has been read; the bytes from `start` to `end` are not yet used.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The longest message that is taken now.
    most: usize,
    key: BackendKey,
    parameters: HashMap<&'static str, String>,
    /// What the server said last about the transaction: `I`, `T` or `E`.
    status: u8,
    watch: Option<Watch>,
}

/// Says goodbye, without which the server complains in its log.
impl Drop for Wire {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut socket = std::mem::replace(&mut self.socket, Box::new(tokio::io::empty()));
        runtime.spawn(async move {
            let mut message = BytesMut::new();
            frontend::terminate(&mut message);
            // It is not heard where the connection is broken.
            let _ = socket.write_all(&message).await;
            let _ = socket.shutdown().await;
        });
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("process", &self.key.process).finish_non_exhaustive()
    }
}

impl Wire {
    /// Logs in over a stream that is ready for it.
    pub(super) async fn log_in(
        socket: Box<dyn Socket>,
        user: &str,
        database: &str,
        password: Option<&Secret>,
        shelter: Shelter,
    ) -> Result<Self, Failure> {
        let mut wire = Self {
            socket,
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            most: LOGIN_BYTES,
            key: BackendKey::default(),
            parameters: HashMap::new(),
            status: b'I',
            watch: None,
        };
        let mut message = BytesMut::new();
        let parameters = [
            ("user", user),
            ("database", database),
            ("client_encoding", "UTF8"),
            ("application_name", "tundra"),
        ];
        frontend::startup_message(parameters, &mut message)?;
        wire.send(&message).await?;
        wire.authenticate(user, password, shelter).await?;
        loop {
            let (tag, body) = wire.message().await?;
            match tag {
                b'K' => {
                    let mut body = Body(&wire.buffer[body]);
                    wire.key = BackendKey { process: body.i32()?, secret: body.i32()? };
                }
                b'Z' => return Ok(wire),
                _ => return Err(Failure::Protocol("an unexpected message after the login")),
            }
        }
    }

    /// Is looked after from now on when nothing arrives.
    pub(super) fn watch(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    /// Returns by what the connection's statement is cancelled.
    pub(super) fn key(&self) -> BackendKey {
        self.key
    }

    /// Returns what the server said about itself, such as `server_version`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    async fn authenticate(
        &mut self,
        user: &str,
        password: Option<&Secret>,
        shelter: Shelter,
    ) -> Result<(), Failure> {
        const MISSING: Failure = Failure::Setting("the server asks for a password; none is given");
        const SCRAM: Failure = Failure::Protocol("it does not know the password that it asks for");
        let mut scram: Option<ScramSha256> = None;
        let mut proven = true;
        loop {
            let (tag, body) = self.message().await?;
            if tag != b'R' {
                return Err(Failure::Protocol("an unexpected message instead of the login"));
            }
            let mut body = Body(&self.buffer[body]);
            let mut answer = BytesMut::new();
            match body.i32()? {
                // A server that breaks off SCRAM has not shown that it knows the password.
                0 if !proven => return Err(Failure::Protocol("it does not finish its own login")),
                0 => return Ok(()),
                // With `prefer` anybody in between can say that there is no TLS, and ask for it then.
                3 if matches!(shelter, Shelter::None) => return Err(Failure::Exposed),
                3 => {
                    let password = password.ok_or(MISSING)?;
                    frontend::password_message(password.expose().as_bytes(), &mut answer)?;
                }
                5 => {
                    let password = password.ok_or(MISSING)?;
                    let salt = body.array::<4>()?;
                    let hash = md5_hash(user.as_bytes(), password.expose().as_bytes(), salt);
                    frontend::password_message(hash.as_bytes(), &mut answer)?;
                }
                10 => {
                    let offers = |name: &str| {
                        body.0.split(|byte| *byte == 0).any(|offered| offered == name.as_bytes())
                    };
                    let (name, binding) = match &shelter {
                        Shelter::Tls { end_point: Some(end_point) }
                            if offers(SCRAM_SHA_256_PLUS) =>
                        {
                            (
                                SCRAM_SHA_256_PLUS,
                                ChannelBinding::tls_server_end_point(end_point.clone()),
                            )
                        }
                        // Who took the offer away is found out: the server knows what it offered.
                        Shelter::Tls { end_point: Some(_) } => {
                            (SCRAM_SHA_256, ChannelBinding::unrequested())
                        }
                        Shelter::Tls { end_point: None } | Shelter::Socket | Shelter::None => {
                            (SCRAM_SHA_256, ChannelBinding::unsupported())
                        }
                    };
                    if !offers(name) {
                        return Err(Failure::Authentication("a login other than SCRAM-SHA-256"));
                    }
                    let password = password.ok_or(MISSING)?.expose().as_bytes();
                    let state = ScramSha256::new(password, binding);
                    frontend::sasl_initial_response(name, state.message(), &mut answer)?;
                    scram = Some(state);
                    proven = false;
                }
                11 => {
                    let state =
                        scram.as_mut().ok_or(Failure::Protocol("SCRAM goes on without a start"))?;
                    state.update(body.0).map_err(|_| SCRAM)?;
                    frontend::sasl_response(state.message(), &mut answer)?;
                }
                12 => {
                    let state =
                        scram.as_mut().ok_or(Failure::Protocol("SCRAM ends without a start"))?;
                    state.finish(body.0).map_err(|_| SCRAM)?;
                    proven = true;
                    continue;
                }
                2 | 7 | 8 | 9 => return Err(Failure::Authentication("Kerberos or SSPI")),
                _ => return Err(Failure::Authentication("a login that is not known")),
            }
            self.send(&answer).await?;
        }
    }

    /// Runs statements of ours and returns the rows of all of them as text.
    ///
    /// Everything is collected, up to [`ANSWER_BYTES`]: it is for catalogs and counts.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<Vec<TextRow>, Failure> {
        self.most = ANSWER_BYTES;
        let mut message = BytesMut::new();
        frontend::query(sql, &mut message)?;
        self.send(&message).await?;
        let mut rows = Vec::new();
        let mut left = ANSWER_BYTES;
        let mut failed = None;
        loop {
            let (tag, body) = self.reply(&mut failed).await?;
            match tag {
                b'D' => {
                    let bytes = body.len();
                    let row = Body(&self.buffer[body]).text_row()?;
                    let kept = bytes + size_of::<TextRow>() + size_of_val(row.as_slice());
                    left = left.checked_sub(kept).ok_or(Failure::Protocol(
                        "more than 64 MiB in answer to a question with a small answer",
                    ))?;
                    rows.push(row);
                }
                b'Z' => break,
                b'T' | b'C' | b'I' | b'E' => {}
                _ => return Err(Failure::Protocol("an unexpected message in a result")),
            }
        }
        failed.map_or(Ok(rows), Err)
    }

    /// Returns the columns of one statement without running it.
    ///
    /// The server refuses several statements and those that it cannot parse. A statement without a
    /// result has no columns.
    pub(super) async fn describe(&mut self, sql: &str) -> Result<Vec<ResultColumn>, Failure> {
        self.most = ANSWER_BYTES;
        let mut message = BytesMut::new();
        frontend::parse("", sql, [], &mut message)?;
        frontend::describe(b'S', "", &mut message)?;
        frontend::sync(&mut message);
        self.send(&message).await?;
        let mut columns = Vec::new();
        let mut parameters = 0;
        let mut failed = None;
        loop {
            let (tag, body) = self.reply(&mut failed).await?;
            let mut body = Body(&self.buffer[body]);
            match tag {
                b't' => parameters = body.i16()?,
                b'T' => columns = body.columns()?,
                b'Z' => break,
                b'1' | b'n' | b'E' => {}
                _ => return Err(Failure::Protocol("an unexpected message for a description")),
            }
        }
        if let Some(failed) = failed {
            return Err(failed);
        }
        if parameters > 0 {
            return Err(Failure::Request(
                "the query has parameters (`$1`), which have no values".into(),
            ));
        }
        Ok(columns)
    }

    /// Starts a `COPY … TO STDOUT (FORMAT binary)`; its rows are then had with [`Wire::message`].
    pub(super) async fn copy(&mut self, sql: &str) -> Result<(), Failure> {
        let mut message = BytesMut::new();
        frontend::parse("", sql, [], &mut message)?;
        // No parameters, and no formats of results.
        message.put_u8(b'B');
        message.put_i32(12);
        message.put_bytes(0, 8);
        frontend::execute("", 0, &mut message)?;
        frontend::sync(&mut message);
        self.send(&message).await?;
        let mut failed = None;
        loop {
            let (tag, body) = self.reply(&mut failed).await?;
            match tag {
                b'1' | b'2' | b'E' => {}
                b'H' if self.buffer[body].first() == Some(&1) => {
                    self.most = ROW_BYTES;
                    return Ok(());
                }
                b'H' => return Err(Failure::Protocol("rows of COPY that are not binary")),
                b'Z' => {
                    return Err(failed.unwrap_or(Failure::Protocol("COPY that sends nothing")));
                }
                _ => return Err(Failure::Protocol("an unexpected message for COPY")),
            }
        }
    }

    /// Opens a statement whose rows are then asked for in portions, each column in the format with this
    /// number: 0 for text, 1 for binary.
    pub(super) async fn open(
        &mut self,
        sql: &str,
        formats: impl ExactSizeIterator<Item = i16>,
    ) -> Result<(), Failure> {
        let mut message = BytesMut::new();
        // What was open before under this name.
        frontend::close(b'P', PORTAL, &mut message)?;
        frontend::parse("", sql, [], &mut message)?;
        let columns = i16::try_from(formats.len())
            .map_err(|_| Failure::Request("there are too many columns".to_owned()))?;
        // The portal, the statement, no parameters, and the formats.
        message.put_u8(b'B');
        message.put_i32(4 + i32::try_from(PORTAL.len()).unwrap_or(0) + 8 + 2 * i32::from(columns));
        message.put_slice(PORTAL.as_bytes());
        message.put_bytes(0, 6);
        message.put_i16(columns);
        formats.for_each(|format| message.put_i16(format));
        frontend::sync(&mut message);
        self.send(&message).await?;
        let mut failed = None;
        loop {
            match self.reply(&mut failed).await?.0 {
                b'Z' => return failed.map_or(Ok(()), Err),
                b'1' | b'2' | b'3' | b'E' => {}
                _ => return Err(Failure::Protocol("an unexpected message for a cursor")),
            }
        }
    }

    /// Asks for the next rows of what [`Wire::open`] opened.
    pub(super) async fn ask_for(&mut self, rows: i32) -> Result<(), Failure> {
        let mut message = BytesMut::new();
        self.most = ROW_BYTES;
        frontend::execute(PORTAL, rows, &mut message)?;
        frontend::sync(&mut message);
        self.send(&message).await
    }

    /// Waits until the server is ready for the next request.
    pub(super) async fn ready(&mut self) -> Result<(), Failure> {
        let mut failed = None;
        loop {
            match self.reply(&mut failed).await?.0 {
                b'Z' => return failed.map_or(Ok(()), Err),
                b'E' => {}
                _ => return Err(Failure::Protocol("an unexpected message after the rows")),
            }
        }
    }

    /// Reads what follows the last row of `COPY`, and returns the server's count of the rows.
    pub(super) async fn copy_end(&mut self) -> Result<Option<u64>, Failure> {
        let mut failed = None;
        let mut count = None;
        loop {
            let (tag, body) = self.reply(&mut failed).await?;
            match tag {
                b'C' => {
                    let tag = self.buffer[body].strip_suffix(&[0]).unwrap_or_default().to_vec();
                    count = std::str::from_utf8(&tag)
                        .ok()
                        .and_then(|tag| tag.strip_prefix("COPY "))
                        .and_then(|count| count.parse().ok());
                }
                b'Z' => return failed.map_or(Ok(count), Err),
                b'E' => {}
                _ => return Err(Failure::Protocol("an unexpected message after COPY")),
            }
        }
    }

    /// Returns whether the connection is inside of a transaction that has not failed.
    pub(super) fn in_transaction(&self) -> bool {
        self.status == b'T'
    }

    /// Returns the next message of a reply; an error of the server is kept until the reply ends.
    async fn reply(&mut self, failed: &mut Option<Failure>) -> Result<(u8, Range<usize>), Failure> {
        let (tag, body) = self.any_message().await?;
        match tag {
            b'E' => {
                let error = ServerError::parse(&self.buffer[body.clone()]);
                failed.get_or_insert(Failure::Server(error));
            }
            b'Z' => self.status = self.buffer[body.clone()].first().copied().unwrap_or(b'E'),
            _ => {}
        }
        Ok((tag, body))
    }

    /// Returns the next message: its letter and where in [`Wire::bytes`] its body is. An error of the
    /// server is an error; what the server says in between is taken note of.
    pub(super) async fn message(&mut self) -> Result<(u8, Range<usize>), Failure> {
        let (tag, body) = self.any_message().await?;
        if tag == b'E' {
            return Err(ServerError::parse(&self.buffer[body]).into());
        }
        Ok((tag, body))
    }

    async fn any_message(&mut self) -> Result<(u8, Range<usize>), Failure> {
        loop {
            if let Some((tag, body)) = self.buffered()? {
                match tag {
                    b'N' | b'A' => {}
                    b'S' => {
                        let mut texts = self.buffer[body].split(|byte| *byte == 0);
                        if let (Some(name), Some(value)) = (texts.next(), texts.next())
                            && let Some(name) =
                                PARAMETERS.iter().find(|known| known.as_bytes() == name)
                        {
                            let value = String::from_utf8_lossy(value).into_owned();
                            self.parameters.insert(name, value);
                        }
                    }
                    _ => return Ok((tag, body)),
                }
            } else {
                self.fill().await?;
            }
        }
    }

    /// Returns the next message if it is a row with this tag and all of it has arrived.
    #[inline]
    pub(super) fn row(&mut self, tag: u8) -> Option<Range<usize>> {
        if self.buffer[self.start..self.end].first() != Some(&tag) {
            return None;
        }
        // A fault is found again by the call that waits.
        self.buffered().ok().flatten().map(|(_, body)| body)
    }

    /// Returns the next message if all of it has arrived.
    #[inline]
    fn buffered(&mut self) -> Result<Option<(u8, Range<usize>)>, Failure> {
        let Some((header, _)) = self.buffer[self.start..self.end].split_first_chunk::<5>() else {
            return Ok(None);
        };
        let [tag, a, b, c, d] = *header;
        let length = usize::try_from(i32::from_be_bytes([a, b, c, d])).unwrap_or(0);
        if length < 4 {
            return Err(Failure::Protocol("a message of a negative length"));
        }
        if length > self.most {
            return Err(Failure::Protocol(
                "a message that is longer than anything that it may say now",
            ));
        }
        let end = self.start + 1 + length;
        if end > self.end {
            return Ok(None);
        }
        let body = self.start + 5..end;
        self.start = end;
        Ok(Some((tag, body)))
    }

    /// Returns the bytes that bodies are ranges of, until the next call that waits.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Waits for more bytes.
    async fn fill(&mut self) -> Result<(), Failure> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // A message that does not fit makes room as it arrives, not as it claims.
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        } else if self.end == 0 && self.buffer.len() > READ_BYTES {
            self.buffer = vec![0; READ_BYTES];
        }
        let reading = pin!(self.socket.read(&mut self.buffer[self.end..]));
        let read = match &self.watch {
            None => reading.await?,
            Some(watch) => match select(reading, pin!(watch.until_hopeless())).await {
                Either::Left((read, _)) => read?,
                Either::Right((failure, _)) => return Err(failure),
            },
        };
        if read == 0 {
            return Err(Failure::Closed);
        }
        self.end += read;
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.socket.write_all(bytes).await?;
        Ok(self.socket.flush().await?)
    }
}

/// What is left of the body of a message.
pub(super) struct Body<'a>(pub(super) &'a [u8]);

impl<'a> Body<'a> {
    /// Returns the next bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        match self.0.split_first_chunk::<N>() {
            Some((array, rest)) => {
                self.0 = rest;
                Ok(*array)
            }
            None => Err(Failure::Protocol("a message that is cut off")),
        }
    }

    /// Returns the next 2 bytes as a number.
    pub(super) fn i16(&mut self) -> Result<i16, Failure> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// Returns the next 4 bytes as a number.
    pub(super) fn i32(&mut self) -> Result<i32, Failure> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// Returns so many bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Failure> {
        match self.0.split_at_checked(count) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => Err(Failure::Protocol("a message that is cut off")),
        }
    }

    /// Returns the next value: a length and so many bytes, or null for a negative length.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, Failure> {
        match usize::try_from(self.i32()?) {
            Ok(length) => Ok(Some(self.take(length)?)),
            Err(_) => Ok(None),
        }
    }

    fn text_row(&mut self) -> Result<TextRow, Failure> {
        (0..self.i16()?)
            .map(|_| Ok(self.value()?.map(|it| String::from_utf8_lossy(it).into_owned())))
            .collect()
    }

    fn columns(&mut self) -> Result<Vec<ResultColumn>, Failure> {
        (0..self.i16()?)
            .map(|_| {
                let length = self.0.iter().position(|byte| *byte == 0);
                let name =
                    self.take(length.ok_or(Failure::Protocol("a name without an end"))? + 1)?;
                let name = String::from_utf8_lossy(&name[..name.len() - 1]).into_owned();
                // The table and the column in it.
                self.take(6)?;
                let oid = u32::from_be_bytes(self.array()?);
                // The size in memory.
                self.take(2)?;
                let modifier = self.i32()?;
                // The format.
                self.take(2)?;
                Ok(ResultColumn { name, oid, modifier })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of a server.
    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = i32::try_from(body.len() + 4).expect("it is short").to_be_bytes();
        [&[tag][..], &length, body].concat()
    }

    /// Logs in to a server that says this, whatever it hears, and asks it something.
    async fn told(said: Vec<u8>, shelter: Shelter) -> Result<Vec<TextRow>, Failure> {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (mut heard, mut says) = tokio::io::split(server);
        tokio::spawn(async move { says.write_all(&said).await });
        tokio::spawn(async move { tokio::io::copy(&mut heard, &mut tokio::io::sink()).await });
        let password = Secret::new("secret".to_owned());
        let mut wire = Wire::log_in(Box::new(client), "u", "d", Some(&password), shelter).await?;
        wire.ask("SELECT 1").await
    }

    const READY: (u8, &[u8]) = (b'Z', b"I");

    fn logged_in(rest: &[(u8, &[u8])]) -> Vec<u8> {
        let login = [(b'R', &[0, 0, 0, 0][..]), READY];
        login.iter().chain(rest).flat_map(|(tag, body)| message(*tag, body)).collect()
    }

    #[tokio::test]
    async fn an_answer_without_end_is_refused() {
        let row = [&[0, 1, 0, 1, 0, 0][..], &[b'x'; 1 << 16]].concat();
        let row = (b'D', row.as_slice());
        let rows = told(logged_in(&[row, READY]), Shelter::None).await.expect("it is small");
        assert_eq!(rows[0][0].as_ref().map(String::len), Some(1 << 16));
        let many = vec![row; (ANSWER_BYTES >> 16) + 1];
        let error = told(logged_in(&many), Shelter::None).await.expect_err("it has no end");
        assert!(error.to_string().contains("more than 64 MiB"), "{error}");
        // Rows of nothing take memory, too.
        let many = vec![(b'D', &[0, 0][..]); ANSWER_BYTES / size_of::<TextRow>()];
        let error = told(logged_in(&many), Shelter::None).await.expect_err("it has no end");
        assert!(error.to_string().contains("more than 64 MiB"), "{error}");
    }

    #[tokio::test]
    async fn a_long_message_is_refused_before_the_login_and_in_answers() {
        let claims = |length: usize| {
            let length = i32::try_from(length).expect("it fits").to_be_bytes();
            [&[b'R'][..], &length].concat()
        };
        for said in [claims(LOGIN_BYTES + 1), [logged_in(&[]), claims(ANSWER_BYTES + 1)].concat()] {
            let error = told(said, Shelter::None).await.expect_err("it is too long");
            assert!(error.to_string().contains("longer than anything"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_password_is_shown_only_where_nobody_else_sees_it() {
        let asks = [message(b'R', &[0, 0, 0, 3]), logged_in(&[READY])].concat();
        let error = told(asks.clone(), Shelter::None).await.expect_err("anybody could see it");
        assert!(matches!(error, Failure::Exposed), "{error}");
        for shelter in [Shelter::Socket, Shelter::Tls { end_point: None }] {
            told(asks.clone(), shelter).await.expect("nobody sees it");
        }
    }
}
