//! Compares groups with plain sets: group and connection agree on each membership, and an empty group is removed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::error::close::CloseReason;
use crate::transport::{Endpoint, EndpointConfig, PeerRegistry};
use crate::{Limits, Peer, Router};

#[derive(Debug, Clone)]
enum Step {
    Join(usize, usize),
    Leave(usize, usize),
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (peer, group) = (0..4usize, 0..4usize);
    prop_oneof![
        4 => (peer.clone(), group.clone()).prop_map(|(peer, group)| Step::Join(peer, group)),
        3 => (peer.clone(), group).prop_map(|(peer, group)| Step::Leave(peer, group)),
        1 => peer.prop_map(Step::End),
    ]
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const MOST: usize = 3;

fn peers(registry: &PeerRegistry) -> Vec<(Endpoint, Peer)> {
    let peer = |_| {
        let mut limits = Limits::server();
        limits.groups = MOST;
        let mut config = EndpointConfig::new(Router::new(), limits);
        config.registry = registry.clone();
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        (endpoint, peer)
    };
    (0..4).map(peer).collect()
}

proptest! {
    #[test]
    fn groups_agree_with_sets(steps in vec(step(), 0..60)) {
        let registry = PeerRegistry::new();
        let peers = peers(&registry);
        let mut ended = BTreeSet::new();
        let mut joined = BTreeMap::<usize, BTreeSet<usize>>::new();
        for step in steps {
            match step {
                Step::Join(peer, group) => {
                    let of_peer = joined.entry(peer).or_default();
                    let may = !ended.contains(&peer)
                        && (of_peer.contains(&group) || of_peer.len() < MOST);
                    prop_assert_eq!(peers[peer].1.join_group(NAMES[group]).is_ok(), may);
                    if may {
                        of_peer.insert(group);
                    }
                }
                Step::Leave(peer, group) => {
                    peers[peer].1.leave_group(NAMES[group]);
                    joined.entry(peer).or_default().remove(&group);
                }
                Step::End(peer) => {
                    let (shared, reason) = (&peers[peer].1.shared, CloseReason::link("lost"));
                    shared.end(&reason);
                    registry.remove(shared, &reason);
                    ended.insert(peer);
                    joined.remove(&peer);
                }
            }
            for (group, name) in NAMES.into_iter().enumerate() {
                let members: BTreeSet<_> =
                    registry.group(name).members().iter().map(|peer| peer.id().to_owned()).collect();
                let expected = joined.iter().filter(|(_, groups)| groups.contains(&group));
                let expected: BTreeSet<_> =
                    expected.map(|(peer, _)| peers[*peer].1.id().to_owned()).collect();
                prop_assert_eq!(members, expected);
            }
            let occupied: BTreeSet<_> = joined.values().flatten().collect();
            prop_assert_eq!(registry.group_count(), occupied.len());
            for (number, (_, peer)) in peers.iter().enumerate() {
                let names: BTreeSet<_> = peer.groups().into_iter().collect();
                let groups = joined.get(&number).into_iter().flatten();
                prop_assert_eq!(names, groups.map(|group| NAMES[*group].to_owned()).collect());
            }
        }
    }
}
