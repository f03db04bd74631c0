//! The network: a client that is given links, a server that accepts links, and what happens to links.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::memory::{self, Faults};
use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, EndpointConfig, PeerRegistry, SessionEnd,
    SessionMode,
};
use rpc_core::{CloseCode, CloseReason, Peer, Router};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::actors::Actor;
use super::books::Books;
use super::link::{Doom, End};
use super::plan::Plan;
use super::seeds::Random;
use super::services::{WorkServer, Works};

pub struct Network {
    pub books: Arc<Books>,
    pub is_over: Arc<AtomicBool>,
    server: Mutex<EndpointConfig>,
    /// The connections of the server.
    connections: Mutex<JoinSet<()>>,
    /// What the server does by itself.
    pub actors: Mutex<JoinSet<()>>,
    pace: u64,
    renews: bool,
    longest: u64,
}

/// Takes note of what the server has dropped when a connection is over, also when the server dies.
struct CountsDropped {
    peer: Peer,
    books: Arc<Books>,
}

impl Drop for CountsDropped {
    fn drop(&mut self) {
        let dropped = self.peer.stats().counters.dropped;
        self.books.write(|pages| pages.dropped += dropped);
    }
}

impl Network {
    pub fn begin(plan: &Plan) -> Arc<Self> {
        let books = Arc::<Books>::default();
        let works = Works { books: books.clone(), is_server: true };
        let services = Router::new().service(WorkServer::new(works));
        let mut config = EndpointConfig::new(services, plan.server.clone());
        config.sessions = SessionMode::Grant;
        Arc::new(Self {
            books,
            is_over: Arc::default(),
            server: Mutex::new(config),
            connections: Mutex::default(),
            actors: Mutex::default(),
            pace: plan.pace,
            renews: plan.renews,
            longest: plan.longest,
        })
    }

