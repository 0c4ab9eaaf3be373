//! What the program does when it is asked to stop.
//!
//! Start at [`Signals`]. The first Ctrl-C or SIGTERM cancels the run, which then ends in order and
//! removes what it has written. The second one has the effect that it would have had without this
//! module: it ends the process at once. Nothing here ends the process by itself. A file that grows
//! beyond the limit of the process is an error of whoever writes it, as a full disk is.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tundra_core::Cancel;

/// A signal that asks the program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: the system or a supervisor wants the program to end.
    Terminate,
}

impl Signal {
    /// Returns what shells report for a program that such a signal ended.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    /// Returns what happened to the program, for a message.
    pub(crate) const fn participle(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupted",
            Self::Terminate => "terminated",
        }
    }
}

/// Hears signals; clones hear the same.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    cancel: Cancel,
    received: watch::Receiver<Option<Signal>>,
}

impl Signals {
    /// Begins to listen. Must be called inside a runtime that runs tasks on threads of its own, so
    /// that a busy command does not delay it.
    ///
    /// # Errors
    /// Fails when the system refuses the handlers.
    pub(crate) fn listen() -> io::Result<Self> {
        // In this order: when a signal arrives the first handler looks whether there was one
        // before, and the second remembers this one.
        let seen = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_default(number, Arc::clone(&seen))?;
            signal_hook::flag::register(number, Arc::clone(&seen))?;
        }
        // With a handler the write fails, where without one the process would end and leave files.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (sender, received) = watch::channel(None);
        let cancel = Cancel::default();
        let listener = cancel.clone();
        // The task ends with the runtime, which ends with the command.
        tokio::spawn(async move {
            let received = tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
            };
            listener.cancel();
            // Without a receiver the command has ended already.
            let _ = sender.send(Some(received));
        });
        Ok(Self { cancel, received })
    }

    /// Returns the switch that a signal turns.
    pub(crate) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Returns the signal that came, if one did.
    pub(crate) fn received(&self) -> Option<Signal> {
        *self.received.borrow()
    }

    /// Waits for a signal.
    pub(crate) async fn wait(&self) -> Signal {
        let mut received = self.received.clone();
        match received.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal,
            // The listener is gone, so no signal will ever come.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}
