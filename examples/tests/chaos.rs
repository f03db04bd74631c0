//! Sessions over a bad network, for some seconds: the books of both ends must agree.

use std::process::{Command, Output, Stdio};

fn chaos(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.args(args).stdin(Stdio::null()).output().expect("the binary is there")
}

/// Runs it for some seconds. It says by itself whether the books agree; the rest makes sure that it has done something.
fn runs(seed: &str) {
    let output = chaos(&["--seconds", "8", "--seed", seed, "--clients", "3"]);
    let shown = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{said}");
    assert!(shown.contains("the books agree"), "{shown}");
    for event in
        ["links made", "sessions resumed", "fresh sessions", "calls answered", "items of streams"]
    {
        assert!(times(&shown, event) > 0, "`{event}` has not happened:\n{shown}");
    }
    for fault in ["doubles", "silent gaps", "untrue fates and answers", "stuck"] {
        assert_eq!(times(&shown, fault), 0, "{shown}");
    }
}

/// Reads a number of the table.
fn times(shown: &str, event: &str) -> u64 {
    let line = shown.lines().find_map(|line| line.trim().strip_prefix(event));
    let line = line.unwrap_or_else(|| panic!("no `{event}` in\n{shown}"));
    line.trim().parse().unwrap_or_else(|_| panic!("no number behind `{event}`: `{line}`"))
}

#[test]
fn the_books_agree_with_one_seed() {
    runs("1");
}

#[test]
fn the_books_agree_with_another_seed() {
    runs("2");
}

#[test]
fn what_is_wrong_with_the_command_line_is_said() {
    for (args, complaint) in [
        (&["--seconds", "0"][..], "--seconds"),
        (&["--clients", "many"], "many"),
        (&["--sed", "1"], "--sed"),
    ] {
        let output = chaos(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(complaint), "{args:?}: {said}");
    }
    assert!(String::from_utf8_lossy(&chaos(&["--help"]).stdout).contains("--seed N"));
}
