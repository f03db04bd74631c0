//! The result of a case.

use std::time::Instant;

use crate::{Checked, Ends, usage};

/// The pieces that were moved, the time of that, and the processor time and memory of both ends.
#[derive(Debug, Default)]
pub struct Measured {
    /// Calls, items, messages, bytes of chunks, or connections.
    pub count: u64,
    /// Time on the clock.
    pub wall_ns: u64,
    /// Processor time of the server.
    pub server_ns: u64,
    /// Processor time of the client.
    pub client_ns: u64,
    /// Growth of the resident memory of the server.
    pub server_bytes: u64,
    /// Growth of the resident memory of the client.
    pub client_bytes: u64,
}

/// A measurement that has begun.
pub(crate) struct Running<'a> {
    pid: &'a str,
    server_ns: u64,
    client_ns: u64,
    began: Instant,
}

impl<'a> Running<'a> {
    pub(crate) fn begin(ends: &Ends<'a>) -> Checked<Self> {
        let [server_ns, client_ns] = both(ends.pid, usage::cpu_nanoseconds)?;
        Ok(Self { pid: ends.pid, server_ns, client_ns, began: Instant::now() })
    }

    pub(crate) fn end(self, count: u64) -> Checked<Measured> {
        let wall_ns = u64::try_from(self.began.elapsed().as_nanos())?;
        let [server_ns, client_ns] = both(self.pid, usage::cpu_nanoseconds)?;
        let (server_ns, client_ns) = (server_ns - self.server_ns, client_ns - self.client_ns);
        Ok(Measured { count, wall_ns, server_ns, client_ns, ..Measured::default() })
    }
}

/// Of the server and of this client.
pub(crate) fn both(pid: &str, read: fn(&str) -> Checked<u64>) -> Checked<[u64; 2]> {
    Ok([read(pid)?, read("self")?])
}

impl Measured {
    pub(crate) fn to_json(&self) -> String {
        let Self { count, wall_ns, server_ns, client_ns, server_bytes, client_bytes } = self;
        let [numbers, bytes] = [
            format!(r#""wall_ns":{wall_ns},"server_ns":{server_ns},"client_ns":{client_ns}"#),
            format!(r#""server_bytes":{server_bytes},"client_bytes":{client_bytes}"#),
        ];
        format!(r#"{{"count":{count},{numbers},{bytes}}}"#)
    }
}
