//! Packets of the protocol: framing, and no more.
//!
//! Start at [`Wire`]. What arrives is read in large pieces into one buffer, and a packet is handed out
//! as a slice of that buffer, so that a row is looked at where the socket put it. Nothing here knows
//! what a packet means.

use std::{fmt, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// What a connection runs over: TCP, TLS over it, or a Unix socket.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Transport for T {}

/// The length of a packet's header: three bytes of length and one that counts.
const HEADER: usize = 4;

/// A packet of this length is continued by the next one.
const MAX_PAYLOAD: usize = 0xFF_FFFF;

/// How much is read at once: so little that the runtime's other tasks get their turn while it is decoded.
/// Twice as much was no faster.
const READ_BYTES: usize = 128 * 1024;

/// The most that the buffer keeps when it needs no more than usual.
const KEPT_BYTES: usize = 2 * 1024 * 1024;

/// The longest message of rows, which is the most that a server can be set to send.
pub(super) const ROW_BYTES: usize = 1 << 30;

/// The longest message before a login is over. What is longer is for somebody who was let in.
const LOGIN_BYTES: usize = 1 << 20;

/// Why there is no packet.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The server went away.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing arrives, although the server should have ended what it does.
    #[error("nothing came from the server for {0:?}; the network may hang")]
    Silent(Duration),
    /// What arrives is not what the protocol says.
    #[error("the server's answer is not as the protocol says: {0}")]
    Protocol(&'static str),
}

const TOO_LONG: WireError =
    WireError::Protocol("a message is longer than anything that may come now");

/// A connection as packets.
pub(super) struct Wire {
    transport: Box<dyn Transport>,
    buffer: Vec<u8>,
    /// Where what was not handed out yet begins.
    start: usize,
    /// Where what arrived ends.
    end: usize,
    /// How many bytes were missing when a message was last looked for.
    missing: usize,
    /// The number that the next packet has, in either direction.
    sequence: u8,
    /// A message of several packets, put together.
    joined: Vec<u8>,
    /// How long nothing may arrive.
    patience: Option<Duration>,
    /// The longest message that is taken now.
    most: usize,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("buffered", &(self.end - self.start)).finish_non_exhaustive()
    }
}

/// Where the next message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// In the buffer, from here to there.
    Buffered(usize, usize),
    /// In [`Wire::joined`].
    Joined,
    /// It has not arrived; [`Wire::missing`] bytes more are needed at least.
    Missing,
}

