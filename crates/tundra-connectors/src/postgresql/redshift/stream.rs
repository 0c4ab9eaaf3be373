//! The rows of a statement, a portion at a time.
//!
//! Start at [`start`]. A statement that nobody wants any more is cancelled at once when the session is not
//! wanted either. Otherwise it is left after the portion that is on its way, so that the transaction goes
//! on; only when that does not come soon is it cancelled, which ends the transaction too.

use std::{
    pin::pin,
    sync::{PoisonError, Weak},
    time::Duration,
};

use futures::future::{Either, select};
use tokio::time::{sleep, timeout};
use tundra_core::{BatchStream, StreamEnd};

use super::{Lead, NAME};
use crate::{
    batch::{BatchSender, Gone, channel},
    pending::Order,
    postgresql::{
        decode::{Decoder, Step},
        failure::Failure,
        stream::{EndSlot, Terms},
        wire::Wire,
    },
};

/// The rows that are asked for at a time. The server works on no more of them when we do not come back.
const PORTION: u32 = 20_000;

/// How long a portion that nobody wants any more is waited for while the session goes on.
const GRACE: Duration = Duration::from_secs(1);

/// How often it is looked whether the session goes on.
const LOOK: Duration = Duration::from_millis(5);

/// Reads the rows of what is open on the connection. When `session` is gone, so is whoever could use the
/// connection afterwards.
pub(super) fn start(
    lead: Lead,
    decoder: Decoder,
    terms: Terms,
    end: EndSlot,
    session: Weak<()>,
) -> BatchStream {
    let (sender, stream) = channel(NAME, ());
    tokio::spawn(run(lead, decoder, sender, terms, end, session));
    stream
}

async fn run(
    mut lead: Lead,
    mut decoder: Decoder,
    sender: BatchSender,
    terms: Terms,
    end: EndSlot,
    session: Weak<()>,
) {
    let wire = &mut lead.connection.wire;
    let waiting = async {
        sender.gone().await;
        // A process that is about to end waits for it.
        let order = Order::begin();
        let alone = async {
            while session.strong_count() > 0 {
                sleep(LOOK).await;
            }
        };
        let _ = timeout(GRACE, alone).await;
        order
    };
    let read = {
        let reading = pin!(read(wire, &mut decoder, &sender));
        match select(reading, pin!(waiting)).await {
            Either::Left((read, _)) => Ok(read),
            Either::Right((order, _)) => Err(order),
        }
    };
    let read = match read {
        Ok(read) => read,
        Err(order) => {
            // This cancels what runs.
            drop(lead);
            drop(order);
            return;
        }
    };
    let result = match read {
        Ok(Ok(server_rows)) => {
            let facts = StreamEnd {
                server_rows: Some(server_rows),
                events: decoder.events(),
                watermark: terms.watermark,
            };
            *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(facts);
            lead.end();
            Ok(())
        }
        Ok(Err(Gone)) => return lead.end(),
        // Nobody knows where the connection stands.
        Err(failure) => Err(failure.within(terms.limit).of(NAME, "read the rows")),
    };
    sender.finish(result).await;
}

/// Reads all portions and returns the server's count of the rows.
async fn read(
    wire: &mut Wire,
    decoder: &mut Decoder,
    sender: &BatchSender,
) -> Result<Result<u64, Gone>, Failure> {
    let rows = i32::try_from(PORTION).unwrap_or(i32::MAX);
    let mut server = 0;
    let mut gone = false;
    loop {
        wire.ask_for(rows).await?;
        let last = loop {
            let (tag, body) = match wire.row(b'D') {
                Some(body) => (b'D', body),
                None => wire.message().await?,
            };
            match tag {
                b'D' if gone => {}
                b'D' => {
                    if decoder.row(&wire.bytes()[body])? == Step::Full
                        && let Some(batch) = decoder.take()?
                    {
                        gone = sender.send(batch).await.is_err();
                    }
                }
                b's' => break None,
                b'C' => break Some(count(&wire.bytes()[body])),
                _ => return Err(Failure::Protocol("an unexpected message among the rows")),
            }
        };
        wire.ready().await?;
        if gone {
            return Ok(Err(Gone));
        }
        let portion = match last {
            None => u64::from(PORTION),
            Some(count) => count.ok_or(Failure::Protocol("rows that end without a count"))?,
        };
        // What a server claims may be anything; that much is found to be wrong below.
        server = u64::saturating_add(server, portion);
        if last.is_some() {
            break;
        }
    }
    let arrived = decoder.rows();
    if server != arrived {
        return Err(Failure::Count { server, arrived });
    }
    if let Some(batch) = decoder.take()?
        && sender.send(batch).await.is_err()
    {
        return Ok(Err(Gone));
    }
    Ok(Ok(arrived))
}

/// Returns the count of a command tag, which is that of the last portion.
fn count(tag: &[u8]) -> Option<u64> {
    let tag = std::str::from_utf8(tag.strip_suffix(&[0])?).ok()?;
    tag.strip_prefix("SELECT ")?.parse().ok()
}
