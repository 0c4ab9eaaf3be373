//! Postrust: a server that stands for PostgREST, which is in no registry.
//!
//! A database has one for itself, and what a catalog lists is everybody's: so tests make a database
//! each and start the program on it. Here it is only built.

use anyhow::Context;

use crate::{
    env::{TUNDRA_TEST_POSTGREST, Variables},
    tools,
    workspace::Workspace,
};

pub(super) const NAME: &str = "postrust";

/// Builds it when it is missing, and says where it is.
pub(super) fn prepare(workspace: &Workspace) -> anyhow::Result<Variables> {
    let program = tools::POSTRUST.ensure(workspace)?;
    let program = program.to_str().context("the cache folder has an odd name")?.to_owned();
    Ok(vec![(TUNDRA_TEST_POSTGREST, program)])
}
