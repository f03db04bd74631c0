//! Mutes: what is said when, what is heard, and what is skipped.

use super::*;
use crate::protocol::tables::outbox::OVERHEAD;

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;
const PUSH: &str = r#"{"jsonrpc":"2.0","method":"typing","params":["Ada"]}"#;

fn mute(method: &str, is_muted: bool) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"$/mute","params":{{"method":"{method}","muted":{is_muted}}}}}"#
    )
}

fn hear(protocol: &mut TestProtocol, text: &str) {
    assert!(matches!(receive(protocol, text), Event::Done));
}

fn notify(protocol: &mut TestProtocol, text: &'static str) {
    let notified = protocol.notify(Bytes::from_static(text.as_bytes()), || false);
    assert_eq!(notified, Ok(None), "neither waits nor fails");
}

/// All that the end has to send, by its method and the method that it is about.
fn sent(protocol: &mut TestProtocol) -> Vec<String> {
    let messages = std::iter::from_fn(|| next(protocol)).map(|message| {
        let message: serde_json::Value = serde_json::from_str(&message).unwrap();
        let params = &message["params"];
        let sign = if params["muted"] == true { "+" } else { "-" };
        match params["method"].as_str() {
            Some(about) => format!("{sign}{about}"),
            None => message["method"].as_str().unwrap().to_owned(),
        }
    });
    messages.collect()
}

/// An end of which the other end knows nothing yet.
fn stranger() -> TestProtocol {
    Protocol::new(Arc::new(Limits::server()))
}

