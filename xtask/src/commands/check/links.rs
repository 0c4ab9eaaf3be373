//! Relative links in Markdown lead to files of the repository.
//!
//! Addresses on the web are not followed: the check needs no network.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use crate::workspace::Workspace;

/// Returns the links that lead nowhere.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn check(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let files: BTreeSet<String> = workspace.files()?.into_iter().collect();
    let mut faults = Vec::new();
    for document in workspace.sources(&[".md"])? {
        for (line, link) in links(&document.text) {
            if !leads_somewhere(&document.path, &link, &files) {
                faults.push(format!("{}:{line}: no file at `{link}`", document.path));
            }
        }
    }
    Ok(faults)
}

fn leads_somewhere(document: &str, link: &str, files: &BTreeSet<String>) -> bool {
    let target = link.split('#').next().unwrap_or_default();
    if target.is_empty() || is_address(link) {
        return true;
    }
    let folder = Path::new(document).parent().unwrap_or(Path::new(""));
    let Some(path) = inside(&folder.join(target)) else {
        return false;
    };
    let is_folder = || files.iter().any(|file| Path::new(file).starts_with(&path));
    path.to_str().is_some_and(|path| files.contains(path)) || is_folder()
}

/// Resolves `.` and `..` by name; nothing when the path leaves the repository.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

fn is_address(link: &str) -> bool {
    link.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|char| char.is_ascii_alphanumeric())
    })
}

/// Finds the targets of `[text](target)` and `[name]: target` outside code, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // What stands between two backticks is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        let mut targets: Vec<&str> = prose
            .match_indices("](")
            .filter_map(|(at, open)| prose[at + open.len()..].split([')', ' ']).next())
            .collect();
        let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        targets.extend(definition.and_then(|(_, target)| target.split_whitespace().next()));
        let bare = |target: &str| target.trim_matches(['<', '>']).to_owned();
        links.extend(targets.into_iter().map(|target| (index + 1, bare(target))));
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_prose_are_found_and_those_in_code_are_not() {
        let text = "See [a](docs/A.md#b) and [c](<d.md>).\n```\n[e](f)\n```\n`[g](h)`\n[i]: j.md\n";
        let found = links(text);
        let expected = [(1, "docs/A.md#b"), (1, "d.md"), (6, "j.md")];
        assert_eq!(found, expected.map(|(line, link)| (line, link.to_owned())));
    }

    #[test]
    fn a_link_leads_to_a_file_or_a_folder_of_the_repository() {
        let files = BTreeSet::from(["README.md", "docs/CLI.md"].map(ToOwned::to_owned));
        for link in ["CLI.md", "../README.md#a", "../docs", "#here", "https://a.b/c", "mailto:a@b"]
        {
            assert!(leads_somewhere("docs/A.md", link, &files), "{link}");
        }
        for link in ["README.md", "../../README.md", "/README.md", "cli.md"] {
            assert!(!leads_somewhere("docs/A.md", link, &files), "{link}");
        }
    }
}
