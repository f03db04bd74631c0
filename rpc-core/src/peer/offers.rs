//! How the services that this end calls differ from those that the other end offers.

use std::fmt::Write;

use crate::error::code::ErrorCode;
use crate::error::mismatch::{Mismatch, OfferedVersion};
use crate::error::object::ErrorObject;
use crate::peer::slot::Shared;
use crate::service::offers::CalledService;
use crate::util::excerpt::start;
use crate::util::log_throttle::LogThrottle;
use crate::wire::offers::{self, ServiceOffer};

/// The most bytes of a log line about services: the other end has a part in it.
const LONGEST: usize = 600;

/// A service of which the other end has another version, or none.
#[derive(Debug)]
pub(crate) struct Differing {
    pub(crate) called: CalledService,
    /// `None` if the other end has no such service.
    pub(crate) offered: Option<OfferedVersion>,
    /// What is known to differ.
    pub(crate) differences: Vec<Difference>,
}

/// What differs in a method.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) method: String,
    pub(crate) text: String,
}

/// What is known of the services of the other end.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    differing: Vec<Differing>,
    /// Whether the log has a line about it.
    is_logged: bool,
}

impl Shared {
    /// Returns the services that the other end has told in its hello.
    pub(crate) fn heard_offers(&self) -> Option<Vec<ServiceOffer>> {
        let list = self.lock().protocol.heard_offers().map(str::to_owned)?;
        offers::read(&list)
    }

    /// Compares what this end calls with what the other end has just told in its hello. What was known before belongs to
    /// another link.
    pub(crate) fn compare_offers(&self, called: &[CalledService]) {
        drop(self.lock().comparison.take());
        let Some(heard) = self.heard_offers() else { return };
        let differing = called.iter().filter(|called| !is_offered(called, &heard));
        let differing = differing.map(|called| Differing {
            called: called.clone(),
            offered: offered_as(&heard, &called.name),
            differences: Vec::new(),
        });
        self.note_differing(differing.collect());
    }

    /// Notes what is found out of services. It replaces what was known of the same services.
    pub(crate) fn note_differing(&self, found: Vec<Differing>) {
        if found.is_empty() {
            return;
        }
        let mut state = self.lock();
        let known = state.comparison.get_or_insert_default();
        let is_found =
            |known: &Differing| found.iter().any(|found| found.called.name == known.called.name);
        known.differing.retain(|known| !is_found(known));
        let is_first = !std::mem::replace(&mut known.is_logged, true);
        let line = is_first.then(|| line(&found));
        known.differing.extend(found);
        drop(state);
        static THROTTLE: LogThrottle = LogThrottle::new();
        if let Some(line) = line
            && let Some(left_out) = THROTTLE.allow()
        {
            let (peer, differs) = (&self.id, start(line, LONGEST));
            tracing::info!(%peer, %differs, left_out, "the two ends have different versions of services");
        }
    }

    /// Adds to an answer of the other end what is known of its version of the method's service.
    pub(crate) fn explain(&self, error: &mut ErrorObject, method: &str) {
        let is_missing = error.code == ErrorCode::METHOD_NOT_FOUND;
        if !is_missing && error.code != ErrorCode::INVALID_PARAMS {
            return;
        }
        let state = self.lock();
        let differing = state.comparison.as_ref().map_or(&[][..], |known| &known.differing);
        let has_method =
            |known: &&Differing| known.called.methods.iter().any(|name| name == method);
        let Some(Differing { called, offered, differences }) = differing.iter().find(has_method)
        else {
            return;
        };
        let of_method = differences.iter().filter(|it| !is_missing && it.method == method);
        error.mismatch = Some(Box::new(Mismatch {
            service: called.name.clone(),
            called: called.version.clone(),
            offered: offered.clone(),
            lacks: is_missing.then(|| method.to_owned()),
            differences: of_method.map(|it| it.text.clone()).collect(),
        }));
    }
}

/// Returns whether a service is offered as this end calls it.
pub(crate) fn is_offered(called: &CalledService, heard: &[ServiceOffer]) -> bool {
    heard.iter().any(|offer| offer.name == called.name && offer.hash == called.hash)
}

/// Returns as what the other end offers the service of this name, if it does.
pub(crate) fn offered_as(heard: &[ServiceOffer], name: &str) -> Option<OfferedVersion> {
    let offer = heard.iter().find(|offer| offer.name == name)?;
    Some(OfferedVersion { version: offer.version.clone() })
}

/// Returns a line about all services.
fn line(differing: &[Differing]) -> String {
    let mut line = String::new();
    for Differing { called, offered, differences } in differing {
        let mismatch = Mismatch {
            service: called.name.clone(),
            called: called.version.clone(),
            offered: offered.clone(),
            lacks: None,
            differences: differences
                .iter()
                .map(|it| format!("`{}`: {}", it.method, it.text))
                .collect(),
        };
        let separator = if line.is_empty() { "" } else { "; " };
        let _ = write!(line, "{separator}{mismatch}");
    }
    line
}
