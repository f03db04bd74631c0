//! The ends: one server, some clients, and pipes that deliver when they like to.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{
    Endpoint, EndpointConfig, Hello, LinkError, PeerRegistry, Received, Transport,
};
use rpc_core::{CloseCode, Peer, Router};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Sleep, sleep};

use super::books::{Books, Token};
use super::plan::{Greeting, Plan};
use super::seeds::Random;
use super::services;

/// Everything that a run consists of.
pub struct World {
    pub books: Arc<Books>,
    /// Of the server.
    pub registry: PeerRegistry,
    pub negotiated: bool,
    pub plain: bool,
    links: OnceLock<Vec<Link>>,
    tasks: Mutex<JoinSet<()>>,
}

/// A connection: what the near handle calls is done at the far end, the server's.
pub struct Link {
    pub near: Peer,
    pub far: Peer,
    /// Tokens of what is paid under a key, by whom it is asked for.
    pub keyed: [Vec<Token>; 2],
    tasks: [AbortHandle; 2],
}

impl World {
    pub fn begin(plan: &mut Plan) -> Arc<Self> {
        let world = Arc::new(Self {
            books: Arc::default(),
            registry: PeerRegistry::new(),
            negotiated: plan.is_negotiated(),
            plain: plan.greeting == Greeting::Plain,
            links: OnceLock::new(),
            tasks: Mutex::default(),
        });
        let is_named = plan.random.once_in(3);
        let shared: Vec<_> = (0..2).map(|_| world.books.token()).collect();
        let links = (0..plan.clients).map(|_| {
            let mut link = world.link(plan);
            if is_named {
                link.far.identify("whoever it is").expect("it is short");
                link.keyed[0].clone_from(&shared);
            }
            link
        });
        let links: Vec<_> = links.collect();
        assert!(world.links.set(links).is_ok(), "it begins once");
        world
    }

    fn link(self: &Arc<Self>, plan: &mut Plan) -> Link {
        let [mut near, mut far] = [&plan.near, &plan.far].map(|limits| {
            let services = Router::new().service(services::of(self));
            let mut config = EndpointConfig::new(services, limits.clone());
            config.keepalive = false;
            config
        });
        far.registry = self.registry.clone();
        let hello = |says: bool| if says { Hello::Always } else { Hello::Auto };
        near.hello = hello(matches!(plan.greeting, Greeting::Near | Greeting::Both));
        far.hello = hello(matches!(plan.greeting, Greeting::Far | Greeting::Both));
        if plan.greeting == Greeting::Plain {
            near.hello = Hello::Never;
        }
        let (left, right) = memory::transports(plan.capacity);
        let [near, far] = [(near, left), (far, right)].map(|(config, pipe)| {
            let endpoint = Endpoint::new(config);
            let peer = endpoint.peer();
            let transport = Moody::new(pipe, plan.random.fork());
            (peer, tokio::spawn(endpoint.connect(transport)).abort_handle())
        });
        let keyed = [(); 2].map(|()| (0..2).map(|_| self.books.token()).collect());
        Link { near: near.0, far: far.0, keyed, tasks: [near.1, far.1] }
    }

    pub fn links(&self) -> &[Link] {
        self.links.get().map_or(&[], Vec::as_slice)
    }

    /// One of the links, and whether it is used by its far end.
    pub fn any_link(&self, random: &mut Random) -> (&Link, bool) {
        let links = self.links();
        (&links[random.below(links.len() as u64) as usize], random.once_in(2))
    }

    /// Runs something whose end the run waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap().spawn(task);
    }

    /// Waits for all of that, and what it has spawned in turn.
    ///
    /// # Panics
    /// If one of those did.
    pub async fn join(&self) {
        loop {
            let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
            if tasks.is_empty() {
                return;
            }
            while let Some(ended) = tasks.join_next().await {
                ended.expect("no task of a run panics");
            }
        }
    }
}

impl Link {
    pub fn caller(&self, by_far: bool) -> &Peer {
        if by_far { &self.far } else { &self.near }
    }

    /// Loses the link, as seen from this end.
    pub fn lose(&self, by_far: bool) {
        self.tasks[usize::from(by_far)].abort();
    }
}

/// A pipe that lets one wait before it delivers, takes or passes on what it has.
struct Moody {
    pipe: Pipe,
    random: Random,
    /// What it waits for: to deliver, to take, to pass on.
    moods: [Option<Pin<Box<Sleep>>>; 3],
}

impl Moody {
    fn new(pipe: Pipe, random: Random) -> Self {
        Self { pipe, random, moods: [None, None, None] }
    }

    /// Whether it is in the mood; if not it will wake whoever asks.
    fn poll_mood(&mut self, which: usize, cx: &mut Context<'_>) -> Poll<()> {
        let mood = &mut self.moods[which];
        if mood.is_none() && self.random.once_in(6) {
            *mood = Some(Box::pin(sleep(self.random.millis(3))));
        }
        if let Some(waits) = mood {
            std::task::ready!(waits.as_mut().poll(cx));
            *mood = None;
        }
        Poll::Ready(())
    }
}

impl Transport for Moody {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        std::task::ready!(self.poll_mood(0, cx));
        self.pipe.poll_receive(cx, allowance)
    }

    fn message(&self) -> &[u8] {
        self.pipe.message()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        std::task::ready!(self.poll_mood(1, cx));
        self.pipe.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.pipe.send(message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        std::task::ready!(self.poll_mood(2, cx));
        self.pipe.poll_flush(cx)
    }

    fn accepted(&self) -> u64 {
        self.pipe.accepted()
    }

    fn backlog(&self) -> usize {
        self.pipe.backlog()
    }

    fn received_bytes(&self) -> u64 {
        self.pipe.received_bytes()
    }

    fn assembling(&self) -> Option<u64> {
        self.pipe.assembling()
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        self.pipe.ping()
    }

    fn shrink(&mut self) {
        self.pipe.shrink();
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        self.pipe.poll_close(cx, code, reason)
    }
}
