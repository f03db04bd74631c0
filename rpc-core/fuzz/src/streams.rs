//! Streams, credit, items and stops in any order: nothing is left, and no item leaves without credit.

use crate::far::answers;

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":128}}"#;

/// Each line is a message; behind a hello, as far as credit goes.
pub fn check(input: &[u8]) {
    let text = crate::text(input);
    let (greets, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    crate::paused(async {
        let hello = greets.then_some(HELLO);
        let answers = answers(hello.into_iter().chain(text.lines().take(200))).await;
        if !greets || text.contains("$/credit") || text.contains('\\') {
            return;
        }
        // Without any credit beyond the window: two items of at least 64 bytes each, and one more that
        // may overdraw it, for each stream.
        let made = answers.iter().filter(|answer| answer.contains(r#""result":""#)).count();
        let items = answers.iter().filter(|answer| answer.contains(r#""seq":"#)).count();
        assert!(items <= 3 * made, "{items} items of {made} streams: {answers:?}");
    });
}
