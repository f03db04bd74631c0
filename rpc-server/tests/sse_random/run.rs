//! One run: a server, a client, a proxy between them, and what both ends do.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_client::{Client, Fallback, Reconnect, State};
use rpc_core::transport::SessionMode;
use rpc_core::{CloseCode, Limits, Peer};
use rpc_server::{Server, Sessions};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::actors::{Actor, REST};
use crate::books::Books;
use crate::checks;
use crate::plan::Plan;
use crate::proxy::Proxy;
use crate::seeds::Random;
use crate::services::{WorkServer, Works};
use crate::support::{soon, spawn, until};

pub struct Run {
    pub books: Arc<Books>,
    proxy: Arc<Proxy>,
    client: Client,
    servers: Arc<Servers>,
    is_over: Arc<AtomicBool>,
    actors: JoinSet<()>,
    mode: SessionMode,
    pace: u64,
    is_cruel: bool,
    random: Mutex<Random>,
}

/// The server of now is the last one. The others are dead to the client.
struct Servers {
    all: Mutex<Vec<Server>>,
    books: Arc<Books>,
    limits: Limits,
    /// What the servers do by themselves.
    actors: Mutex<JoinSet<()>>,
}

impl Servers {
    async fn add(&self) -> Server {
        let works = Works { books: self.books.clone(), is_server: true };
        let builder = Server::builder().service(WorkServer::new(works)).sse(true);
        let server = spawn(builder.sessions(Sessions::new()).limits(self.limits.clone())).await;
        self.all.lock().unwrap().push(server.clone());
        server
    }

    fn all(&self) -> Vec<Server> {
        self.all.lock().unwrap().clone()
    }

    fn now(&self) -> Server {
        self.all().pop().expect("there is a server from the start")
    }
}

impl Run {
    pub async fn begin(mut plan: Plan) -> Self {
        let books = Arc::new(Books::with_real_clock());
        let servers = Arc::new(Servers {
            all: Mutex::default(),
            books: books.clone(),
            limits: plan.server.clone(),
            actors: Mutex::default(),
        });
        let proxy = Arc::new(Proxy::start(&servers.add().await).await);
        let is_over = Arc::<AtomicBool>::default();
        let policy = Reconnect::default()
            .session(plan.mode == SessionMode::Ask)
            .min_delay(Duration::from_millis(1))
            .max_delay(Duration::from_millis(20));
        let works = Works { books: books.clone(), is_server: false };
        let builder = Client::builder()
            .service(WorkServer::new(works))
            .limits(plan.client.clone())
            .fallback(Fallback::Always)
            .reconnect(policy)
            .on_state(noting(books.clone()));
        let client = soon(builder.connect(proxy.url())).await.unwrap();
        let actor = Actor {
            peer: client.peer(),
            books: books.clone(),
            is_over: is_over.clone(),
            session: String::new(),
            longest: plan.longest,
        };
        let mut actors = JoinSet::new();
        for _ in 0..plan.actors {
            actors.spawn(actor.clone().act(plan.random.fork()));
        }
        actors.spawn(actor.clone().note(plan.random.fork()));
        let (random, servers_too) = (plan.random.fork(), servers.clone());
        actors.spawn(async move { servers_too.serve(actor, random).await });
        let Plan { mode, pace, is_cruel, random, .. } = plan;
        let random = Mutex::new(random);
        Self { books, proxy, client, servers, is_over, actors, mode, pace, is_cruel, random }
    }

    /// Cuts each connection soon, until the session went on over so many links. Both ends must know of the session before,
    /// and a session of which nothing gets through three times in a row is given up: each third link lets messages through.
    pub async fn cut(&self, links: u64) {
        while self.books.write(|pages| pages.pushed.len()) < 10 {
            sleep(Duration::from_millis(2)).await;
        }
        self.proxy.cut_after(6000..9000);
        // Those that are there have no end yet.
        self.proxy.cut();
        while self.resumed() < links {
            let next = self.resumed() + 1;
            let least = if next.is_multiple_of(3) { 6000 } else { 300 };
            self.proxy.cut_after(least..least + 3000);
            sleep(Duration::from_millis(2)).await;
            if !self.client.state().is_up() {
                self.client.reconnect_now();
            }
        }
    }

    /// How often the session went on over another link.
    fn resumed(&self) -> u64 {
        self.books.write(|pages| pages.resumed)
    }

