//! Compressed files and archives as plain bytes, within limits.
//!
//! Start at [`Unpacked::find`]: it looks at the first bytes of a [`Source`] and finds out which
//! compressions and which archive stand around the data, and [`Unpacked::open`] reads the data as often
//! as passes are needed. [`Ahead`] does that in a thread of its own.
//!
//! It writes no file: the names of an archive's members are compared and shown, and never used as paths.
//! It takes no name, no size and no count of an archive for true: what comes out is counted against
//! [`Limits`] while it comes. It knows no format of tables and no store.

mod ahead;
mod archive;
mod codec;
mod container;
mod error;
mod limits;
mod meter;
mod packed;
mod shown;
mod source;
mod stream;
mod unpacked;

pub use self::{
    ahead::Ahead,
    codec::Codec,
    container::Container,
    error::Error,
    limits::Limits,
    meter::Meter,
    shown::shown,
    source::Source,
    stream::Stream,
    unpacked::{Layer, Member, Unpacked},
};
