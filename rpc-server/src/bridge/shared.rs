//! One program for all clients.

use std::sync::{Arc, Mutex, PoisonError};

use rpc_core::internal::SharedNotification;
use rpc_core::types::RawParams;
use rpc_core::{CloseCode, Context, ErrorObject, Peer, Router};
use tokio::process::Command;

use super::Settings;
use super::program::{self, Refused};

type Notify = dyn Fn(&str, Option<&str>, &Peer) -> bool + Send + Sync;

type Ask = dyn Fn(&str, &[Peer]) -> Option<Peer> + Send + Sync;

/// The program that all clients share.
pub(super) struct Program {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    clients: Arc<Clients>,
    /// The program that runs, or the last one.
    running: Mutex<Option<program::Program>>,
}

/// The clients of the program, and who of them is told and asked.
pub(super) struct Clients {
    /// In the order in which they came.
    peers: Mutex<Vec<Peer>>,
    notify: Box<Notify>,
    ask: Box<Ask>,
}

impl Program {
    pub(super) fn new(command: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        let clients = Clients {
            peers: Mutex::default(),
            notify: Box::new(|_, _, _| true),
            ask: Box::new(|_, _| None),
        };
        Self { command: Box::new(command), clients: Arc::new(clients), running: Mutex::default() }
    }

    /// Has no effect after the first client.
    pub(super) fn set_notify(
        &mut self,
        rule: impl Fn(&str, Option<&str>, &Peer) -> bool + Send + Sync + 'static,
    ) {
        if let Some(clients) = Arc::get_mut(&mut self.clients) {
            clients.notify = Box::new(rule);
        }
    }

    /// Has no effect after the first client.
    pub(super) fn set_ask(
        &mut self,
        rule: impl Fn(&str, &[Peer]) -> Option<Peer> + Send + Sync + 'static,
    ) {
        if let Some(clients) = Arc::get_mut(&mut self.clients) {
            clients.ask = Box::new(rule);
        }
    }

    /// Returns the program for a client, and starts it if it does not run.
    pub(super) fn join(
        &self,
        settings: &Settings,
        client: &Peer,
    ) -> Result<program::Program, Refused> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = running.as_ref().filter(|program| program.is_alive()).cloned();
        let program = match alive {
            Some(program) => program,
            None => {
                // Its place is free for the next one.
                *running = None;
                let router = self.clients.clone().router();
                let started = program::Program::start(settings, &self.command, router)?;
                running.insert(started).clone()
            }
        };
        drop(running);
        self.clients.add(client.clone());
        Ok(program)
    }
}

/// The program is ended with the server.
impl Drop for Program {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = running {
            program.peer.close(CloseCode::NORMAL, "the server has ended");
        }
    }
}

impl Clients {
    fn peers(&self) -> Vec<Peer> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a client until its end.
    fn add(self: &Arc<Self>, client: Peer) {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).push(client.clone());
        let clients = self.clone();
        tokio::spawn(async move {
            client.closed().await;
            let mut peers = clients.peers.lock().unwrap_or_else(PoisonError::into_inner);
            peers.retain(|peer| *peer != client);
        });
    }

    /// The methods that the program is offered.
    fn router(self: Arc<Self>) -> Router {
        let clients = self.clone();
        let choose = move |cx: &Context| {
            let name = cx.method();
            (clients.ask)(name, &clients.peers()).ok_or_else(|| ErrorObject::method_not_found(name))
        };
        Router::new().forward_to("*", choose).notification_fallback(
            move |_: Context, method: String, params: RawParams| {
                self.tell(&method, &params);
                std::future::ready(())
            },
        )
    }

    /// Passes a notification of the program on. It waits for no client, and is written once for all clients.
    fn tell(&self, method: &str, params: &RawParams) {
        let Ok(notification) = SharedNotification::new(method, params) else { return };
        for client in self.peers() {
            if (self.notify)(method, params.as_str(), &client) {
                notification.send_to(&client, "reads the program's notifications too slowly");
            }
        }
    }
}
