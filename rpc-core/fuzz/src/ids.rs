//! An id is echoed byte for byte, or refused: whatever text it is.

use serde_json::value::RawValue;

use crate::far::answers;

/// Calls a method under the id that this text is.
pub fn check(input: &[u8]) {
    let Ok(value) = serde_json::from_str::<&RawValue>(crate::text(input)) else { return };
    let id = value.get();
    let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"echo","params":[7]}}"#);
    crate::paused(async {
        let answers = answers([&*request, &*request]).await;
        let is_one = !id.starts_with(['{', '[', 't', 'f']) && id.len() <= 128;
        for answer in &answers {
            let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":7}}"#);
            let is_refused = answer.contains(r#""id":null,"error":{"code":-32600"#);
            assert!(if is_one { *answer == expected } else { is_refused }, "{request}: {answer}");
        }
        assert_eq!(answers.len(), 2, "{request}: {answers:?}");
    });
}
