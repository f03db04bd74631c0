//! Calls, `window` of them outstanding on each connection.

use std::time::Instant;

use bench::{Checked, Times};

use crate::answers::Outstanding;
use crate::args::Options;
use crate::connection::Connection;
use crate::measured::{Measured, Running};
use crate::work::Work;

/// A connection and the calls that are made on it.
pub(crate) struct Caller {
    connection: Connection,
    outstanding: Outstanding,
    request: Vec<u8>,
    /// When calls were last made.
    sent: Instant,
}

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let work = Work::new(options);
    let callers = (0..options.connections).map(|_| Caller::open(options));
    let mut callers: Vec<_> = callers.collect::<Checked<_>>()?;
    let each = |count: u64| count.div_ceil(options.connections as u64);

    call(&mut callers, each(options.warm_up), options.window, &work, None)?;
    let mut times = options.latency.then(Times::default);
    let running = Running::begin(options.pid.as_deref())?;
    call(&mut callers, each(options.count), options.window, &work, times.as_mut())?;
    let mut measured = running.end(each(options.count) * options.connections as u64)?;
    measured.times = times;
    // What was answered twice would be noticed here, before the answer to this.
    callers.iter_mut().try_for_each(|caller| caller.call_once(&work))?;
    Ok(measured)
}

/// Visits the connections in turn, so that there are calls on all of them all the time. Adds to the `times` of calls, of
/// which there is one at a time on each connection.
fn call(
    callers: &mut [Caller],
    count: u64,
    window: usize,
    work: &Work,
    mut times: Option<&mut Times>,
) -> Checked {
    let target = callers.first().map_or(0, |caller| caller.outstanding.made()) + count;
    for caller in &mut *callers {
        caller.refill(target, window, work)?;
    }
    while callers.iter().any(|caller| caller.outstanding.len() > 0) {
        for caller in &mut *callers {
            if caller.outstanding.len() == 0 {
                continue;
            }
            caller.take_answers(work)?;
            if let Some(times) = &mut times {
                times.push(caller.sent.elapsed());
            }
            caller.refill(target, window, work)?;
        }
    }
    Ok(())
}

impl Caller {
    pub(crate) fn open(options: &Options) -> Checked<Self> {
        Ok(Self {
            connection: Connection::open(options)?,
            outstanding: Outstanding::default(),
            request: Vec::new(),
            sent: Instant::now(),
        })
    }

    /// Makes calls until `window` are outstanding, or `target` have been made.
    fn refill(&mut self, target: u64, window: usize, work: &Work) -> Checked {
        self.sent = Instant::now();
        while self.outstanding.len() < window && self.outstanding.made() < target {
            work.request(self.outstanding.insert(), &mut self.request)?;
            self.connection.send(&self.request);
        }
        self.connection.flush()
    }

    /// Waits for an answer, and takes those that have come with it.
    fn take_answers(&mut self, work: &Work) -> Checked {
        self.outstanding.take(self.connection.receive()?, work)?;
        while let Some(answer) = self.connection.receive_buffered()? {
            self.outstanding.take(answer, work)?;
        }
        Ok(())
    }

    /// One call, and its answer.
    pub(crate) fn call_once(&mut self, work: &Work) -> Checked {
        self.refill(self.outstanding.made() + 1, 1, work)?;
        self.take_answers(work)
    }

    pub(crate) fn close(self) -> Checked {
        self.connection.close()
    }
}
