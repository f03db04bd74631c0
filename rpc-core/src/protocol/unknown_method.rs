//! Names that nobody offers.

use std::time::Duration;

use super::{Event, Protocol};
use crate::error::object::ErrorObject;
use crate::protocol::tables::batches::BatchSlot;
use crate::protocol::tables::serving::ServedExtensions;
use crate::protocol::target::Target;
use crate::util::sync::Arc;
use crate::wire::decode::Notification;
use crate::wire::dialect::{Dialect, MCP_PING};
use crate::wire::encode;
use crate::wire::extensions::Extensions;

impl<W> Protocol<W> {
    /// The method that serves a request whose name nobody offers, or what is done about it instead.
    #[cold]
    pub(super) fn request_not_offered<'a>(
        &mut self,
        name: &str,
        id: &str,
        target: Option<Target>,
        place: Option<BatchSlot>,
    ) -> Result<usize, Event<'a>> {
        if self.dialect == Dialect::Mcp && name == MCP_PING {
            self.serving.number();
            self.reply(place, Some(id), encode::result(id, "{}"));
            return Err(Event::Done);
        }
        match target {
            Some(Target::Fallback(method)) if name != "$/progress" => Ok(method),
            _ => {
                let error = ErrorObject::method_not_found(name);
                Err(self.refuse(None, place, Some(id), &error))
            }
        }
    }

    /// The method that serves a notification whose name nobody offers, or what is done about it instead.
    #[cold]
    pub(super) fn notification_not_offered<'a>(
        &mut self,
        notification: &Notification<'_>,
        target: Option<Target>,
        now: Duration,
    ) -> Result<usize, Event<'a>> {
        if self.dialect == Dialect::Mcp
            && let Some(event) = self.about_mcp(notification, now)
        {
            return Err(event);
        }
        match target {
            Some(Target::Fallback(method)) if !self.is_late_item(notification.params) => Ok(method),
            Some(_) => Err(Event::Done),
            None if notification.method.starts_with("$/") => Err(Event::Done),
            None => Err(Event::Dropped("no method of this name")),
        }
    }
}

/// What came beside a call whose method tells its name.
#[inline(always)] // one comparison for nearly every call
pub(super) fn unnamed(extensions: Option<Box<Extensions>>) -> Option<Arc<ServedExtensions>> {
    extensions.map(|extensions| Arc::new(ServedExtensions { members: *extensions, called: None }))
}

/// What came beside a call that goes to the fallback, and its name: the method alone does not tell.
#[cold]
pub(super) fn named(
    extensions: Option<Box<Extensions>>,
    name: &str,
) -> Option<Arc<ServedExtensions>> {
    let extensions = extensions.map(|extensions| *extensions).unwrap_or_default();
    Some(Arc::new(ServedExtensions { members: extensions, called: Some(name.into()) }))
}
