//! Both halves are as visible as the trait.
#![deny(unreachable_pub, private_interfaces, dead_code)]

mod inner {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Hidden;

    mod private {
        #[rpc_core::service]
        trait Private {
            async fn hide(&self, hidden: super::Hidden) -> super::Hidden;
        }
    }

    #[rpc_core::service]
    pub(super) trait Parent {
        #[notification]
        async fn say(&self);
    }

    #[rpc_core::service]
    pub(crate) trait Crate {
        async fn join(&self);
    }

    #[rpc_core::service]
    pub(in crate::pass::visibility::inner) trait Inner {
        async fn join(&self);
    }
}

use inner::{Crate, CrateClient, CrateServer, ParentClient};

struct Rooms;

impl Crate for Rooms {
    async fn join(&self) {}
}

#[test]
fn both_halves_are_as_visible_as_the_trait() {
    let _ = CrateServer::new(Rooms);
    let _ = |peer: rpc_core::Peer| {
        (CrateClient::new(peer.clone()).join(), ParentClient::new(peer).say())
    };
}