impl Wire {
    pub(super) fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            missing: HEADER,
            sequence: 0,
            joined: Vec::new(),
            patience: None,
            most: LOGIN_BYTES,
        }
    }

    /// Waits from now on no longer than this for the next bytes, or as long as it takes.
    pub(super) fn set_patience(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// Takes messages of at most so many bytes from now on.
    pub(super) fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    /// Gives the transport back, to put TLS over it.
    ///
    /// Bytes that arrived beyond the last packet were sent by somebody who did not wait for TLS; they
    /// must not be taken for part of what is encrypted.
    pub(super) fn into_transport(self) -> Result<(Box<dyn Transport>, u8), WireError> {
        if self.start != self.end {
            return Err(WireError::Protocol("there are bytes before the TLS handshake"));
        }
        Ok((self.transport, self.sequence))
    }

    /// Goes on counting where another wire of the same connection ended.
    pub(super) fn continued(transport: Box<dyn Transport>, sequence: u8) -> Self {
        Self { sequence, ..Self::new(transport) }
    }

    /// Sends a command, with which counting begins again.
    pub(super) async fn send_command(&mut self, payload: &[u8]) -> Result<(), WireError> {
        self.sequence = 0;
        self.send(payload).await
    }

    /// Sends a message.
    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let mut framed = Vec::with_capacity(payload.len() + HEADER);
        let mut rest = payload;
        loop {
            let (piece, behind) = rest.split_at(rest.len().min(MAX_PAYLOAD));
            // At most 2^24 - 1, so the fourth byte is zero and is where the sequence goes.
            framed.extend_from_slice(&(piece.len() as u32).to_le_bytes()[..3]);
            framed.push(self.sequence);
            self.sequence = self.sequence.wrapping_add(1);
            framed.extend_from_slice(piece);
            rest = behind;
            if piece.len() < MAX_PAYLOAD {
                break;
            }
        }
        self.transport.write_all(&framed).await?;
        self.transport.flush().await?;
        Ok(())
    }

    /// Returns the next message, waiting for it.
    pub(super) async fn message(&mut self) -> Result<&[u8], WireError> {
        let found = loop {
            match self.find()? {
                Found::Missing => self.fill().await?,
                found => break found,
            }
        };
        Ok(self.slice(found))
    }

    /// Returns the next message if it is here already.
    pub(super) fn buffered(&mut self) -> Result<Option<&[u8]>, WireError> {
        match self.find()? {
            Found::Missing => Ok(None),
            found => Ok(Some(self.slice(found))),
        }
    }

    /// Waits for bytes. Dropping the future loses none.
    pub(super) async fn fill(&mut self) -> Result<(), WireError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let needed = self.end.saturating_add(self.missing);
        // What one long row needed is not kept for all the short ones behind it.
        if self.buffer.len() > KEPT_BYTES && needed <= READ_BYTES {
            self.buffer.truncate(READ_BYTES);
            self.buffer.shrink_to_fit();
        }
        if needed > self.buffer.len() {
            self.buffer.resize(needed, 0);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end + READ_BYTES, 0);
        }
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = match self.patience {
            Some(patience) => timeout(patience, self.transport.read(free))
                .await
                .map_err(|_| WireError::Silent(patience))??,
            None => self.transport.read(free).await?,
        };
        if read == 0 {
            return Err(WireError::Closed);
        }
        self.end += read;
        Ok(())
    }

    /// Ends the connection as the protocol says; what fails now does not matter.
    pub(super) async fn quit(mut self) {
        const COM_QUIT: u8 = 0x01;
        if self.send_command(&[COM_QUIT]).await.is_ok() {
            let _ = self.transport.shutdown().await;
        }
    }

    /// Finds the next message and, if it is whole, moves behind it.
    fn find(&mut self) -> Result<Found, WireError> {
        let arrived = self.buffer.get(self.start..self.end).unwrap_or_default();
        let Some((length, sequence)) = header(arrived) else {
            return Ok(self.lacks(HEADER - arrived.len()));
        };
        if length > self.most {
            return Err(TOO_LONG);
        }
        let whole = HEADER + length;
        if arrived.len() < whole {
            return Ok(self.lacks(whole - arrived.len()));
        }
        if length == MAX_PAYLOAD {
            return self.join();
        }
        /// A server that ends a connection says why in a packet that may have any number.
        const ERR: u8 = 0xFF;
        if arrived.get(HEADER) == Some(&ERR) {
            self.sequence = sequence;
        }
        self.count(sequence)?;
        let from = self.start + HEADER;
        self.start += whole;
        Ok(Found::Buffered(from, from + length))
    }

    /// Puts a message of several packets together once all of them are here.
    fn join(&mut self) -> Result<Found, WireError> {
        let mut at = self.start;
        let mut total = 0_usize;
        loop {
            let arrived = self.buffer.get(at..self.end).unwrap_or_default();
            let Some((length, _)) = header(arrived) else {
                return Ok(self.lacks(HEADER - arrived.len()));
            };
            total += length;
            if total > self.most {
                return Err(TOO_LONG);
            }
            if arrived.len() < HEADER + length {
                return Ok(self.lacks(HEADER + length - arrived.len()));
            }
            at += HEADER + length;
            if length < MAX_PAYLOAD {
                break;
            }
        }
        self.joined.clear();
        self.joined.reserve(total);
        while self.start < at {
            let arrived = self.buffer.get(self.start..self.end).unwrap_or_default();
            let Some((length, sequence)) = header(arrived) else {
                return Err(WireError::Protocol("a packet was lost"));
            };
            self.joined.extend_from_slice(arrived.get(HEADER..HEADER + length).unwrap_or_default());
            self.start += HEADER + length;
            self.count(sequence)?;
        }
        Ok(Found::Joined)
    }

    fn lacks(&mut self, missing: usize) -> Found {
        self.missing = missing;
        Found::Missing
    }

    /// Checks that no packet is missing.
    fn count(&mut self, sequence: u8) -> Result<(), WireError> {
        if sequence != self.sequence {
            return Err(WireError::Protocol("packets are out of order"));
        }
        self.sequence = sequence.wrapping_add(1);
        Ok(())
    }

    fn slice(&self, found: Found) -> &[u8] {
        match found {
            Found::Buffered(from, to) => self.buffer.get(from..to).unwrap_or_default(),
            Found::Joined => &self.joined,
            Found::Missing => &[],
        }
    }
}

