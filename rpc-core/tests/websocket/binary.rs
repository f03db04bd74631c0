//! Messages that are marked as binary count as text if they are UTF-8. What is not UTF-8 is refused.

use std::future::poll_fn;

use tokio::io::AsyncWriteExt;

use super::far::*;
use super::serving::*;

/// Masked, as a client's are, or not; the bytes are the payload either way.
type Frame = fn(u8, &[u8]) -> Vec<u8>;

/// Our role, and how the other end writes its frames.
const ROLES: [(Role, Frame); 2] = [
    (Role::Server, |first, payload| masked(first, payload)),
    (Role::Client, |first, payload| frame(first, payload)),
];

#[tokio::test(start_paused = true)]
async fn a_binary_message_that_is_utf_8_is_taken_for_text_and_answered_by_text() {
    for (role, _) in ROLES {
        let (_peer, far) = connect(role, Limits::server());
        let mut far = other(role, far);
        for (message, answer) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["né"]}"#,
                r#"{"jsonrpc":"2.0","id":1,"result":"né"}"#,
            ),
            (
                r#"[{"jsonrpc":"2.0","id":2,"method":"echo","params":["x"]}]"#,
                r#"[{"jsonrpc":"2.0","id":2,"result":"x"}]"#,
            ),
            ("{", r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}"#),
        ] {
            far.send_binary(message.into()).unwrap();
            poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
            assert_eq!(receive(&mut far).await.as_deref(), Ok(answer), "{message}");
        }
        far.send_binary(Bytes::new()).unwrap(); // nothing, as an empty text is
        lives(&mut far).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_binary_message_in_fragments_is_read_when_it_is_whole() {
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["é"]}"#;
    let (begin, end) = message.as_bytes().split_at(message.find('é').unwrap() + 1);
    for (role, frame) in ROLES {
        let (_peer, mut far) = connect(role, Limits::server());
        let frames = [frame(BEGIN_BINARY, begin), frame(PING, b""), frame(LAST, end)].concat();
        far.write_all(&frames).await.unwrap();
        let answer = receive(&mut other(role, far)).await;
        assert_eq!(answer.as_deref(), Ok(r#"{"jsonrpc":"2.0","id":1,"result":"é"}"#));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_utf_8_is_closed_with_1007_if_it_is_text_and_else_with_1003() {
    let unsupported = "a binary message that is not UTF-8: send JSON";
    for (whole, begin, code, reason) in [
        (TEXT, BEGIN, CloseCode::INVALID_TEXT, "text that is not UTF-8"),
        (BINARY, BEGIN_BINARY, CloseCode::UNSUPPORTED, unsupported),
    ] {
        for (role, frame) in ROLES {
            for frames in [
                frame(whole, b"\"\xff\""),
                frame(whole, b"\xc3"),
                [frame(begin, b"\xff"), frame(LAST, b"{}")].concat(),
                [frame(begin, b"{}"), frame(LAST, b"\xc3")].concat(),
            ] {
                let (peer, mut far) = connect(role, Limits::server());
                far.write_all(&frames).await.unwrap();
                let code = Some(code);
                let told = receive(&mut other(role, far)).await;
                assert_eq!(told, Err(format!("{code:?} {reason}")));
                assert_eq!(peer.closed().await.code, code);
            }
        }
    }
}
