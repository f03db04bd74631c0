//! Draining, and the end.

use super::*;

#[test]
fn draining_refuses_what_is_new_and_waits_for_what_runs() {
    let mut protocol = protocol(|_| {});
    let runs = request(&mut protocol, 1).unwrap();
    protocol.drain(&GoAway::new("shutting down"));
    assert!(next(&mut protocol).unwrap().contains("$/goaway"));
    assert_eq!(request(&mut protocol, 2), None);
    let busy = next(&mut protocol).unwrap();
    let text = r#""code":-32009,"message":"busy: not executed, the server is shutting down""#;
    assert!(busy.contains(text), "{busy}");
    assert!(!protocol.is_drained());
    protocol.finish(Started::resume(runs), Some(("1", Bytes::from_static(b"answer"))));
    assert!(!protocol.is_drained(), "the answer is still to be sent");
    next(&mut protocol);
    assert!(protocol.is_drained());
}
