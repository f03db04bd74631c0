//! The exit code of `schema_diff`, by which a pipeline decides.

use std::path::PathBuf;
use std::process::{Command, Output};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../rpc-core/tests/schema/golden").join(name)
}

fn schema_diff(files: &[PathBuf]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_schema_diff")).args(files).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn the_exit_code_says_whether_something_breaks() {
    let model = golden("server.model.json");
    let same = schema_diff(&[model.clone(), model.clone()]);
    assert_eq!((code(&same), &*same.stdout), (0, &b""[..]));

    let text = std::fs::read_to_string(&model).unwrap();
    let changed = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("changed.model.json");
    std::fs::write(&changed, text.replace("chat.join", "chat.enter_room")).unwrap();
    let broken = schema_diff(&[model.clone(), changed]);
    let told = String::from_utf8(broken.stdout.clone()).unwrap();
    assert_eq!(code(&broken), 1);
    let line = "BREAKS  an old client at a new server: the client's call of `chat.join`: the other end has no such method";
    assert!(told.lines().any(|told| told == line), "{told}");

    // A document says the same, also beside a model.
    let document = golden("both.openrpc.json");
    assert_eq!(code(&schema_diff(&[document.clone(), document.clone()])), 0);
    let same = schema_diff(&[document.clone(), model.clone()]);
    assert_eq!((code(&same), &*same.stdout), (0, &b""[..]));
    let text = std::fs::read_to_string(&document).unwrap();
    let changed = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("changed.openrpc.json");
    std::fs::write(&changed, text.replace("chat.join", "chat.enter_room")).unwrap();
    let broken = schema_diff(&[document, changed]);
    let told = String::from_utf8(broken.stdout.clone()).unwrap();
    assert_eq!(code(&broken), 1);
    assert!(told.lines().any(|told| told == line), "{told}");

    assert_eq!(code(&schema_diff(std::slice::from_ref(&model))), 2);
    assert_eq!(code(&schema_diff(&[model, golden("missing.json")])), 2);
}
