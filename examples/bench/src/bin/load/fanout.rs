//! Publishes to a group, and checks that each member gets each value, in order.

use std::collections::BTreeSet;
use std::ops::Range;

use bench::Checked;
use serde::Deserialize;

use crate::args::Options;
use crate::connection::Connection;
use crate::measured::{Measured, Running};

struct Fanout {
    publisher: Connection,
    members: Vec<Connection>,
    /// What has been published so far.
    value: u64,
    unordered: bool,
}

/// What a member is sent: `[group, value]`, or an item of a subscription.
#[derive(Deserialize)]
struct Pushed<'a> {
    method: &'a str,
    params: Params<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Params<'a> {
    Published(&'a str, u64),
    Item { result: u64 },
}

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let mut fanout = Fanout::open(options)?;
    fanout.publish(options.warm_up, options.burst)?;
    let running = Running::begin(options.pid.as_deref())?;
    fanout.publish(options.count, options.burst)?;
    running.end(options.count * options.burst * options.connections as u64)
}

impl Fanout {
    fn open(options: &Options) -> Checked<Self> {
        let member = |_| {
            let mut member = Connection::open(options)?;
            join(&mut member, "all")?;
            (1..options.groups).try_for_each(|group| join(&mut member, &group.to_string()))?;
            Ok(member)
        };
        let members = (0..options.connections).map(member).collect::<Checked<_>>()?;
        Ok(Self {
            // The last one: it does not answer pings while the members join.
            publisher: Connection::open(options)?,
            members,
            value: 0,
            unordered: options.unordered,
        })
    }

    /// Bursts, the next one when all members have the last one.
    fn publish(&mut self, bursts: u64, burst: u64) -> Checked {
        for _ in 0..bursts {
            let values = self.value..self.value + burst;
            self.value = values.end;
            for value in values.clone() {
                let params = format_args!(r#"["all",{value}]"#);
                let request = format!(
                    r#"{{"jsonrpc":"2.0","id":{value},"method":"publish","params":{params}}}"#
                );
                self.publisher.send(request.as_bytes());
            }
            self.publisher.flush()?;
            for _ in values.clone() {
                no_error(self.publisher.receive()?)?;
            }
            for member in &mut self.members {
                expect(member, values.clone(), self.unordered)?;
            }
        }
        Ok(())
    }
}

fn join(member: &mut Connection, group: &str) -> Checked {
    let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"join","params":["{group}"]}}"#);
    member.send(request.as_bytes());
    member.flush()?;
    no_error(member.receive()?)
}

/// Each of the values, once.
fn expect(member: &mut Connection, values: Range<u64>, unordered: bool) -> Checked {
    let mut missing: BTreeSet<u64> = values.collect();
    while let Some(&next) = missing.first() {
        let pushed: Pushed<'_> = serde_json::from_slice(member.receive()?)?;
        let value = pushed.value()?;
        if !missing.remove(&value) || (value != next && !unordered) {
            return Err(format!("{value} was pushed instead of {next}").into());
        }
    }
    Ok(())
}

impl Pushed<'_> {
    fn value(&self) -> Checked<u64> {
        match (self.method, &self.params) {
            ("message", Params::Published("all", value) | Params::Item { result: value }) => {
                Ok(*value)
            }
            (method, _) => Err(format!("a push of `{method}`, or to another group").into()),
        }
    }
}

fn no_error(answer: &[u8]) -> Checked {
    let text = std::str::from_utf8(answer)?;
    if text.contains(r#""error""#) { Err(text.into()) } else { Ok(()) }
}