    /// The client, without a link.
    pub fn client(&self, plan: &Plan) -> Endpoint {
        let works = Works { books: self.books.clone(), is_server: false };
        let services = Router::new().service(WorkServer::new(works));
        let mut config = EndpointConfig::new(services, plan.client.clone());
        config.sessions = plan.mode;
        config.answers_malformed = false;
        Endpoint::new(config)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub fn registry(&self) -> PeerRegistry {
        self.server.lock().unwrap().registry.clone()
    }

    /// The server dies, and another one takes its place.
    pub fn restart(&self) {
        self.server.lock().unwrap().registry = PeerRegistry::new();
        self.connections.lock().unwrap().abort_all();
    }

    /// Waits until no connection of the server is left.
    ///
    /// # Panics
    /// If one of the connections did.
    pub async fn settle(&self) {
        let mut connections = std::mem::take(&mut *self.connections.lock().unwrap());
        while let Some(ended) = connections.join_next().await {
            assert!(!ended.is_err_and(|error| error.is_panic()), "no connection panics");
        }
    }

    /// Gives the client another link, to which something happens.
    fn link(self: &Arc<Self>, connection: &mut Connection, random: &mut Random) -> Faults {
        let (near, far) = memory::transports(random.pick(&[300, 4096, 64 * 1024]));
        let carries_binary = !random.once_in(4);
        let (mut near, mut far) = (End::new(near, carries_binary), End::new(far, carries_binary));
        let faults = near.faults();
        // What a client announces is decided earlier than what it asks for.
        let is_announced = match connection.wants_to_resume() {
            true => !random.once_in(30),
            false => random.once_in(10),
        };
        let is_same = !random.once_in(40) || self.is_over();
        if !self.is_over() && random.once_in(6) {
            let end = if random.once_in(2) { &mut near } else { &mut far };
            end.doom(Doom::of(random));
        } else if !self.is_over() {
            self.harm(&faults, random);
        }
        self.join(connection, (near, far), is_announced, is_same, random);
        faults
    }

    /// Gives the client a link. The server is told whether the client has announced a resume, and whether its caller is
    /// the same.
    pub fn join(
        self: &Arc<Self>,
        connection: &mut Connection,
        (near, far): (End, End),
        is_announced: bool,
        is_same: bool,
        random: &mut Random,
    ) {
        let endpoint = Endpoint::new(self.server.lock().unwrap().clone());
        endpoint.set_extended(false);
        let (network, own) = (self.clone(), random.fork());
        self.connections.lock().unwrap().spawn(async move {
            let peer = endpoint.peer();
            let connection = if is_announced {
                match endpoint.accept(far, |_, _| is_same).await {
                    Accepted::Fresh(connection) => *connection,
                    Accepted::Resumed(_) => return,
                }
            } else {
                endpoint.connect(far)
            };
            let session = peer.id().to_owned();
            let _ = peer.join_group("all");
            let _counts = CountsDropped { peer: peer.clone(), books: network.books.clone() };
            network.act(
                &Actor {
                    peer,
                    books: network.books.clone(),
                    is_over: network.is_over.clone(),
                    session,
                    longest: network.longest,
                },
                own,
            );
            drop(connection.await);
        });
        self.books.write(|pages| pages.links += 1);
        connection.attach(near, true);
    }

    fn act(&self, actor: &Actor, mut random: Random) {
        let mut actors = self.actors.lock().unwrap();
        actors.spawn(actor.clone().act(random.fork()));
        actors.spawn(actor.clone().note(random.fork()));
    }

    /// Decides what happens to a link.
    fn harm(&self, faults: &Faults, random: &mut Random) {
        let faults = faults.clone();
        let way = match random.below(3) {
            0 => faults.outgoing(),
            1 => faults.incoming(),
            _ => faults.clone(),
        };
        let time = random.millis(self.pace);
        match random.below(8) {
            0 => way.cut_at(random.clone().below(500)),
            1 => way.cut_at(random.below(20_000)),
            2 => way.cut_sending_at(random.below(5_000)),
            3 | 4 => drop(tokio::spawn(async move {
                sleep(time).await;
                faults.cut();
            })),
            5 => drop(tokio::spawn(async move {
                sleep(time).await;
                way.stall();
            })),
            6 => way.delay(random.millis(300)),
            _ => {}
        }
    }

    /// Carries the client until it ends.
    pub async fn carry(
        self: Arc<Self>,
        mut connection: Connection,
        mut random: Random,
    ) -> CloseReason {
        let mut links = Vec::new();
        let is_opened = random.once_in(3);
        if is_opened {
            connection.hold_sessions();
        }
        let mut opens: Option<Instant> = None;
        let mut next = Instant::now();
        let mut is_calm = false;
        loop {
            tokio::select! {
                biased; // the same each time
                event = connection.next_event() => match event {
                    ConnectionEvent::Up { resumed, ended, .. } => {
                        if is_opened && !resumed {
                            opens = Some(Instant::now() + random.millis(200));
                        }
                        self.is_up(resumed, ended);
                    }
                    ConnectionEvent::Lost { ended, .. } => {
                        self.has_lost(ended);
                        let wait = if random.once_in(10) { 4000 } else { 200 };
                        next = Instant::now() + random.millis(wait);
                        is_calm = false;
                    }
                    ConnectionEvent::AskedToMove => {
                        self.books.write(|pages| pages.moves += 1);
                        (next, is_calm) = (Instant::now(), false);
                    }
                    ConnectionEvent::Closed(reason) => return reason,
                    other => panic!("{other:?} is new"),
                },
                () = sleep_until(opens.unwrap_or(next)), if opens.is_some() => {
                    connection.open_session();
                    opens = None;
                }
                () = sleep_until(next), if !is_calm => {
                    is_calm = self.is_over();
                    if !is_calm && random.once_in(5) {
                        connection.detach();
                        next = Instant::now() + random.millis(100);
                        continue;
                    }
                    if !is_calm && self.renews && random.once_in(4) {
                        self.books.write(|pages| pages.renewed += 1);
                        self.has_lost(connection.renew_session("enough"));
                        opens = None;
                        if random.once_in(2) {
                            next = Instant::now() + random.millis(100);
                            continue;
                        }
                    }
                    links.push(self.link(&mut connection, &mut random));
                    // What is stuck in an earlier link comes late.
                    if random.once_in(2) {
                        let at = random.below(links.len() as u64) as usize;
                        links[at].resume();
                    }
                    let pace = 20 + random.millis(3 * self.pace).as_millis() as u64;
                    next = Instant::now() + Duration::from_millis(pace);
                }
            }
        }
    }

    /// Takes note that the client has a link.
    pub fn is_up(&self, resumed: bool, ended: Option<SessionEnd>) {
        self.has_lost(ended);
        self.books.write(|pages| {
            *(if resumed { &mut pages.resumed } else { &mut pages.fresh }) += 1;
            if !resumed {
                pages.fresh_at = Some(Instant::now());
            }
        });
    }

    /// Takes note of what the client was told of a session that has ended.
    pub fn has_lost(&self, ended: Option<SessionEnd>) {
        let Some(ended) = ended else { return };
        self.books.write(|pages| pages.lost_notifications += ended.lost_notifications);
    }

    /// Pushes numbers to all clients, asks them to move, and ends sessions if that is wanted.
    pub async fn disturb(self: Arc<Self>, mut random: Random, is_cruel: bool) {
        let mut number = 0;
        while !self.is_over() {
            sleep(random.millis(100)).await;
            number += 1;
            let _ = self.registry().group("all").notify("w.pushed", (number,)).await;
            if random.once_in(15) {
                self.registry().peers().iter().for_each(|peer| _ = peer.ask_to_move());
            }
            if is_cruel && random.once_in(100) {
                match random.below(3) {
                    0 => self.restart(),
                    1 => drop(self.registry().kick(|_| true, CloseCode::RESTARTING, "enough")),
                    _ => self.registry().peers().iter().for_each(|peer| {
                        peer.close(CloseCode::POLICY, "you are to blame");
                    }),
                }
            }
        }
    }
}
