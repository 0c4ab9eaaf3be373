//! Observing the records of chunks.

use std::collections::BTreeSet;

use crate::{
    BadRowPolicy,
    read::{
        chunk::{Chunk, Decode, DecodeError},
        json::{
            Framing, JsonObservation,
            fault::Fault,
            geojson::Content,
            observer::Observer,
            text::{Padded, Records, Text},
        },
    },
};

/// Observes what the records of a chunk hold.
#[derive(Debug)]
pub(crate) struct JsonInfer {
    framing: Framing,
    skip_rows: BTreeSet<u64>,
    on_bad_row: BadRowPolicy,
    content: Content,
}

/// A record that could not be read.
struct Unreadable {
    fault: Box<Fault>,
    index: u64,
    start: usize,
    end: usize,
}

impl JsonInfer {
    /// Looks at every record but those of `skip_rows`. A record that cannot be read is counted
    /// with [`BadRowPolicy::Reject`] and nothing of it taken into account; else it fails.
    pub(crate) fn new(
        framing: Framing,
        skip_rows: BTreeSet<u64>,
        on_bad_row: BadRowPolicy,
    ) -> Self {
        Self { framing, skip_rows, on_bad_row, content: Content::Json }
    }

    /// Takes the records for what they are.
    pub(super) fn with_content(self, content: Content) -> Self {
        Self { content, ..self }
    }

    /// Observes until a record cannot be read.
    fn observe(&self, text: &Text<'_>) -> Result<JsonObservation, Unreadable> {
        let mut observation = JsonObservation::default();
        self.walk(text, |records, observer, start, index| {
            let read = observer.record(&mut observation, start).and_then(|end| records.finish(end));
            read.map_err(|fault| Unreadable { fault, index, start, end: records.pass(start) })
        })?;
        Ok(observation)
    }

    /// Observes each record on its own first, so that nothing of those is kept that cannot be
    /// read to their end.
    fn observe_readable(&self, text: &Text<'_>) -> JsonObservation {
        let mut observation = JsonObservation::default();
        let walked: Result<(), Unreadable> = self.walk(text, |records, observer, start, _| {
            let mut one = JsonObservation::default();
            match observer.record(&mut one, start).and_then(|end| records.finish(end)) {
                Ok(()) => observation.merge(one),
                Err(_) => {
                    observation.faulty += 1;
                    records.pass(start);
                }
            }
            Ok(())
        });
        debug_assert!(walked.is_ok(), "no record stops this walk");
        observation
    }

    fn walk(
        &self,
        text: &Text<'_>,
        mut each: impl FnMut(&mut Records<'_>, &mut Observer<'_>, usize, u64) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        let mut records = Records::new(text, self.framing);
        // Such a record is set aside, so that it must not decide a type. What fails the run, or is
        // repaired, is told by the decoder.
        let refuses_halves = self.on_bad_row == BadRowPolicy::Reject;
        let mut observer =
            Observer::new(&text.padded, records.space(), refuses_halves, self.content);
        let mut index = 0;
        while let Some(start) = records.next_start() {
            if self.skip_rows.contains(&text.record(index)) {
                records.pass(start);
            } else {
                observer.record = text.record(index) + 1;
                each(&mut records, &mut observer, start, index)?;
            }
            index += 1;
        }
        Ok(())
    }
}

impl Decode for JsonInfer {
    type Output = JsonObservation;

    fn decode(&self, chunk: Chunk) -> Result<JsonObservation, DecodeError> {
        let padded = Padded::new(chunk);
        let text = padded.text();
        let mut observation = match self.observe(&text) {
            Ok(observation) => observation,
            // A repair makes nothing of what is no JSON, see `JsonDecodeOptions`.
            Err(bad) if self.on_bad_row != BadRowPolicy::Reject => {
                let error = text.error(*bad.fault, bad.index, bad.start, bad.end);
                return Err(DecodeError::Data(Box::new(error)));
            }
            Err(_) => self.observe_readable(&text),
        };
        observation.bytes = text.len() as u64;
        Ok(observation)
    }
}
