//! What a file is for: its tables, and how people call what is in them.

use std::{fs::Metadata, path::Path};

use crate::Failure;

/// What a file is for.
#[derive(Debug)]
pub struct Purpose {
    /// One word, for the names of the thread that writes and of the file while it is made.
    pub name: &'static str,
    /// What such a file has in the field that SQLite reserves for telling programs' files apart
    /// (`application_id`). The first of the steps sets it.
    pub application: i32,
    /// Every version's step, the oldest first. What has been released is never changed. Each adds to the
    /// one before, so that a process that runs while a newer one brings the file up to date still finds
    /// what it knows.
    pub steps: &'static [&'static str],
    /// What a file that is there must fulfil besides, before it is opened.
    pub accept: Option<Accept>,
    /// How people call what is in it.
    pub words: Words,
}

/// Refuses a file by its path or by what the system says of it.
pub type Accept = fn(&Path, &Metadata) -> Result<(), Failure>;

/// How people call what is in a file, for the ways out of failures.
#[derive(Debug)]
pub struct Words {
    /// What the file is of, behind `name a file, new or of`: `a catalog`.
    pub content: &'static str,
    /// What is in this file, behind `move`: `the catalog`.
    pub this: &'static str,
    /// What is in any such file, before `on a network file system must move`: `a catalog`.
    pub any: &'static str,
    /// What to do besides, where the file is none of SQLite: `if this was the catalog, restore a backup`.
    pub if_not_sqlite: &'static str,
    /// What is a comfort where the file is damaged: `the data in storage stays where it is`.
    pub if_damaged: Option<&'static str>,
}
