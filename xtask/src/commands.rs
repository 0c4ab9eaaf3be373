//! The commands, one file each: `Args` and `run`.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod fidelity;
pub(crate) mod fuzz;
pub(crate) mod generate;
pub(crate) mod services;
pub(crate) mod soak;
pub(crate) mod test;
