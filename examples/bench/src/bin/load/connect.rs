//! Connects, makes one call, closes; one connection after the other.

use bench::Checked;

use crate::args::Options;
use crate::call::Caller;
use crate::measured::{Measured, Running};
use crate::work::Work;

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let work = Work::new(options);
    connect(options.warm_up, options, &work)?;
    let running = Running::begin(options.pid.as_deref())?;
    connect(options.count, options, &work)?;
    running.end(options.count)
}

fn connect(count: u64, options: &Options, work: &Work) -> Checked {
    for _ in 0..count {
        let mut caller = Caller::open(options)?;
        caller.call_once(work)?;
        caller.close()?;
    }
    Ok(())
}
