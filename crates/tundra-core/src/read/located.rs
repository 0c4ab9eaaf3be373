//! A table whose places are those in the object.
//!
//! Start at [`Located`]. The readers below it know only the text as UTF-8; this puts what they say
//! of a place, or of bytes that are no text, into the terms of the object. It changes no row and no
//! count.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::{
    ColumnPlan, Decision, Error, Progress, Reporter, Stage, TextHints,
    read::{
        chunk::{DecodeError, Decoded},
        source::{Explain, TextSource},
        table::{Batches, Found, LeftOut, Table},
        unite::{Seen, United},
    },
};

/// A table of a source.
pub(crate) struct Located {
    table: Box<dyn Table>,
    source: TextSource,
}

impl Located {
    /// Puts what is said of this table's places into the terms of its source's object.
    pub(crate) fn new(table: Box<dyn Table>, source: TextSource) -> Self {
        Self { table, source }
    }
}

impl Table for Located {
    fn decisions(&self) -> &[Decision] {
        self.table.decisions()
    }

    fn hints(&self) -> TextHints {
        self.table.hints()
    }

    fn columns(&self) -> &[ColumnPlan] {
        self.table.columns()
    }

    fn found(&self) -> &[Found] {
        self.table.found()
    }

    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn is_complete(&self) -> bool {
        self.table.is_complete()
    }

    fn row_bytes(&self) -> u64 {
        self.table.row_bytes()
    }

    fn left_out(&self) -> LeftOut {
        let mut explain = Explain::new(self.source.clone());
        let mut left_out = self.table.left_out();
        for event in &mut left_out.events {
            // No place is better than a wrong one.
            event.samples.retain_mut(|sample| {
                explain.shown(&mut sample.text);
                explain.place(&mut sample.byte).is_ok()
            });
        }
        left_out
    }

    fn infer_whole(&mut self) -> Result<(), Error> {
        let source = &self.source;
        self.table.infer_whole().map_err(|error| Explain::new(source.clone()).error(error))
    }

    fn rows(&self) -> Result<Batches, Error> {
        let explain = Explain::new(self.source.clone());
        Ok(Box::new(Rows { batches: self.table.rows()?, explain }))
    }

    fn take_seen(&mut self) -> Seen {
        self.table.take_seen()
    }

    fn join(&mut self, united: &United) -> Result<(), Error> {
        self.table.join(united)
    }
}

struct Rows {
    batches: Batches,
    explain: Explain,
}

impl Rows {
    fn decoded(&mut self, mut decoded: Decoded) -> Result<Decoded, DecodeError> {
        let Self { explain, .. } = self;
        let Decoded { rejects, repairs, headers, .. } = &mut decoded;
        let mut located = rejects.iter_mut().try_for_each(|reject| explain.reject(reject));
        for places in [repairs, headers] {
            located = located
                .and_then(|()| places.iter_mut().try_for_each(|it| explain.place(&mut it.byte)));
        }
        located.map_err(|error| DecodeError::Other(explain.read_error(error)))?;
        Ok(decoded)
    }

    fn error(&mut self, error: DecodeError) -> DecodeError {
        match error {
            DecodeError::Other(error) => DecodeError::Other(self.explain.error(error)),
            DecodeError::Data(mut data) => match self.explain.failure(&mut data) {
                Ok(()) => DecodeError::Data(data),
                Err(error) => DecodeError::Other(self.explain.read_error(error)),
            },
            // Nobody is told of it: the input is read again.
            DecodeError::Contradiction(data) => DecodeError::Contradiction(data),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Decoded, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let decoded = match self.batches.next()? {
            Ok(decoded) => self.decoded(decoded),
            Err(error) => Err(self.error(error)),
        };
        Some(decoded)
    }
}

/// Reports bytes of the object, of which the whole is known, instead of bytes of the text.
pub(crate) struct ObjectBytes {
    /// Hears the reports.
    pub(crate) reporter: Arc<dyn Reporter>,
    /// What is read.
    pub(crate) source: TextSource,
}

impl Reporter for ObjectBytes {
    fn stage(&self, stage: Stage) {
        self.reporter.stage(stage);
    }

    fn progress(&self, progress: Progress) {
        self.reporter.progress(Progress { bytes: self.source.bytes_read(), ..progress });
    }
}
