//! Has the server call back: it makes the calls, and its answer says whether all were right.

use std::io::Write;

use bench::Checked;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::args::Options;
use crate::connection::Connection;
use crate::measured::{Measured, Running};

/// A call of the server, or its answer to ours.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    method: Option<&'a str>,
    params: Option<(i64, i64)>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let mut connection = Connection::open(options)?;
    drive(&mut connection, options.warm_up, options.window)?;
    let running = Running::begin(options.pid.as_deref())?;
    drive(&mut connection, options.count, options.window)?;
    running.end(options.count)
}

fn drive(connection: &mut Connection, count: u64, window: usize) -> Checked {
    let request =
        format!(r#"{{"jsonrpc":"2.0","id":"drive","method":"drive","params":[{count},{window}]}}"#);
    connection.send(request.as_bytes());
    connection.flush()?;
    let (mut answer, mut calls) = (Vec::new(), 0);
    loop {
        let mut message = connection.receive()?;
        // All that has been read is answered with one write.
        loop {
            if !answer_to(message, &mut answer)? {
                return ended(message, calls, count);
            }
            calls += 1;
            connection.send(&answer);
            match connection.receive_buffered()? {
                Some(next) => message = next,
                None => break,
            }
        }
        connection.flush()?;
    }
}

/// Writes the answer to a call; false if that is none.
fn answer_to(text: &[u8], answer: &mut Vec<u8>) -> Checked<bool> {
    let message: Message<'_> = serde_json::from_slice(text)?;
    let (Some("add"), Some((a, b))) = (message.method, message.params) else { return Ok(false) };
    answer.clear();
    write!(answer, r#"{{"jsonrpc":"2.0","id":{},"result":{}}}"#, message.id, a + b)?;
    Ok(true)
}

fn ended(text: &[u8], calls: u64, count: u64) -> Checked {
    let message: Message<'_> = serde_json::from_slice(text)?;
    let result = message.result.map(RawValue::get);
    if message.error.is_some() || result != Some(&count.to_string()) || calls != count {
        let text = String::from_utf8_lossy(text);
        return Err(format!("{count} calls were asked for, {calls} came, then {text}").into());
    }
    Ok(())
}
