//! The progress token inside of the params of a call, for dialects that put the token there.

use std::io::Write;

use super::PARAMS;
use crate::wire::dialect::Dialect;
use crate::wire::id::write_number;
use crate::wire::scan::Scanner;

/// The JSON text of the params around the place of the token.
#[derive(Debug, Clone)]
pub(crate) struct Within {
    before: String,
    after: String,
}

impl Within {
    /// Makes params that request progress as `dialect` does. An existing token is replaced, since this end could not
    /// assign its reports to a call.
    ///
    /// # Errors
    /// If the params go by position.
    pub(super) fn new(dialect: Dialect, params: Option<&str>) -> Result<Self, String> {
        let params = params.unwrap_or("{}");
        let (token, place) = match dialect {
            Dialect::Mcp => (r#""progressToken""#, "_meta"),
            Dialect::JsonRpc | Dialect::Lsp => (r#""workDoneToken""#, "params"),
        };
        if !params.starts_with('{') {
            return Err(format!(
                "under `Dialect::{dialect:?}` progress is asked for by {} in `{place}`: pass params by name \
                 (`by_name` in a trait; without one a struct or a map), or leave out `on_progress`",
                token.replace('"', "`")
            ));
        }
        if dialect != Dialect::Mcp {
            let (before, _, after) = around(params, token);
            return Ok(Self { before, after });
        }
        let (before, meta, after) = around(params, r#""_meta""#);
        let meta = meta.filter(|meta| meta.starts_with('{')).unwrap_or("{}");
        let (inner, _, rest) = around(meta, token);
        Ok(Self { before: before + &inner, after: rest + &after })
    }

    /// Returns the largest size of the params in bytes, without the token.
    pub(super) fn longest(&self) -> usize {
        PARAMS.len() + self.before.len() + self.after.len()
    }

    /// Writes the params as a member, after a comma.
    pub(super) fn write(&self, token: u64, out: &mut impl Write) {
        const WRITES: &str = "memory takes any write";
        out.write_all(PARAMS).expect(WRITES);
        out.write_all(self.before.as_bytes()).expect(WRITES);
        write_number(token, out);
        out.write_all(self.after.as_bytes()).expect(WRITES);
    }
}

/// Returns the text before the value of the member `name`, the value, and the text after the value. If there is no such
/// member, the two texts enclose the value of a new member.
fn around<'a>(object: &'a str, name: &str) -> (String, Option<&'a str>, String) {
    let mut scanner = Scanner::new(object);
    let mut has_members = false;
    while scanner.next().is_some_and(|byte| byte != b'}') {
        let (Some(found), Some((value, _))) = (scanner.name(), scanner.value()) else { break };
        has_members = true;
        if found == name {
            let at = value.as_ptr() as usize - object.as_ptr() as usize;
            let (before, after) = (&object[..at], &object[at + value.len()..]);
            return (before.to_owned(), Some(value), after.to_owned());
        }
    }
    let body = object.trim_end().strip_suffix('}').unwrap_or(object);
    let comma = if has_members { "," } else { "" };
    (format!("{body}{comma}{name}:"), None, "}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(dialect: Dialect, params: Option<&str>) -> String {
        let within = Within::new(dialect, params).unwrap();
        let mut out = Vec::new();
        within.write(7, &mut out);
        assert_eq!(out.len(), within.longest() + 1);
        let text = String::from_utf8(out).unwrap();
        serde_json::from_str::<serde_json::Value>(&text[PARAMS.len()..]).unwrap();
        text[PARAMS.len()..].to_owned()
    }

    #[test]
    fn a_token_is_put_among_params_and_nothing_else_of_them_changes() {
        for (params, lsp, mcp) in [
            (None, r#"{"workDoneToken":7}"#, r#"{"_meta":{"progressToken":7}}"#),
            (Some("{ }"), r#"{ "workDoneToken":7}"#, r#"{ "_meta":{"progressToken":7}}"#),
            (
                Some(r#"{"a":1.0,"b":"}"}"#),
                r#"{"a":1.0,"b":"}","workDoneToken":7}"#,
                r#"{"a":1.0,"b":"}","_meta":{"progressToken":7}}"#,
            ),
            (
                Some(r#"{"_meta": {"x":[1]} ,"a":2}"#),
                r#"{"_meta": {"x":[1]} ,"a":2,"workDoneToken":7}"#,
                r#"{"_meta": {"x":[1],"progressToken":7} ,"a":2}"#,
            ),
            (
                Some(r#"{"workDoneToken":"x","_meta":{"progressToken":"y","z":1}}"#),
                r#"{"workDoneToken":7,"_meta":{"progressToken":"y","z":1}}"#,
                r#"{"workDoneToken":"x","_meta":{"progressToken":7,"z":1}}"#,
            ),
            (
                Some(r#"{"_meta":null,"workDoneToken":null}"#),
                r#"{"_meta":null,"workDoneToken":7}"#,
                r#"{"_meta":{"progressToken":7},"workDoneToken":null}"#,
            ),
        ] {
            assert_eq!(asked(Dialect::Lsp, params), lsp);
            assert_eq!(asked(Dialect::Mcp, params), mcp);
        }
    }

    #[test]
    fn params_by_position_have_no_place_for_it() {
        let why = Within::new(Dialect::Mcp, Some("[1]")).unwrap_err();
        assert!(why.contains("`progressToken` in `_meta`") && why.contains("by name"), "{why}");
        let why = Within::new(Dialect::Lsp, Some("[1]")).unwrap_err();
        assert!(why.contains("`workDoneToken` in `params`"), "{why}");
    }
}