#[test]
fn what_the_other_end_mutes_is_not_queued_and_counted() {
    let mut protocol = protocol(|_| {});
    hear(&mut protocol, &mute("typing", true));
    notify(&mut protocol, PUSH);
    assert!(protocol.skips(PUSH.as_bytes()), "as a push to a group asks");
    assert_eq!((next(&mut protocol), protocol.counters.skipped), (None, 2));
    notify(&mut protocol, r#"{"jsonrpc":"2.0","method":"typing2"}"#);
    assert_eq!(sent(&mut protocol), ["typing2"]);

    hear(&mut protocol, &mute("typing", false));
    hear(&mut protocol, &mute("typing", false));
    notify(&mut protocol, PUSH);
    assert_eq!(sent(&mut protocol), ["typing"]);
    assert_eq!((protocol.counters.skipped, protocol.counters.malformed), (2, 0));
    assert!(protocol.mutes.is_none(), "nothing is kept for it");
}

/// It takes no room, so that there is no room to wait for.
#[test]
fn what_is_muted_does_not_wait_for_room() {
    let mut protocol = protocol(|limits| limits.queue = 1);
    hear(&mut protocol, &mute("typing", true));
    notify(&mut protocol, r#"{"jsonrpc":"2.0","method":"other"}"#);
    assert!(!protocol.is_open());
    notify(&mut protocol, PUSH);
    assert_eq!(sent(&mut protocol), ["other"]);
}

#[test]
fn requests_of_a_muted_name_are_made_and_served() {
    let mut protocol = protocol(|_| {});
    protocol.mute("m").unwrap();
    hear(&mut protocol, &mute("m", true));
    assert!(request(&mut protocol, 1).is_some());
    call(&mut protocol, r#"{"jsonrpc":"2.0","method":"m","id":1}"#);
    assert_eq!(sent(&mut protocol), ["+m", "m"]);
}

#[test]
fn what_comes_although_this_end_has_muted_it_is_not_run() {
    let mut protocol = stranger();
    protocol.mute("m").unwrap();
    assert_eq!(notification(&mut protocol), None);
    assert_eq!((protocol.counters.skipped, protocol.notifications.len()), (1, 0));
    protocol.unmute("m");
    assert!(notification(&mut protocol).is_some());
    assert_eq!(next(&mut protocol), None, "the other end knows no mutes");
    assert!(protocol.mutes.is_none(), "nothing is kept for it");
}

#[test]
fn an_end_says_what_it_mutes_once() {
    let mut protocol = protocol(|_| {});
    for _ in 0..2 {
        protocol.mute("typing").unwrap();
    }
    assert_eq!(sent(&mut protocol), ["+typing"]);
    for _ in 0..2 {
        protocol.unmute("typing");
    }
    assert_eq!(sent(&mut protocol), ["-typing"]);
}

#[test]
fn mutes_wait_for_the_hello_and_leave_before_all_else() {
    let mut protocol = stranger();
    for method in ["c", "a", "b"] {
        protocol.mute(method).unwrap();
    }
    protocol.unmute("b");
    notify(&mut protocol, r#"{"jsonrpc":"2.0","method":"first"}"#);
    assert!(matches!(receive(&mut protocol, HELLO), Event::Greeted));
    assert_eq!(sent(&mut protocol), ["$/hello", "+a", "+c", "first"]);
    receive(&mut protocol, HELLO);
    assert_eq!(next(&mut protocol), None);
}

#[test]
fn mutes_leave_behind_a_hello_that_has_not_left() {
    for is_greeted_by_headers in [true, false] {
        let mut protocol = stranger();
        protocol.mute("a").unwrap();
        notify(&mut protocol, r#"{"jsonrpc":"2.0","method":"first"}"#);
        if is_greeted_by_headers {
            protocol.know_other(true);
        } else {
            protocol.greet();
            receive(&mut protocol, HELLO);
        }
        assert_eq!(sent(&mut protocol), ["$/hello", "+a", "first"]);
    }
}

#[test]
fn a_plain_end_neither_says_nor_hears_mutes() {
    let mut protocol = stranger();
    protocol.set_plain();
    protocol.mute("m").unwrap();
    receive(&mut protocol, HELLO);
    hear(&mut protocol, r#"{"jsonrpc":"2.0","method":"m"}"#);
    receive(&mut protocol, &mute("typing", true));
    notify(&mut protocol, PUSH);
    assert_eq!(sent(&mut protocol), ["typing"]);
}

#[test]
fn what_is_malformed_or_too_much_is_ignored_and_counted() {
    let mut protocol = protocol(|limits| limits.method_bytes = 4);
    let malformed = [
        r#"{"jsonrpc":"2.0","method":"$/mute"}"#,
        r#"{"jsonrpc":"2.0","method":"$/mute","params":{"method":"a"}}"#,
        r#"{"jsonrpc":"2.0","method":"$/mute","params":{"method":7,"muted":true}}"#,
        r#"{"jsonrpc":"2.0","method":"$/mute","params":{"method":"a","muted":1}}"#,
        r#"{"jsonrpc":"2.0","method":"$/mute","params":{"method":"abcde","muted":true}}"#,
    ];
    for text in malformed {
        hear(&mut protocol, text);
    }
    assert_eq!(protocol.counters.malformed, 5);
    assert!(protocol.mutes.is_none());

    for number in 0..70 {
        hear(&mut protocol, &mute(&number.to_string(), true));
    }
    assert_eq!(protocol.counters.malformed, 5 + 6);
    let is_skipped = |protocol: &mut TestProtocol, number| {
        protocol.skips(format!(r#"{{"jsonrpc":"2.0","method":"{number}"}}"#).as_bytes())
    };
    assert!(is_skipped(&mut protocol, 63) && !is_skipped(&mut protocol, 64));
}

/// Else a program that mutes and unmutes while nobody reads would fill the memory.
#[test]
fn a_full_queue_takes_the_last_state_of_each_method_when_it_has_room() {
    let mut protocol = protocol(|limits| limits.queue = 2 * OVERHEAD);
    notify(&mut protocol, r#"{"jsonrpc":"2.0","method":"long","params":["                 "]}"#);
    for _ in 0..1000 {
        protocol.mute("flips").unwrap();
        protocol.unmute("flips");
        protocol.mute("stays").unwrap();
    }
    assert!(protocol.queue_bytes() < 4 * OVERHEAD, "{}", protocol.queue_bytes());
    assert!(!protocol.has_sent_all());
    let mut all = sent(&mut protocol);
    assert!(!protocol.has_sent_all(), "what had no room waits");
    protocol.on_sent(0, ZERO);
    all.extend(sent(&mut protocol));
    assert!(protocol.has_sent_all());
    let last = |method: &str| all.iter().rfind(|said| said[1..] == *method).cloned();
    assert_eq!(last("stays").as_deref(), Some("+stays"));
    assert!(matches!(last("flips").as_deref(), None | Some("-flips")), "{all:?}");
}

#[test]
fn no_mute_is_said_when_the_connection_has_ended() {
    let mut protocol = protocol(|_| {});
    protocol.mute("a").unwrap();
    protocol.end(&CloseReason::link("lost"));
    protocol.discard();
    protocol.unmute("a");
    assert_eq!(next(&mut protocol), None);
}
