//! The options of a call that passes through layers.

use std::time::Duration;

use super::options::{Options, Timeout, UsedTime};
use crate::peer::slot::Shared;
use crate::util::runtime::Instant;
use crate::wire::extensions::Extensions;

/// The options of a call that passes through layers: the options that layers read and set, and the other options.
#[derive(Clone)]
pub(crate) struct CallSpec {
    started: Instant,
    pub(crate) deadline: Option<Instant>,
    /// The deadline before a layer changed it.
    first_deadline: Option<Instant>,
    /// The upper bound of the deadline: no renewal goes beyond it.
    pub(crate) latest: Option<Instant>,
    pub(crate) extensions: Extensions,
    rest: Options,
}

impl Options {
    /// Returns the options of a call that enters its layers now.
    pub(crate) fn into_spec(mut self, now: Instant, shared: &Shared) -> CallSpec {
        // A timeout that reaches beyond the last `Instant` is treated as no deadline.
        let deadline = self.timeout.span(shared).and_then(|left| now.checked_add(left));
        let extensions = self.extensions.take().map(|extensions| *extensions).unwrap_or_default();
        CallSpec {
            started: now,
            deadline,
            first_deadline: deadline,
            latest: None,
            extensions,
            rest: self,
        }
    }
}

impl CallSpec {
    pub(crate) fn is_idempotent(&self) -> bool {
        self.rest.idempotent
    }
}

impl From<CallSpec> for Options {
    fn from(spec: CallSpec) -> Self {
        let CallSpec { started, deadline, first_deadline, latest, extensions, mut rest } = spec;
        let now = Instant::now();
        let age = now.saturating_duration_since(started);
        let extend = rest.rare.as_deref().and_then(|rare| rare.extend);
        let is_renewed = extend.is_some() || rest.is_renewed_by_items();
        let (timeout, elapsed, latest) = match deadline {
            // No layer changed the deadline, so the deadline remains renewable with its own timeout.
            _ if is_renewed && deadline == first_deadline => (rest.timeout, age, latest),
            // Renewals do not go beyond a deadline that a layer has set.
            Some(at) => {
                (Timeout::After(at.saturating_duration_since(now)), Duration::ZERO, Some(at))
            }
            None => (Timeout::Never, Duration::ZERO, latest),
        };
        if let Some(rare) = &mut rest.rare {
            rare.extend = extend.map(|most| most.saturating_sub(age));
            rare.used = is_renewed.then_some(UsedTime { elapsed, latest });
        }
        let extensions = (extensions != Extensions::default()).then(|| Box::new(extensions));
        Self { timeout, extensions, ..rest }
    }
}
