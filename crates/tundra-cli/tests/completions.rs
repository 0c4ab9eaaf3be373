//! Completion scripts.

use crate::support::Sandbox;

#[test]
fn every_shell_has_a_script_with_the_commands_and_options() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.run(&["completions", shell]).succeeds();
        for word in ["convert", "inspect", "on-bad-row", "reject"] {
            assert!(script.stdout().contains(word), "{word} is missing for {shell}");
        }
        assert!(!script.stdout().contains("panicked"), "{shell}");
    }
}

#[test]
fn bash_understands_its_script() {
    let sandbox = Sandbox::new();
    let script = sandbox.run(&["completions", "bash"]).succeeds();
    sandbox.write("complete.bash", &script.stdout);
    let checked = sandbox.finish(sandbox.command("bash").args([
        "-c",
        "source ./complete.bash && COMP_WORDS=(tundra conv) COMP_CWORD=1 && \
         _tundra tundra conv tundra && echo \"${COMPREPLY[@]}\"",
    ]));
    assert_eq!(checked.succeeds().stdout(), "convert\n");
}

#[test]
fn a_shell_that_does_not_exist_is_a_wrong_command_line() {
    Sandbox::new().run(&["completions", "cmd"]).fails(2, &["'cmd'", "bash"]);
}
