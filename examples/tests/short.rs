//! The short programs end by themselves, and show what they are there to show.

use std::process::{Command, Stdio};

fn shows(program: &str, lines: &[&str]) {
    let output = Command::new(program).stdin(Stdio::null()).output().expect("the binary is there");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_chat_with_history() {
    shows(
        env!("CARGO_BIN_EXE_chat"),
        &[
            "Ben without a name: `enter` first",
            "Ben hears Ada: is anyone here?",
            "Ben hears Ada: well then",
            "Ben hears Ben: hi Ada!",
            "Ben hears Ada: hi Ben!",
        ],
    );
}

#[test]
fn a_language_server_behind_a_websocket() {
    shows(
        env!("CARGO_BIN_EXE_bridge"),
        &[
            "the language server says what it can: true",
            "the client is asked: workspace/configuration",
            "it finds something in line 0",
            "and tells about `one`: true",
            "the process exited with code 0",
        ],
    );
}

#[test]
fn an_upload_with_progress() {
    shows(
        env!("CARGO_BIN_EXE_upload"),
        &[
            "the server has 25 %",
            "the server has 50 %",
            "the server has 75 %",
            "the server has 100 %",
            "stored 1000000 bytes",
            "refused: more than 1000000 bytes",
            "not sent: nobody takes the items of the stream any more",
        ],
    );
}

#[test]
fn a_live_feed_of_the_latest() {
    shows(
        env!("CARGO_BIN_EXE_feed"),
        &[
            "after 10 prices: busy with something else",
            "missed some: true",
            "all are accounted for: true",
            "ACME stands at 5000",
            "INIT stands at 5000",
            "ZORK stands at 5000",
        ],
    );
}

#[test]
fn a_way_round_a_proxy_that_refuses_websockets() {
    shows(
        env!("CARGO_BIN_EXE_fallback"),
        &[
            "without a fallback: the server answered 501 Not Implemented",
            "up by server-sent events",
            "hello, Ada",
            "up, session resumed, by a WebSocket",
            "the numbers from 1 to 10000 have the sum 50005000",
            "hello, Ada",
        ],
    );
}

#[test]
fn five_ways_to_log_in() {
    shows(
        env!("CARGO_BIN_EXE_login"),
        &[
            "by a header: Ada",
            "by a cookie: Ben",
            "by a subprotocol: Flo",
            "by the query: Eve",
            "a guest: not authorized for this method (code -32013)",
            "by a message: Dan",
            "by a wrong token: the server answered 401 Unauthorized: wrong token",
            "a guest: not authorized for this method (code -32013)",
            "not renewed: closed by the other end with code 4401: the login has expired",
            "renewed: Flo",
            "revoked: 1, closed by the other end with code 4403: revoked",
        ],
    );
}

#[test]
fn a_server_mounted_in_a_web_app() {
    shows(
        env!("CARGO_BIN_EXE_mounted"),
        &[
            "without a cookie: the server answered 401 Unauthorized: log in first",
            "asked: Pin \u{201c}water the plants\u{201d}, Ada?",
            "notes on the board: 1",
            "Ada has pinned: water the plants",
            "closed by the other end with code 4401: logged out",
        ],
    );
}
