//! The proxy does what it is told, in front of the server that runs in this process.

mod faults;
mod links;
mod passing;
mod support;
mod uploads;
