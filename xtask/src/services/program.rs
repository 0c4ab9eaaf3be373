//! Servers that are packages of the system.

use std::path::PathBuf;

use anyhow::Context;

use crate::env;

/// Where Debian has what only an administrator is thought to run; it is not in everybody's path.
const FOR_ADMINISTRATORS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Finds a program.
///
/// # Errors
/// When there is none; the package that has it is named.
pub(super) fn find(name: &str, package: &str) -> anyhow::Result<PathBuf> {
    let folders = env::search_path().into_iter().chain(FOR_ADMINISTRATORS.map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file()).with_context(|| {
        format!("there is no `{name}` in the path (Debian and Ubuntu: `apt-get install {package}`)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_names_its_package() {
        let error = find("sshd-is-not-installed", "openssh-server").unwrap_err();
        assert!(error.to_string().contains("apt-get install openssh-server"), "{error}");
    }
}
