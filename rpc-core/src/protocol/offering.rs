//! Names that nobody offers.

use std::time::Duration;

use super::{Event, Protocol, Target};
use crate::answer;
use crate::batches::Place;
use crate::dialect::{Dialect, MCP_PING};
use crate::envelope::{Notification, Request};
use crate::error::ErrorObject;
use crate::extras::Extras;

impl<W> Protocol<W> {
    /// The method that serves a request whose name nobody offers, or what is done about it instead.
    #[cold]
    pub(super) fn request_not_offered<'a>(
        &mut self,
        request: &mut Request<'_>,
        target: Option<Target>,
        place: Option<Place>,
    ) -> Result<usize, Event<'a>> {
        let id = Some(request.id);
        if self.dialect == Dialect::Mcp && request.method == MCP_PING {
            self.serving.number();
            self.reply(place, id, answer::result(request.id, "{}"));
            return Err(Event::Done);
        }
        match target {
            Some(Target::Fallback(method)) if request.method != "$/progress" => {
                note_name(&request.method, &mut request.extras);
                Ok(method)
            }
            _ => {
                let error = ErrorObject::method_not_found(&request.method);
                Err(self.refuse(None, place, id, &error))
            }
        }
    }

    /// The method that serves a notification whose name nobody offers, or what is done about it instead.
    #[cold]
    pub(super) fn notification_not_offered<'a>(
        &mut self,
        notification: &mut Notification<'_>,
        target: Option<Target>,
        now: Duration,
    ) -> Result<usize, Event<'a>> {
        if self.dialect == Dialect::Mcp
            && let Some(event) = self.about_mcp(notification, now)
        {
            return Err(event);
        }
        match target {
            Some(Target::Fallback(method)) if !self.is_late_item(notification.params) => {
                note_name(&notification.method, &mut notification.extras);
                Ok(method)
            }
            Some(_) => Err(Event::Done),
            None if notification.method.starts_with("$/") => Err(Event::Done),
            None => Err(Event::Dropped("no method of this name")),
        }
    }
}

/// Keeps the name of a call that goes to the fallback: its method alone does not tell.
fn note_name(name: &str, extras: &mut Option<Box<Extras>>) {
    extras.get_or_insert_default().called = Some(name.into());
}
