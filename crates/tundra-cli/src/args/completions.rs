//! The arguments of `tundra completions`.

use clap::Args;
use clap_complete::Shell;

/// Print a script that completes commands and options in a shell
///
/// The script goes to standard output; the shell's documentation says where it looks for such
/// scripts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra completions bash > ~/.local/share/bash-completion/completions/tundra
  tundra completions zsh > ~/.zfunc/_tundra
  tundra completions fish > ~/.config/fish/completions/tundra.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}
