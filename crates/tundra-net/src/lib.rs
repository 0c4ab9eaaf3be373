//! What every client of the network in Tundra holds to: [`address`] says which addresses may be
//! connected to, and [`tls`] how certificates are checked.
//!
//! It connects to nothing and knows no protocol. A client asks [`address::zone`] of the very address that
//! it connects to, never of a name, and decides by its own policy.

pub mod address;
pub mod tls;
