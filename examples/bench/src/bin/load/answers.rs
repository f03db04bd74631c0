//! The calls that are outstanding, and the check that each is answered once and rightly.

use std::collections::HashSet;

use bench::Checked;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::work::{FIRST_ID, Work};

/// An answer as any server may write it.
#[derive(Deserialize)]
pub(crate) struct Answer<'a> {
    id: u64,
    #[serde(borrow)]
    pub(crate) result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Of one connection.
#[derive(Default)]
pub(crate) struct Outstanding {
    made: u64,
    ids: HashSet<u64>,
}

impl Outstanding {
    /// The id of the next call, which is outstanding from now on.
    pub(crate) fn insert(&mut self) -> u64 {
        let id = FIRST_ID + self.made;
        self.made += 1;
        self.ids.insert(id);
        id
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// How many calls were made so far.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Checks the text of an answer.
    pub(crate) fn take(&mut self, text: &[u8], work: &Work) -> Checked {
        self.take_answer(&serde_json::from_slice(text)?, work)
    }

    pub(crate) fn take_answer(&mut self, answer: &Answer<'_>, work: &Work) -> Checked {
        if !self.ids.remove(&answer.id) {
            return Err(format!("an answer to {}, which is not outstanding", answer.id).into());
        }
        work.check(answer.id, answer.result()?)
    }
}

impl Answer<'_> {
    pub(crate) fn result(&self) -> Checked<&str> {
        match (self.result, self.error) {
            (Some(result), None) => Ok(result.get()),
            // A result of `null` is read as none.
            (None, None) => Ok("null"),
            (_, Some(error)) => Err(format!("{} is answered {error}", self.id).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_once() {
        let work = Work::Sum { method: "add".to_owned() };
        let mut outstanding = Outstanding::default();
        let id = outstanding.insert();
        let answer = format!(r#"{{"jsonrpc":"2.0","result":{},"id":{id}}}"#, id + 1);
        outstanding.take(answer.as_bytes(), &work).unwrap();
        assert!(outstanding.take(answer.as_bytes(), &work).is_err());
    }

    #[test]
    fn an_error_is_no_answer() {
        let work = Work::Sum { method: "add".to_owned() };
        let mut outstanding = Outstanding::default();
        let id = outstanding.insert();
        let answer = format!(r#"{{"id":{id},"error":{{"code":-32601}}}}"#);
        let error = outstanding.take(answer.as_bytes(), &work).unwrap_err();
        assert!(error.to_string().contains("-32601"));
    }
}
