//! Parameters may be documented: rustdoc shows that with the method, in the trait and in the stub.
#![deny(warnings, missing_docs)]

use rpc_core::{Context, Progress, service};

/// Both halves of this.
#[service(dyn)]
pub trait Chat {
    /// Joins a room.
    async fn join(
        &self,
        /// Whose call it is.
        cx: &Context,
        /// The room:
        ///
        /// - a public one, or
        /// - one's own.
        room: &str,
        #[param(default)]
        /** The seat. */
        seat: u8,
        #[doc = "How far it is."] done: Progress<u8>,
    ) -> u32;
    /// Says something.
    #[notification]
    async fn say(
        &self,
        /** The text. */
        text: &str,
    ) {
        assert!(!text.is_empty());
    }
}

struct Rooms;

impl Chat for Rooms {
    async fn join(&self, _: &Context, _: &str, seat: u8, _: Progress<u8>) -> u32 {
        seat.into()
    }
}

#[test]
fn the_table_has_what_is_on_the_wire() {
    let _ = ChatServer::new(Rooms);
    let docs = |index: usize| ChatClient::METHODS[index].params.iter().map(|param| param.docs);
    assert!(docs(0).eq(["The room:\n\n- a public one, or\n- one's own.", "The seat. "]));
    assert!(docs(1).eq(["The text. "]));
}
