//! Batches of calls; each is answered as one message, in any order.

use bench::Checked;

use crate::answers::{Answer, Outstanding};
use crate::args::Options;
use crate::connection::Connection;
use crate::measured::{Measured, Running};
use crate::work::Work;

struct Batches {
    connection: Connection,
    outstanding: Outstanding,
    work: Work,
    /// Calls in one batch.
    size: u64,
}

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let mut batches = Batches {
        connection: Connection::open(options)?,
        outstanding: Outstanding::default(),
        work: Work::new(options),
        size: options.burst,
    };
    batches.call(options.warm_up, options.window)?;
    let running = Running::begin(options.pid.as_deref())?;
    batches.call(options.count, options.window)?;
    running.end(options.count * options.burst)
}

impl Batches {
    fn call(&mut self, count: u64, window: usize) -> Checked {
        let (mut sent, mut answered) = (0, 0);
        while answered < count {
            while sent < count && sent - answered < window as u64 {
                self.send()?;
                sent += 1;
            }
            self.connection.flush()?;
            self.receive()?;
            answered += 1;
        }
        if self.outstanding.len() > 0 {
            return Err(format!("{} calls were not answered", self.outstanding.len()).into());
        }
        Ok(())
    }

    fn send(&mut self) -> Checked {
        let mut batch = vec![b'['];
        for n in 0..self.size {
            if n > 0 {
                batch.push(b',');
            }
            self.work.append_request(self.outstanding.insert(), &mut batch)?;
        }
        batch.push(b']');
        self.connection.send(&batch);
        Ok(())
    }

    fn receive(&mut self) -> Checked {
        let answers: Vec<Answer<'_>> = serde_json::from_slice(self.connection.receive()?)?;
        if answers.len() as u64 != self.size {
            return Err(format!("a batch with {} answers", answers.len()).into());
        }
        answers.iter().try_for_each(|answer| self.outstanding.take_answer(answer, &self.work))
    }
}
