//! Documentation and deprecation carry over, to the stub and to the table.
#![deny(deprecated)]

use rpc_core::{Service, service};

/// Both halves of this.
#[service(namespace = "chat")]
pub trait Chat {
    /// Joins `room`.
    ///
    ///     with code
    async fn join(&self, room: &str) -> u32;
    #[allow(missing_docs)]
    #[notification]
    async fn say(&self, text: &str);
    /// Once was useful.
    #[deprecated = "use `join`"]
    async fn enter(&self);
}

struct Rooms;

impl Chat for Rooms {
    async fn join(&self, _: &str) -> u32 {
        1
    }
    async fn say(&self, _: &str) {}
    async fn enter(&self) {}
}

#[test]
fn documentation_is_in_the_table() {
    let server = ChatServer::new(Rooms);
    let docs: Vec<_> = server.methods().iter().map(|method| method.docs).collect();
    assert_eq!(docs, ["Joins `room`.\n\n    with code", "", "Once was useful."]);
}
