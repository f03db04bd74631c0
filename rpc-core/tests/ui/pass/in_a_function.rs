//! A service may stand in the body of a function.
#![deny(warnings)]

#[test]
fn a_service_may_stand_in_a_function() {
    #[rpc_core::service]
    trait Chat {
        async fn join(&self) -> u32;
    }

    struct Rooms;

    impl Chat for Rooms {
        async fn join(&self) -> u32 {
            1
        }
    }

    let _ = ChatServer::new(Rooms);
}
