//! An output between its proof and its publication.

use std::{fmt, sync::Arc, time::Instant};

use crate::{
    Control, Error, IfExists, ObjectInfo, Output, Receipt, Result, Stage, StorageError,
    engine::{
        beside::RejectsPlace,
        copy::Stop,
        input::OpenInput,
        resources::peak_memory,
        run::{Data, Finished},
    },
};

/// An output that is complete and checked, but not visible. Dropping it leaves nothing behind.
pub struct Prepared {
    pub(crate) finished: Finished,
    /// The object that was read, if it was one.
    pub(crate) opened: Option<Arc<OpenInput>>,
    pub(crate) output: Output,
    pub(crate) rejects_place: RejectsPlace,
    pub(crate) control: Control,
    pub(crate) guard: StopOnDrop,
}

impl Prepared {
    /// Returns the receipt as far as it can be known: without the time that publishing takes.
    pub fn receipt(&self) -> &Receipt {
        &self.finished.receipt
    }

    /// Returns the object that was read; `None` when it was a database.
    pub fn input(&self) -> Option<&ObjectInfo> {
        self.opened.as_ref().map(|opened| opened.original.info())
    }

    /// Makes several outputs visible, one after another, and returns their receipts.
    ///
    /// # Errors
    /// As [`Prepared::publish`], for the first that fails. Those before it are taken back if they were not
    /// to replace anything, and with them their rejects; what replaced something else stays, because that
    /// is gone.
    pub async fn publish_all(all: Vec<Self>) -> Result<Vec<Receipt>> {
        let mut visible: Vec<Output> = Vec::new();
        let mut receipts = Vec::new();
        for prepared in all {
            let output = prepared.output.clone();
            let has_rejects = prepared.finished.rejects.is_some();
            let rejects = has_rejects.then(|| prepared.rejects_place.output.clone());
            match prepared.publish().await {
                Ok(receipt) => receipts.push(receipt),
                Err(error) => {
                    take_back(visible).await;
                    return Err(error);
                }
            }
            visible.extend(rejects);
            visible.push(output);
        }
        Ok(receipts)
    }

    /// Makes the output visible and returns its receipt.
    ///
    /// A run that is to stop stops here as well, until the last request to the store is on its way: of that
    /// one nobody could say whether it had an effect.
    ///
    /// # Errors
    /// Fails when the input has changed since it was opened, when the store fails, and when the
    /// output came into being since; nothing is left behind then. Where the output is several files, those
    /// that have replaced others by then stay.
    pub async fn publish(self) -> Result<Receipt> {
        let Self { finished, opened, output, rejects_place, control, guard } = self;
        let Finished { mut receipt, mut data, mut rejects, metadata: _, row_group_rows: _ } =
            finished;
        control.reporter.stage(Stage::Publishing);
        let publishing = Instant::now();
        let ready = guard.0.unless_stopped(async {
            if let Some(opened) = &opened {
                let unchanged = opened.original.check_unchanged().await;
                unchanged.map_err(|source| Error::Storage {
                    role: "could not read the input",
                    source,
                })?;
            }
            let one = if let Data::One(written) = &mut data { Some(written) } else { None };
            for written in rejects.iter_mut().chain(one) {
                written.writer.flush().await.map_err(not_published)?;
            }
            Ok(())
        });
        if let Err(error) = ready.await.flatten() {
            if let Some(rejects) = rejects {
                rejects.abort().await;
            }
            data.abort().await;
            return Err(error);
        }
        // The rejects first: whoever sees the data sees what is not in it.
        let has_rejects = rejects.is_some();
        if let Some(rejects) = rejects {
            rejects.writer.publish().await.map_err(not_published)?;
        }
        let published = match data {
            Data::One(written) => written.writer.publish().await.map(drop).map_err(not_published),
            Data::Several(parts) => parts.publish(&guard.0).await,
        };
        if let Err(error) = published {
            if has_rejects {
                // The error of the data says more than one of the clean-up.
                drop(output.storage.delete(&rejects_place.output.path).await);
            }
            return Err(error);
        }
        if !has_rejects {
            rejects_place.remove_stale().await;
        }
        receipt.timings.publish_seconds += publishing.elapsed().as_secs_f64();
        receipt.timings.total_seconds = guard.0.began.elapsed().as_secs_f64();
        receipt.peak_memory_bytes = peak_memory();
        Ok(receipt)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("receipt", self.receipt()).finish_non_exhaustive()
    }
}

pub(crate) fn not_published(source: StorageError) -> Error {
    Error::Storage { role: "could not publish the output", source }
}

/// Removes outputs that came into being a moment ago.
pub(crate) async fn take_back(outputs: Vec<Output>) {
    for output in outputs.into_iter().filter(|output| output.if_exists == IfExists::Fail) {
        if let Err(error) = output.storage.delete(&output.path).await {
            let location = output.storage.display(&output.path);
            // Why it had to go is the error that counts.
            tracing::warn!(%error, location, "could not take an output back");
        }
    }
}

/// Stops the run when nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct StopOnDrop(pub(crate) Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.own.cancel();
    }
}
