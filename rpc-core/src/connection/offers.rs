//! What `$/hello` tells of the services of this end, and what the other end's tells.

use super::driver::Driver;
use crate::layers::Layers;
use crate::peer::remote_profile::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::tables::key::Key;
use crate::service::Service;
use crate::service::context::Context;
use crate::service::offers::MODEL;
use crate::service::running;
use crate::util::sync::Arc;

/// Lets `$/hello` tell what this end offers, if a call of `rpc.model` would tell it to this peer.
pub(super) fn tell(shared: &Arc<Shared>, layers: &Layers) {
    let services = &shared.config.services;
    if services.offers(None).is_none() || shared.remote.get() == RemoteSupport::Plain {
        return;
    }
    let Some(method) = services.methods().iter().position(|info| info.name == MODEL) else {
        return;
    };
    {
        let protocol = &shared.lock().protocol;
        if protocol.answers_only() || protocol.is_closed_to_guest(method) {
            return;
        }
    }
    let mut cx = Context::new(shared.clone());
    let cx = cx.reuse(Key::default(), method, None, None);
    // Layers are code of the application.
    let text = running::caught(|| {
        let is_shown = layers.show_offers(cx, &services.methods()[method]);
        let offers = if is_shown { services.offers(Some(cx)) } else { None };
        Ok(offers.map(|offers| offers.text.clone()))
    });
    if let Ok(Some(text)) = text {
        shared.lock().protocol.set_offers(text);
    }
}

impl Driver {
    /// Compares what the other end has told of its services with what this end calls.
    pub(super) fn compare_offers(&self) {
        let services = &self.shared.config.services;
        self.shared.compare_offers(services.offers(None).map_or(&[], |offers| &offers.called));
    }
}
