//! The room that a connection takes in its server, from its accept to its last hook.

use std::net::IpAddr;

use http::StatusCode;

use crate::addresses::{Place, Reached};
use crate::client_info::ClientInfo;
use crate::connection_limit::ConnectionPermit;
use crate::lifecycle::Member;
use crate::rejection::Rejection;
use crate::shared::Shared;

/// What a connection holds; dropping it gives all of it back.
pub(crate) struct Admission {
    slot: ConnectionPermit,
    /// Its part of what its address may have, where there is a limit.
    place: Option<Box<Place>>,
    /// Why it may not be served though there is a slot.
    reached: Option<Reached>,
    /// The server's end waits for it.
    _member: Member,
}

impl Admission {
    /// A seat for someone who comes; `None` if they must be dropped without a word.
    pub(crate) fn take(shared: &Shared, client_info: &ClientInfo) -> Option<Self> {
        // What comes by a proxy has its own address only when its head was read.
        let is_known = !shared.settings.proxies.trust(client_info.address());
        let address = client_info.address().filter(|_| is_known);
        let place = address.map_or(Ok(None), |address| shared.addresses.take(Some(address)));
        let (slot, place, reached) = match place {
            Ok(place) => (shared.connection_limit.take()?, place, None),
            Err(reached) => (shared.connection_limit.take_rejectable()?, None, Some(reached)),
        };
        Some(Self { slot, place, reached, _member: shared.lifecycle.join() })
    }

    /// Takes a place for one whose address has become known only now; `None` if a proxy of ours has neither
    /// named one nor has one itself.
    pub(crate) fn take_place(
        &mut self,
        shared: &Shared,
        address: Option<IpAddr>,
    ) -> Result<(), Rejection> {
        self.place = shared.addresses.take(address).map_err(too_many)?;
        Ok(())
    }

    /// Why the connection may not be served, if it may not.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        match self.reached {
            Some(reached) => Err(too_many(reached)),
            None if self.slot.is_served => Ok(()),
            None => Err(full()),
        }
    }
}

/// All places of the server are taken.
pub(crate) fn full() -> Rejection {
    let text = "there are as many connections as there may be";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

fn too_many(reached: Reached) -> Rejection {
    let text = match reached {
        Reached::Connections => "this address has as many connections as it may have",
        Reached::Rate => "this address connects too often",
    };
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, text)
}
