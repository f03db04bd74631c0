//! Groups while members come and go on one thread and others publish.

use std::sync::{Arc, Mutex};

use rpc_core::transport::PeerRegistry;
use rpc_core::{CloseCode, Context, Peer};
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

use crate::pair::{Pair, WIDE, adder, check, offering};

/// What one member has received: by which publisher, and which of its messages.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<(u64, u64)>>>);

impl Received {
    /// A member: an end in the hub, and the one at its other side, which receives what the group is sent.
    fn connect(&self, registry: &PeerRegistry) -> Pair {
        let received = self.clone();
        let services = adder().notification("item", move |_: Context, item: (u64, u64)| {
            received.0.lock().unwrap().push(item);
            std::future::ready(())
        });
        let far = offering(services);
        Pair::connect(far.clone().with(|config| config.registry = registry.clone()), far, WIDE)
    }

    fn of(&self, publisher: u64) -> Vec<u64> {
        let received = self.0.lock().unwrap();
        let of_it = received.iter().filter(|(by, _)| *by == publisher);
        of_it.map(|(_, number)| *number).collect()
    }
}

const ITEMS: u64 = 3;

/// Sends that many items.
fn publish(registry: &PeerRegistry, publisher: u64) -> JoinHandle<()> {
    let group = registry.group("g");
    thread::spawn(move || {
        for number in 0..ITEMS {
            let sent = block_on(group.notify("item", (publisher, number))).unwrap();
            assert!((1..=2).contains(&sent), "who stays got it, who moves may have: {sent}");
        }
    })
}

/// Publishers on two threads, while `churn` does something with a second member on a third.
fn under_churn(churn: fn(&Peer)) {
    let registry = PeerRegistry::new();
    let [stays, moves] = [(); 2].map(|()| Received::default());
    let [staying, moving] = [&stays, &moves].map(|received| received.connect(&registry));
    staying.near.join_group("g").unwrap();
    let publishers = [0, 1].map(|publisher| publish(&registry, publisher));
    let moved = moving.near.clone();
    let churns = thread::spawn(move || churn(&moved));
    publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    churns.join().unwrap();
    // Behind the last item.
    staying.comes_to_rest();
    for publisher in [0, 1] {
        assert_eq!(stays.of(publisher), (0..ITEMS).collect::<Vec<_>>());
        assert!(moves.of(publisher).is_sorted_by(|one, next| one < next), "each once, in order");
    }
    moving.end();
    assert_eq!(registry.group("g").members().len(), 1, "who has ended is out");
    staying.end();
    assert_eq!((registry.group_count(), registry.len()), (0, 0));
    // Each is kept by what both its ends offer.
    for received in [stays, moves] {
        assert_eq!(Arc::strong_count(&received.0), 1, "an end is kept that is over");
    }
}

#[test]
fn who_stays_in_a_group_gets_each_item_in_order_while_others_join_and_leave() {
    check(|| {
        under_churn(|moves| {
            for _ in 0..2 {
                moves.join_group("g").unwrap();
                moves.leave_group("g");
            }
            moves.join_group("g").unwrap();
        });
    });
}

/// It may join just when its connection ends: then it is in no group, or out again.
#[test]
fn a_member_that_ends_is_out_of_its_group_whenever_it_joined() {
    check(|| {
        under_churn(|moves| {
            let closes = moves.clone();
            let closes = thread::spawn(move || closes.close(CloseCode::NORMAL, "enough"));
            for _ in 0..2 {
                drop(moves.join_group("g"));
                moves.leave_group("g");
            }
            drop(moves.join_group("g"));
            closes.join().unwrap();
        });
    });
}
