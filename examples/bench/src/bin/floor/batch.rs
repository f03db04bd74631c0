//! A batch, read once: each member is answered where it is found, before the next one is looked at.
//!
//! A server must not do this: if a batch breaks off, the members before have run. Nobody can do less for a batch that
//! is whole.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::Answers;
use crate::connection::{Paused, Shared};
use crate::cursor::Cursor;
use crate::request::{self, INVALID_PARAMS, INVALID_REQUEST, Request};

/// A batch that is being read: the state that its members may change, and the place for their answers.
pub(crate) struct Batch<'a> {
    pub(crate) shared: &'a mut Shared,
    pub(crate) paused: &'a Paused,
    pub(crate) answers: &'a mut Answers,
}

impl Batch<'_> {
    /// Writes the answers to all members. `None` if this is no batch.
    pub(crate) fn serve(&mut self, text: &str) -> Option<()> {
        let mut cursor = Cursor::new(text, 0);
        cursor.skip("[")?;
        loop {
            let begin = cursor;
            match cursor.add() {
                Some((id, a, b)) => self.add(id, a, b),
                None => cursor = self.member(begin)?,
            }
            if cursor.skip(",").is_none() {
                cursor.skip_white_space();
                if cursor.skip(",").is_none() {
                    break;
                }
            }
        }
        cursor.skip("]")?;
        cursor.skip_white_space();
        cursor.rest().is_empty().then_some(())
    }

    fn add(&mut self, id: &str, a: i64, b: i64) {
        match a.checked_add(b) {
            Some(sum) => self.answers.push_result(id, itoa::Buffer::new().format(sum)),
            None => self.answers.push_error(id, INVALID_PARAMS),
        }
    }

    /// Any other member, as a parser reads it. Returns where it ends.
    fn member<'a>(&mut self, mut cursor: Cursor<'a>) -> Option<Cursor<'a>> {
        let mut values = serde_json::Deserializer::from_str(cursor.rest()).into_iter::<&RawValue>();
        let member = values.next()?.ok()?;
        match Request::deserialize(member) {
            Ok(request) => request::call(&request, self.shared, self.paused, self.answers),
            Err(_) => self.answers.push_error("null", INVALID_REQUEST),
        }
        cursor.advance(values.byte_offset());
        Some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn answers(text: &str) -> String {
        let mut shared = Shared { groups: Arc::default(), published: None };
        let mut answers = Answers::default();
        request::serve(text, &mut shared, &Paused::new(), &mut answers);
        answers.take().map(|text| text.to_string()).unwrap_or_default()
    }

    #[test]
    fn each_member_is_answered_by_itself_however_it_is_written() {
        let plain = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}"#;
        let other = r#"{"method":"add", "params":[4,5], "id":"k", "jsonrpc":"2.0"}"#;
        let batch = format!("[ {plain} ,{other},7,{plain}]\n");
        assert_eq!(
            answers(&batch),
            concat!(
                r#"[{"jsonrpc":"2.0","id":1,"result":5},"#,
                r#"{"jsonrpc":"2.0","id":"k","result":9},"#,
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}},"#,
                r#"{"jsonrpc":"2.0","id":1,"result":5}]"#
            )
        );
    }

    #[test]
    fn what_is_no_batch_is_one_error() {
        let plain = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}"#;
        for text in
            ["[]".to_owned(), format!("[{plain}"), format!("[{plain},]"), format!("[{plain}]]")]
        {
            assert!(answers(&text).starts_with(r#"{"jsonrpc":"2.0","id":null,"error""#), "{text}");
        }
    }
}
