//! What MCP says of calls that are under way, in words of its own.

use std::time::Duration;

use serde_json::value::RawValue;

use super::{Event, Protocol};
use crate::wire::decode::Notification;
use crate::wire::dialect::{MCP_CANCELLED, MCP_PROGRESS};
use crate::wire::id::is_number;
use crate::wire::scan::Scanner;

impl<W> Protocol<W> {
    /// A notification of MCP's own; `None` if it is none, or belongs to nothing here.
    pub(super) fn about_mcp<'a>(
        &mut self,
        notification: &Notification<'_>,
        now: Duration,
    ) -> Option<Event<'a>> {
        match &*notification.method {
            MCP_CANCELLED => Some(self.mcp_cancelled(notification.params)),
            MCP_PROGRESS => self.mcp_reported(notification, now),
            _ => None,
        }
    }

    /// The other end has given up a request, and wants no answer.
    fn mcp_cancelled<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        #[derive(serde::Deserialize)]
        struct Cancelled<'a> {
            #[serde(borrow, rename = "requestId")]
            id: &'a RawValue,
        }
        let params = params.and_then(|params| serde_json::from_str::<Cancelled<'_>>(params).ok());
        let Some(Cancelled { id }) = params else {
            self.malformed();
            return Event::Done;
        };
        let Some(key) = self.serving.find(id.get()) else { return self.cancelled_late(id.get()) };
        self.forsake(key);
        Event::Stop(key)
    }

    /// The other end reports how far a call of ours has come.
    fn mcp_reported<'a>(
        &mut self,
        notification: &Notification<'_>,
        now: Duration,
    ) -> Option<Event<'a>> {
        #[derive(serde::Deserialize)]
        struct Report<'a> {
            #[serde(borrow, rename = "progressToken")]
            token: &'a RawValue,
            #[serde(borrow)]
            progress: &'a RawValue,
        }
        // An object: `serde` would read an array too, which has no members to tell.
        let params = notification.params.filter(|params| params.starts_with('{'));
        let params = params.unwrap_or_default();
        match serde_json::from_str::<Report<'_>>(params) {
            Ok(Report { token, progress }) if is_number(progress.get()) => {
                let is_disguised = notification.complexity.is_disguised;
                self.take_report(token.get(), &said(params), is_disguised, now)
            }
            _ => {
                self.malformed();
                Some(Event::Done)
            }
        }
    }
}

/// The params of a report as an object of what it says: without those members that say of what.
fn said(params: &str) -> String {
    let mut said = String::with_capacity(params.len());
    let mut scanner = Scanner::new(params);
    // `{`, and then a comma before each further member.
    while scanner.next().is_some_and(|byte| byte != b'}') {
        let (Some(name), Some((value, _))) = (scanner.name(), scanner.value()) else { break };
        if !matches!(name, r#""progressToken""# | r#""_meta""#) {
            said.push(if said.is_empty() { '{' } else { ',' });
            said.push_str(name);
            said.push(':');
            said.push_str(value);
        }
    }
    said.push('}');
    said
}

#[test]
fn a_report_is_told_without_its_token() {
    for (params, expected) in [
        (r#"{"progressToken":1,"progress":2}"#, r#"{"progress":2}"#),
        (
            r#" { "progress" : 2.50 , "total":[ 1 ], "_meta":{}, "message":"a}","progressToken":"x" } "#,
            r#"{"progress":2.50,"total":[ 1 ],"message":"a}"}"#,
        ),
    ] {
        assert_eq!(said(params), expected);
    }
}
