//! What happens: one thing after the other for each actor, and all actors together.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, join, join_all};
use rpc_core::types::GoAway;
use rpc_core::{Call, CloseCode, Peer};

use super::books::{Terms, Token};
use super::calls;
use super::cut::cut;
use super::ends::{Link, World};
use super::plan::{DEADLINE, Ending};
use super::seeds::Random;
use super::services::WorkClient;
use super::to_many;

/// Who calls: by which handle, and whether a handler does, whose deadline holds for what it calls.
#[derive(Clone)]
pub struct Who {
    pub world: Arc<World>,
    pub peer: Peer,
    pub inside: bool,
}

impl Who {
    pub fn stub(&self) -> WorkClient {
        WorkClient::new(self.peer.clone())
    }

    /// Adds what is asked of a call to it, and may start it.
    pub fn on_terms<T, E, P>(
        &self,
        call: Call<T, E, P>,
        random: &mut Random,
    ) -> (Call<T, E, P>, Terms) {
        let has_time = !self.inside;
        let (call, within, has_time) = match random.below(12) {
            0..3 => {
                let timeout = random.millis(30);
                (call.timeout(timeout), Some(timeout), false)
            }
            3 => (call.timeout(Duration::ZERO), Some(Duration::ZERO), false),
            4 => (call.no_timeout(), None, has_time),
            _ => (call, Some(DEADLINE), has_time),
        };
        let call = if random.once_in(2) { call.start() } else { call };
        (call, Terms { within, has_time, keyed: false })
    }
}

/// One who does so many things.
pub async fn act(world: Arc<World>, mut random: Random, steps: usize) {
    for _ in 0..steps {
        let (link, by_far) = world.any_link(&mut random);
        let peer = link.caller(by_far).clone();
        let who = Who { world: world.clone(), peer, inside: false };
        match random.below(18) {
            0..8 => {
                let call = calls::any(&who, &link.keyed[usize::from(by_far)], &mut random);
                let _ = cut(&mut random, call).await;
            }
            8 | 9 => to_many::note(&who, &mut random).await,
            10..13 => {
                let batch = to_many::batch(who, random.fork());
                let _ = cut(&mut random, batch).await;
            }
            13 => several(&who, &link.keyed[usize::from(by_far)], &mut random).await,
            14 => to_many::come_and_go(link, &mut random),
            15 => {
                to_many::come_and_go(link, &mut random);
                to_many::group(&world, &mut random).await;
            }
            _ => tokio::time::sleep(random.millis(10)).await,
        }
    }
}

/// Begins some calls, and gives them up or awaits them in another order.
async fn several(who: &Who, keyed: &[Token], random: &mut Random) {
    let count = 2 + random.below(4);
    let mut calls: Vec<_> = (0..count).map(|_| calls::any(who, keyed, random)).collect();
    while !calls.is_empty() {
        let call = calls.swap_remove(random.below(calls.len() as u64) as usize);
        let _ = cut(random, call).await;
    }
}

/// What a handler asks for before it answers, in some way; `depth` says how many levels more are below
/// that.
pub fn nested(
    world: &Arc<World>,
    peer: Peer,
    depth: u64,
    random: &mut Random,
) -> BoxFuture<'static, ()> {
    let mut random = random.fork();
    let world = world.clone();
    async move {
        // The server has other connections as well.
        let links = world.links();
        let is_far = links.iter().any(|link| link.far == peer);
        let peer = if is_far && random.once_in(4) {
            links[random.below(links.len() as u64) as usize].far.clone()
        } else {
            peer
        };
        let who = Who { world, peer, inside: true };
        let random = &mut random;
        match random.below(8) {
            0 | 1 => calls::nest(&who, depth, random).await,
            2 => to_many::batch(who, random.fork()).await,
            3 => {
                let two = join(calls::nest(&who, depth, random), calls::nest(&who, depth, random));
                two.await;
            }
            4 => {
                let (call, world) = (calls::nest(&who, depth, random), who.world.clone());
                let (tell, told) = tokio::sync::oneshot::channel::<()>();
                world.spawn(async move {
                    call.await;
                    drop(tell);
                });
                drop(told.await);
            }
            5 => {
                let batch = to_many::batch(who.clone(), random.fork());
                join(batch, calls::nest(&who, depth, random)).await;
            }
            6 => {
                let gives_up = calls::nest(&who, depth, random);
                let _ = cut(random, gives_up).await;
                calls::nest(&who, depth, random).await;
            }
            _ => {
                let three = (0..3).map(|_| calls::simple(&who, random));
                join_all(three.collect::<Vec<_>>()).await;
            }
        }
    }
    .boxed()
}

/// Ends one of the connections.
pub fn end(world: &World, link: &Link, by_far: bool, how: Ending) {
    let peer = link.caller(by_far).clone();
    match how {
        Ending::Close => peer.close(CloseCode::NORMAL, "enough"),
        Ending::Kick => peer.kick(CloseCode::FORBIDDEN, "out"),
        Ending::KickByHub => {
            let far = link.far.clone();
            world.registry.kick(move |peer| *peer == far, CloseCode::FORBIDDEN, "out");
        }
        Ending::Drain => {
            peer.drain(CloseCode::RESTARTING, &GoAway::new("update"), Duration::from_millis(50));
        }
        Ending::Lost => link.lose(by_far),
    }
}
