//! What one thread warns of.

use std::fmt::{Debug, Write};
use std::mem::take;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps the warnings of a thread.
#[derive(Default, Clone)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Of this thread, as long as the guard lives.
    pub fn here() -> (Self, DefaultGuard) {
        let warnings = Self::default();
        (warnings.clone(), set_default(warnings))
    }

    /// Those that came since this was asked, as `message=… method="…" `.
    pub fn take(&self) -> Vec<String> {
        take(&mut *self.0.lock().unwrap())
    }

    /// Those with these words, of all that were not taken.
    pub fn with(&self, words: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|warning| warning.contains(words)).cloned().collect()
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        struct Fields(String);
        impl Visit for Fields {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                write!(self.0, "{}={value:?} ", field.name()).unwrap();
            }
        }
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
