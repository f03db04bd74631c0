//! Names while several that want the same one come at once.

use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{Endpoint, PeerRegistry};
use rpc_core::types::IdentifyError;
use rpc_core::{CloseCode, Peer, Router, SameName};
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

use crate::pair::{WIDE, check, offering};

/// One that has come.
struct Come {
    peer: Peer,
    named: Result<(), IdentifyError>,
    /// Its other end, for as long as it is to stay.
    far: Pipe,
    connection: JoinHandle<()>,
}

/// Connects on this thread, and gets its name on another, at whatever moment of that.
fn come(registry: &PeerRegistry, same_name: SameName) -> Come {
    let config = offering(Router::new()).with(|config| {
        config.registry = registry.clone();
        config.same_name = same_name;
        config.keepalive = false;
    });
    let endpoint = Endpoint::new(config);
    let (near, far) = memory::transports(WIDE);
    let peer = endpoint.peer();
    let named = peer.clone();
    let named = thread::spawn(move || named.identify("ada"));
    let connection = endpoint.connect(near);
    let connection = thread::spawn(move || drop(block_on(connection)));
    Come { peer, named: named.join().unwrap(), far, connection }
}

/// Of two that come at once one is left; what became of the other.
fn at_once(same_name: SameName) {
    let registry = PeerRegistry::new();
    let comes = [(); 2].map(|()| {
        let registry = registry.clone();
        thread::spawn(move || come(&registry, same_name))
    });
    let ends = comes.map(|thread| thread.join().unwrap());
    let [left] = &registry.peers_of("ada")[..] else { panic!("not one is left") };
    let other = ends.iter().find(|end| end.peer != *left).unwrap();
    if same_name == SameName::Replace {
        assert!(ends.iter().all(|end| end.named.is_ok()));
        assert_eq!(block_on(other.peer.closed()).code, Some(CloseCode::TAKEN_OVER));
    } else {
        assert_eq!(other.named, Err(IdentifyError::Taken));
        assert!(!other.peer.is_closed());
    }
    assert!(!left.is_closed());
    for Come { far, connection, .. } in ends {
        drop(far);
        connection.join().unwrap();
    }
    assert_eq!((registry.name_count(), registry.len()), (0, 0));
}

#[test]
fn of_two_that_come_at_once_one_is_refused() {
    check(|| at_once(SameName::Refuse));
}

#[test]
fn of_two_that_come_at_once_one_gives_way() {
    check(|| at_once(SameName::Replace));
}

/// A handler on another thread may say who it is once more, just when that is over.
#[test]
fn one_that_gives_way_does_not_take_the_name_back() {
    check(|| {
        let registry = PeerRegistry::new();
        let old = come(&registry, SameName::Replace);
        let again = old.peer.clone();
        let again = thread::spawn(move || again.identify("ada").unwrap());
        let new = come(&registry, SameName::Replace);
        again.join().unwrap();
        assert_eq!(registry.peers_of("ada"), [new.peer]);
        for (far, connection) in [(old.far, old.connection), (new.far, new.connection)] {
            drop(far);
            connection.join().unwrap();
        }
    });
}

/// Whenever it gets its name, nobody finds it afterwards.
#[test]
fn one_that_ends_while_it_gets_a_name_does_not_keep_it() {
    check(|| {
        let registry = PeerRegistry::new();
        let config = offering(Router::new()).with(|config| {
            config.registry = registry.clone();
            config.keepalive = false;
        });
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        let (near, _far) = memory::transports(WIDE);
        let connection = endpoint.connect(near);
        let connection = thread::spawn(move || drop(block_on(connection)));
        let named = peer.clone();
        let named = thread::spawn(move || named.identify("ada").unwrap());
        peer.kick(CloseCode::NORMAL, "out");
        named.join().unwrap();
        connection.join().unwrap();
        assert_eq!((registry.name_count(), registry.len()), (0, 0));
    });
}