    /// Cuts and stalls connections from now on, and ends sessions if the plan is cruel.
    pub async fn harm(&self) {
        let mut random = self.random.lock().unwrap().fork();
        self.proxy.cut_after(300..random.pick(&[3000, 10_000, 40_000]));
        self.proxy.stall_for(random.pick(&[0, 100, 1000]));
        let (proxy, servers) = (self.proxy.clone(), self.servers.clone());
        let (is_over, pace, is_cruel) = (self.is_over.clone(), self.pace, self.is_cruel);
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                sleep(random.millis(2 * pace)).await;
                match random.below(if is_cruel { 12 } else { 8 }) {
                    0..=5 => proxy.cut(),
                    6 | 7 => {
                        proxy.close(true);
                        sleep(random.millis(300)).await;
                        proxy.close(false);
                    }
                    8 | 9 => {
                        // The server dies, as far as the client can see, and another one takes its place.
                        proxy.turn_to(&servers.add().await);
                        proxy.cut();
                    }
                    _ => drop(servers.now().kick(|_| true, CloseCode::RESTARTING, "enough")),
                }
            }
        });
    }

    /// Begins nothing more, and waits until all is over. Returns what was wrong.
    pub async fn end(mut self) -> Vec<String> {
        let mut faults = Vec::new();
        self.is_over.store(true, Ordering::Relaxed);
        self.proxy.cut_after(0..0);
        self.proxy.stall_for(0);
        self.proxy.cut();
        if timeout(REST, finish(&mut self.actors)).await.is_err() {
            faults.push(format!("actors wait for ever: {}", self.books.steps()));
        }
        let peer = self.client.peer();
        if timeout(REST, at_rest(&peer)).await.is_err() {
            faults.push(format!("the client is not at rest: {:?}", peer.stats()));
        }
        soon(self.client.close()).await;
        // What the client has given up is kept for a while. Nobody comes back to that.
        for server in self.servers.all() {
            server.kick(|_| true, CloseCode::NORMAL, "over");
            until(|| server.stats().connections == 0 && server.peers().is_empty()).await;
            let stats = server.stats();
            if stats.in_flight + stats.pending + stats.subscriptions + stats.queue_bytes > 0 {
                faults.push(format!("a server is not at rest: {stats:?}"));
            }
            self.books.write(|pages| pages.dropped += stats.dropped);
        }
        let mut actors = std::mem::take(&mut *self.servers.actors.lock().unwrap());
        if timeout(REST, finish(&mut actors)).await.is_err() {
            faults.push(format!("actors of a server wait for ever: {}", self.books.steps()));
        }
        checks::judge(&self.books, self.mode, &mut faults);
        faults
    }
}

impl Servers {
    /// Lets each new peer act, and pushes numbers to all of them.
    async fn serve(&self, actor: Actor, mut random: Random) {
        let (mut known, mut number) = (HashSet::new(), 0);
        let mut next = Instant::now();
        while !actor.is_over.load(Ordering::Relaxed) {
            let server = self.now();
            for peer in server.peers() {
                if known.insert(peer.id().to_owned()) {
                    let _ = peer.join_group("all");
                    let session = peer.id().to_owned();
                    let actor = Actor { peer, session, ..actor.clone() };
                    let (act, note) = (random.fork(), random.fork());
                    self.actors.lock().unwrap().spawn(async move {
                        // A request that the client has given up may come late, and begin a session that nobody has.
                        let is_known = actor.work().echo(actor.books.token(), 0).await.is_ok();
                        if is_known {
                            tokio::join!(actor.clone().act(act), actor.note(note));
                        }
                    });
                }
            }
            if !known.is_empty() && Instant::now() >= next {
                number += 1;
                let _ = server.group("all").notify("w.pushed", (number,)).await;
                next = Instant::now() + random.millis(100);
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Takes note of what the client is told of its links.
fn noting(books: Arc<Books>) -> impl Fn(&State) + Send + Sync {
    move |state| match state {
        State::Up { resumed: true, .. } => books.write(|pages| pages.resumed += 1),
        State::Up { .. } => begins(&books, 0),
        State::Fresh { lost_notifications, .. } => begins(&books, *lost_notifications),
        _ => {}
    }
}

fn begins(books: &Books, lost_notifications: u64) {
    books.write(|pages| {
        pages.fresh += 1;
        pages.fresh_at = Some(Instant::now());
        pages.lost_notifications += lost_notifications;
    });
}

async fn finish(actors: &mut JoinSet<()>) {
    while let Some(ended) = actors.join_next().await {
        ended.expect("no actor panics");
    }
}

async fn at_rest(peer: &Peer) {
    let is_at_rest = || {
        let stats = peer.stats();
        stats.pending + stats.in_flight + stats.subscriptions + stats.queue_bytes == 0
    };
    while !is_at_rest() {
        sleep(Duration::from_millis(10)).await;
    }
}
