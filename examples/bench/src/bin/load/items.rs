//! Subscribes, and checks that each subscription gets its items: all of them, in order.

use std::collections::HashMap;

use bench::Checked;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::args::Options;
use crate::connection::Connection;
use crate::measured::{Measured, Running};

/// A connection and the subscriptions that are made on it.
struct Subscriber {
    connection: Connection,
    /// How many items have come, by the id of the subscription as JSON text.
    came: HashMap<String, u64>,
}

/// An answer with the id of a subscription, or an item.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<Item<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    subscription: &'a RawValue,
    result: u64,
}

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let subscribers = (0..options.connections).map(|_| Subscriber::open(options));
    let mut subscribers: Vec<_> = subscribers.collect::<Checked<_>>()?;
    take(&mut subscribers, options, options.warm_up)?;
    let running = Running::begin(options.pid.as_deref())?;
    let count = take(&mut subscribers, options, options.count)?;
    running.end(count)
}

/// Subscribes anew on all connections, and takes at least `count` items. Returns how many items came.
fn take(subscribers: &mut [Subscriber], options: &Options, count: u64) -> Checked<u64> {
    let all = subscribers.len() as u64 * options.streams;
    let each = count.div_ceil(all);
    if each > 0 {
        subscribers.iter_mut().try_for_each(|one| one.subscribe(options.streams, each))?;
        subscribers.iter_mut().try_for_each(|one| one.take(options.streams, each))?;
    }
    Ok(each * all)
}

impl Subscriber {
    fn open(options: &Options) -> Checked<Self> {
        Ok(Self { connection: Connection::open(options)?, came: HashMap::new() })
    }

    fn subscribe(&mut self, streams: u64, each: u64) -> Checked {
        self.came.clear();
        for id in 0..streams {
            let request =
                format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ticks","params":[{each},0]}}"#);
            self.connection.send(request.as_bytes());
        }
        self.connection.flush()
    }

    /// Takes the answers, and `each` items of each subscription.
    fn take(&mut self, streams: u64, each: u64) -> Checked {
        for _ in 0..streams * (1 + each) {
            let text = self.connection.receive()?;
            let message: Message<'_> = serde_json::from_slice(text)?;
            match (message.result, message.params, message.error) {
                (Some(id), None, None) => drop(self.came.insert(id.get().to_owned(), 0)),
                (None, Some(item), None) => {
                    let came = self.came.get_mut(item.subscription.get());
                    let came = came.ok_or("an item of an unknown subscription")?;
                    if item.result != *came || *came == each {
                        return Err(format!("item {} instead of {came}", item.result).into());
                    }
                    *came += 1;
                }
                _ => return Err(String::from_utf8_lossy(text).into()),
            }
        }
        Ok(())
    }
}
