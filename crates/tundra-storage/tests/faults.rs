//! What a network or a store can do wrong heals, or is the right error with nothing to be seen.

mod garage;
mod reading;
mod refusals;
mod writing;
