//! Rows as a file of Arrow IPC.

use arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError, ipc::writer::FileWriter};

use super::Unwritable;

/// Writes rows as Arrow IPC. Each batch is a batch of the file.
pub(super) struct IpcRows {
    writer: FileWriter<Vec<u8>>,
}

impl IpcRows {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, Unwritable> {
        let writer = FileWriter::try_new(Vec::new(), schema).map_err(refused)?;
        Ok(Self { writer })
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritable> {
        self.writer.write(batch).map_err(refused)?;
        // The writer counts its bytes by itself, so that they can be taken away.
        out.append(self.writer.get_mut());
        Ok(())
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        // It ends the file first.
        out.append(&mut self.writer.into_inner().map_err(refused)?);
        Ok(())
    }
}

fn refused(error: ArrowError) -> Unwritable {
    Unwritable { column: String::new(), what: error.to_string(), hint: "write another format" }
}
