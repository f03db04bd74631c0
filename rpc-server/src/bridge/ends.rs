//! The end of a client or of its program, which is told to the other.

use rpc_core::{CloseCode, CloseReason, Peer};

use super::program::Program;

/// Waits for the end of the client or of the program, and ends the other. A program that `is_own` is ended with its
/// client.
pub(super) async fn watch(client: Peer, program: Program, is_own: bool) {
    tokio::select! {
        reason = program.peer.closed() => {
            let (code, reason) = told(&reason);
            client.close(code, &reason);
        }
        _ = client.closed() => {}
        () = program.never_started() => {
            let reason = "the program has not answered its first request in time";
            client.close(CloseCode::INTERNAL, reason);
            program.peer.kick(CloseCode::INTERNAL, reason);
        }
    }
    if is_own {
        program.peer.close(CloseCode::NORMAL, "the client has gone");
        // Its place is free when the process has ended.
        program.peer.closed().await;
    }
}

/// Returns what the client of a program is told of the program's end.
fn told(reason: &CloseReason) -> (CloseCode, String) {
    let is_clean = reason.reason.ends_with("exited with code 0");
    let code = if is_clean { CloseCode::NORMAL } else { CloseCode::INTERNAL };
    let text = match &*reason.reason {
        "" => "the program has ended",
        text => text,
    };
    (code, text.to_owned())
}
