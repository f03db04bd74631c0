//! Calls, `window` of them outstanding on each connection.

use bench::Checked;

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
}

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let work = Work::new(options);
    let callers = (0..options.connections).map(|_| Caller::open(options));
    let mut callers: Vec<_> = callers.collect::<Checked<_>>()?;
    let each = |count: u64| count.div_ceil(options.connections as u64);

    call(&mut callers, each(options.warm_up), options.window, &work)?;
    let running = Running::begin(options.pid.as_deref())?;
    call(&mut callers, each(options.count), options.window, &work)?;
    let measured = running.end(each(options.count) * options.connections as u64)?;
    // What was answered twice would be noticed here, before the answer to this.
    callers.iter_mut().try_for_each(|caller| caller.call_once(&work))?;
    Ok(measured)
}

/// Visits the connections in turn, so that there are calls on all of them all the time.
fn call(callers: &mut [Caller], count: u64, window: usize, work: &Work) -> Checked {
    let target = callers.first().map_or(0, |caller| caller.outstanding.made()) + count;
    for caller in &mut *callers {
        caller.refill(target, window, work)?;
    }
    while callers.iter().any(|caller| caller.outstanding.len() > 0) {
        for caller in &mut *callers {
            caller.take_answers(work)?;
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
        })
    }

    /// Makes calls until `window` are outstanding, or `target` have been made.
    fn refill(&mut self, target: u64, window: usize, work: &Work) -> Checked {
        while self.outstanding.len() < window && self.outstanding.made() < target {
            work.request(self.outstanding.insert(), &mut self.request)?;
            self.connection.send(&self.request);
        }
        self.connection.flush()
    }

    /// Waits for an answer, and takes those that have come with it.
    fn take_answers(&mut self, work: &Work) -> Checked {
        if self.outstanding.len() == 0 {
            return Ok(());
        }
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
