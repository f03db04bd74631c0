//! Calls within calls: the server's `bounce` calls ours, which calls the server's, and so on, as deep as was asked for.

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
    params: Option<(u64,)>,
    result: Option<u64>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let mut connection = Connection::open(options)?;
    let mut nest = |count| (0..count).try_for_each(|_| nest(&mut connection, options.depth));
    nest(options.warm_up)?;
    let running = Running::begin(options.pid.as_deref())?;
    nest(options.count)?;
    running.end(options.count * options.depth)
}

/// One call of depth `depth`. What is the innermost at a time is answered first, so a stack holds the rest.
fn nest(connection: &mut Connection, depth: u64) -> Checked {
    // The ids of the server's calls that wait for an answer.
    let mut waiting: Vec<String> = Vec::new();
    bounce(connection, 0, depth)?;
    loop {
        let text = connection.receive()?;
        let message: Message<'_> = serde_json::from_slice(text)?;
        match (message.params, message.result) {
            (Some((0,)), None) => {
                let id = message.id.get().to_owned();
                answer(connection, &id, 0)?;
            }
            (Some((deep,)), None) => {
                waiting.push(message.id.get().to_owned());
                bounce(connection, waiting.len(), deep - 1)?;
            }
            (None, Some(bounced)) => match waiting.pop() {
                Some(id) => answer(connection, &id, bounced + 1)?,
                None if bounced == depth => return Ok(()),
                None => return Err(format!("{bounced} instead of {depth}").into()),
            },
            _ => {
                let error = message.error.map_or("no call and no answer", RawValue::get);
                return Err(error.into());
            }
        }
    }
}

fn bounce(connection: &mut Connection, id: usize, depth: u64) -> Checked {
    let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"bounce","params":[{depth}]}}"#);
    connection.send(request.as_bytes());
    connection.flush()
}

fn answer(connection: &mut Connection, id: &str, bounced: u64) -> Checked {
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{bounced}}}"#);
    connection.send(answer.as_bytes());
    connection.flush()
}