/// Returns the length and the number of the packet that begins here.
fn header(arrived: &[u8]) -> Option<(usize, u8)> {
    let &[a, b, c, sequence, ..] = arrived else { return None };
    Some((usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16, sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets as a server frames them.
    fn framed(payload: &[u8], mut sequence: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = payload;
        loop {
            let (piece, behind) = rest.split_at(rest.len().min(MAX_PAYLOAD));
            bytes.extend_from_slice(&(piece.len() as u32).to_le_bytes()[..3]);
            bytes.push(sequence);
            bytes.extend_from_slice(piece);
            sequence = sequence.wrapping_add(1);
            rest = behind;
            if piece.len() < MAX_PAYLOAD {
                return bytes;
            }
        }
    }

    async fn received(bytes: Vec<u8>, count: usize) -> Result<Vec<Vec<u8>>, WireError> {
        let (client, mut server) = tokio::io::duplex(1000);
        let sender = tokio::spawn(async move {
            // Odd pieces, so that headers are torn.
            for piece in bytes.chunks(997) {
                if server.write_all(piece).await.is_err() {
                    return;
                }
            }
        });
        let mut wire = Wire::new(Box::new(client));
        wire.set_most(ROW_BYTES);
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(wire.message().await?.to_vec());
        }
        sender.await.expect("the sender does not panic");
        Ok(messages)
    }

    #[tokio::test]
    async fn hands_out_messages_that_arrive_in_pieces() {
        let mut bytes = Vec::new();
        let sent: Vec<Vec<u8>> = (0..600_u32).map(|i| vec![i as u8; i as usize]).collect();
        for (number, message) in sent.iter().enumerate() {
            bytes.extend(framed(message, number as u8));
        }
        assert_eq!(received(bytes, sent.len()).await.expect("all arrive"), sent);
    }

    #[tokio::test]
    async fn joins_messages_longer_than_a_packet() {
        for length in [MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 2 * MAX_PAYLOAD] {
            let long: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let mut bytes = framed(&long, 0);
            let packets = (length / MAX_PAYLOAD + 1) as u8;
            bytes.extend(framed(b"next", packets));
            let messages = received(bytes, 2).await.expect("both arrive");
            assert!(messages[0] == long, "{length}");
            assert_eq!(messages[1], b"next", "{length}");
        }
    }

    #[tokio::test]
    async fn refuses_long_messages_before_the_login() {
        for claimed in [LOGIN_BYTES + 1, MAX_PAYLOAD] {
            let (client, mut server) = tokio::io::duplex(1000);
            let header = [&(claimed as u32).to_le_bytes()[..3], &[0]].concat();
            server.write_all(&header).await.expect("there is room");
            let mut wire = Wire::new(Box::new(client));
            let error = wire.message().await.expect_err("it is too long");
            assert!(error.to_string().contains("longer than anything"), "{error}");
        }
    }

    #[tokio::test]
    async fn refuses_packets_out_of_order() {
        let mut bytes = framed(b"first", 0);
        bytes.extend(framed(b"third", 2));
        let error = received(bytes, 2).await.expect_err("one is missing");
        assert!(matches!(error, WireError::Protocol("packets are out of order")), "{error}");
    }

    #[tokio::test]
    async fn says_that_the_server_closed_the_connection() {
        let mut torn = framed(b"a message", 0);
        torn.truncate(7);
        let error = received(torn, 1).await.expect_err("it is cut off");
        assert!(matches!(error, WireError::Closed), "{error}");
    }
}
