//! Real workbooks, read the way a conversion reads them, and damaged ones.

mod damage;
mod harness;
mod others;
mod sheets;
mod types;
