//! The admission of a connection: its share of the server's limits, from the accept to `on_disconnect`.

use std::net::IpAddr;

use http::StatusCode;

use crate::addresses::{AddressPermit, Reached};
use crate::client_info::ClientInfo;
use crate::connection_limit::ConnectionPermit;
use crate::lifecycle::Member;
use crate::rejection::Rejection;
use crate::resuming::ResumingPermit;
use crate::shared::Shared;

/// The permits of one connection. Dropping the `Admission` returns them.
pub(crate) struct Admission {
    /// `None` while the client may resume a session, which has its own permit.
    connection_permit: Option<ConnectionPermit>,
    /// The permit of a client that may resume a session.
    resuming_permit: Option<ResumingPermit>,
    /// The permit of the client's address; `None` if addresses have no limit, or the address is not known yet.
    address_permit: Option<Box<AddressPermit>>,
    /// The limit of the address that the client has exceeded. The client then only gets the reason as an answer, or
    /// resumes a session, which has its own permit.
    reached: Option<Reached>,
    /// The end of the server waits until the member is dropped.
    _member: Member,
}

impl Admission {
    /// Admits a new connection. Returns `None` if the server must drop the connection without an answer.
    pub(crate) fn take(shared: &Shared, client_info: &ClientInfo) -> Option<Self> {
        // The address of a client behind a proxy is known only when the head of the request has been read.
        let is_known = !shared.settings.proxies.trust(client_info.address());
        let address = client_info.address().filter(|_| is_known);
        let address_permit =
            address.map_or(Ok(None), |address| shared.addresses.take(Some(address)));
        let (connection_permit, address_permit, reached) = match address_permit {
            Ok(permit) => (shared.connection_limit.take()?, permit, None),
            Err(reached) => (shared.connection_limit.take_rejectable()?, None, Some(reached)),
        };
        Some(Self {
            connection_permit: Some(connection_permit),
            resuming_permit: None,
            address_permit,
            reached,
            _member: shared.lifecycle.join(),
        })
    }

    /// Takes a permit for the address of a client behind a proxy, when the head of the request has been read. `None` is
    /// a client of a Unix socket for which the proxy names no address.
    pub(crate) fn acquire_address_permit(&mut self, shared: &Shared, address: Option<IpAddr>) {
        match shared.addresses.take(address) {
            Ok(permit) => self.address_permit = permit,
            Err(reached) => self.reached = Some(reached),
        }
    }

    /// Gives the permit of the connection back while the client may resume a session: else the clients of a full server
    /// would take each other's place. For the same reason the address may have as many connections as it may have. The
    /// rate of its connections counts: each may be a guess at a token.
    pub(crate) fn begin_resuming(
        &mut self,
        shared: &Shared,
        address: Option<IpAddr>,
    ) -> Result<(), Rejection> {
        self.check_rate()?;
        let permit = shared
            .resuming
            .take(address)
            .ok_or_else(|| full().retry_after(std::time::Duration::from_secs(1)))?;
        self.resuming_permit = Some(permit);
        self.connection_permit = None;
        Ok(())
    }

    /// Returns an error if the address of the client connects too often. That counts for requests of a link, too: each
    /// may be a guess at its name.
    pub(crate) fn check_rate(&self) -> Result<(), Rejection> {
        match self.reached {
            Some(Reached::Rate) => Err(too_many(Reached::Rate)),
            _ => Ok(()),
        }
    }

    /// Takes the permits for a client that does not resume a session. If the server is full, a session without a link
    /// ends. Returns whether there are permits.
    pub(crate) async fn take_seat(&mut self, shared: &Shared) -> bool {
        if let Some(resuming) = self.resuming_permit.take() {
            if !self.take_seat_of_address(shared, resuming.site).await {
                return false;
            }
            self.connection_permit = shared.take_seat().await;
        }
        self.connection_permit.is_some()
    }

    /// Takes the permit for the address if the address had none left: a session of this address that has no link ends
    /// and gives its own. Returns whether there is a permit.
    async fn take_seat_of_address(&mut self, shared: &Shared, address: Option<IpAddr>) -> bool {
        let Some(Reached::Connections) = self.reached else { return self.reached.is_none() };
        let Some(permit) = shared.take_seat_of_address(address).await else { return false };
        (self.address_permit, self.reached) = (permit, None);
        true
    }

    /// Returns an error with the reason if the connection of a client at `address` may not be served. If the connection
    /// has no permit, or its address has none, a session without a link ends.
    pub(crate) async fn check(
        &mut self,
        shared: &Shared,
        address: Option<IpAddr>,
    ) -> Result<(), Rejection> {
        if let Some(reached) = self.reached
            && !Box::pin(self.take_seat_of_address(shared, address)).await
        {
            return Err(too_many(reached));
        }
        let is_served = |permit: &ConnectionPermit| permit.is_served;
        if self.connection_permit.as_ref().is_some_and(is_served) {
            return Ok(());
        }
        self.connection_permit = Some(Box::pin(shared.take_seat()).await.ok_or_else(full)?);
        Ok(())
    }
}

/// Returns the answer for a server that has reached its limit of connections.
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
