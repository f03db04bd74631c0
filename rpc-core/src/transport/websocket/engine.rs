//! tungstenite's state of a WebSocket, which exists only while there is something to do.
//!
//! Its buffers only ever grow, and the one for reading is there from the start: an idle connection would keep it for
//! nothing, and after one message of 1 MiB each way megabytes, for as long as it lives. A state at rest is the same as
//! a new one, so it is dropped, and made again with the next message.

use tokio_tungstenite::tungstenite::protocol::{WebSocketConfig, WebSocketContext};

use super::Role;

/// The state, or what is needed to make it.
pub(super) struct Engine {
    role: Role,
    config: WebSocketConfig,
    /// `None` while nothing is under way.
    context: Option<Box<WebSocketContext>>,
}

impl Engine {
    pub(super) fn new(role: Role, config: WebSocketConfig) -> Self {
        Self { role, config, context: None }
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    pub(super) fn config(&self) -> &WebSocketConfig {
        &self.config
    }

    pub(super) fn configure(&mut self, config: WebSocketConfig) {
        self.config = config;
        if let Some(context) = &mut self.context {
            context.set_config(|current| *current = config);
        }
    }

    /// Returns the state. Makes it if there is none.
    #[inline]
    pub(super) fn context(&mut self) -> &mut WebSocketContext {
        self.context.get_or_insert_with(|| {
            Box::new(WebSocketContext::new(self.role.into(), Some(self.config)))
        })
    }

    /// Returns the state, if there is one.
    pub(super) fn busy(&mut self) -> Option<&mut WebSocketContext> {
        self.context.as_deref_mut()
    }

    /// Returns whether neither end has begun to close.
    pub(super) fn can_write(&self) -> bool {
        self.context.as_ref().is_none_or(|context| context.can_write())
    }

    /// Drops the state. It must be the same as a new one, buffers aside.
    pub(super) fn rest(&mut self) {
        self.context = None;
    }
}
