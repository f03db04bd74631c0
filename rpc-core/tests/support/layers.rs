//! Layers to look through.

use std::sync::{Arc, Mutex};

use rpc_core::layers::{CallFuture, CallNext, CallRequest, Layer};

/// A layer of one function around calls.
pub struct Around<F>(pub F);

impl<F> Layer for Around<F>
where
    F: Fn(CallRequest, CallNext) -> CallFuture + Send + Sync + 'static,
{
    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        (self.0)(request, next)
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
