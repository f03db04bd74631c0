//! tungstenite's state of a WebSocket, which exists only while there is something to do.
//!
//! Its buffers only ever grow, and the one for reading is there from the start: an idle connection would keep it for
//! nothing, and after one message of 1 MiB each way megabytes, for as long as it lives. A state at rest is the same as
//! a new one, so it is dropped, and made again with the next message. One that has carried little is put aside for the
//! next WebSocket of the thread: many connections that say a little now and then share a few buffers, which stay in the
//! caches of the processor.

use std::cell::RefCell;

use tokio_tungstenite::tungstenite::protocol::{WebSocketConfig, WebSocketContext};

use super::Role;

/// How many states a thread keeps for others.
const SPARES: usize = 4;

/// A state that has carried more bytes, both ways, may have buffers that have grown.
const LITTLE: u64 = 4096;

thread_local! {
    static SPARE: RefCell<Vec<Spare>> = const { RefCell::new(Vec::new()) };
}

/// A state that was put aside.
struct Spare {
    role: Role,
    context: Box<WebSocketContext>,
}

/// The state, or what is needed to make it.
pub(super) struct Engine {
    role: Role,
    config: WebSocketConfig,
    /// `None` while nothing is under way.
    context: Option<Box<WebSocketContext>>,
    /// How many bytes the WebSocket had carried when the state was made.
    since: u64,
}

impl Engine {
    pub(super) fn new(role: Role, config: WebSocketConfig) -> Self {
        Self { role, config, context: None, since: 0 }
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

    /// Returns the state. Makes it if there is none. The WebSocket has `carried` so many bytes.
    #[inline]
    pub(super) fn context(&mut self, carried: u64) -> &mut WebSocketContext {
        if self.context.is_none() {
            self.since = carried;
        }
        let (role, config) = (self.role, &self.config);
        self.context.get_or_insert_with(|| {
            take_spare(role, config)
                .unwrap_or_else(|| WebSocketContext::new(role.into(), Some(*config)).into())
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

    /// Puts the state aside for others if it has carried little. It must be the same as a new one, buffers aside. The
    /// WebSocket has `carried` so many bytes.
    pub(super) fn put_aside(&mut self, carried: u64) {
        if carried.saturating_sub(self.since) > LITTLE {
            return;
        }
        let Some(context) = self.context.take() else { return };
        let spare = Spare { role: self.role, context };
        // Without a place, as at the end of a thread, the state is dropped.
        let _ = SPARE.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARES {
                spares.push(spare);
            }
        });
    }
}

/// Returns a state that was put aside on this thread and has the same role and the same buffer for reading.
fn take_spare(role: Role, config: &WebSocketConfig) -> Option<Box<WebSocketContext>> {
    let size = config.read_buffer_size;
    let is_such =
        |spare: &Spare| spare.role == role && spare.context.get_config().read_buffer_size == size;
    let spare = SPARE.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        let at = spares.iter().rposition(is_such)?;
        Some(spares.swap_remove(at).context)
    });
    let mut context = spare.ok().flatten()?;
    context.set_config(|current| *current = *config);
    Some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> WebSocketConfig {
        WebSocketConfig::default().read_buffer_size(512)
    }

    fn place(engine: &mut Engine, carried: u64) -> *const WebSocketContext {
        std::ptr::from_ref(engine.context(carried))
    }

    #[test]
    fn a_state_that_carried_little_serves_another_websocket_of_its_kind() {
        let mut one = Engine::new(Role::Server, config());
        let first = place(&mut one, 100);
        one.put_aside(100 + LITTLE + 1);
        assert_eq!(place(&mut one, 5000), first, "it has carried much, and stays");
        one.put_aside(100 + LITTLE);
        assert!(one.busy().is_none() && one.can_write());

        let mut client = Engine::new(Role::Client, config());
        assert_ne!(place(&mut client, 0), first);
        let mut larger = Engine::new(Role::Server, config().read_buffer_size(1024));
        assert_ne!(place(&mut larger, 0), first);
        let mut same = Engine::new(Role::Server, config().max_message_size(Some(7)));
        assert_eq!(place(&mut same, 0), first);
        assert_eq!(same.context(0).get_config().max_message_size, Some(7));
    }

    #[test]
    fn a_thread_keeps_a_few_states() {
        let mut engines: Vec<_> = (0..9).map(|_| Engine::new(Role::Server, config())).collect();
        for engine in &mut engines {
            engine.context(0);
        }
        engines.iter_mut().for_each(|engine| engine.put_aside(0));
        assert_eq!(SPARE.with_borrow(Vec::len), SPARES);
    }
}
