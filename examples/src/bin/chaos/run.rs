//! One run, from its beginning to the judgement.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::actors::Actor;
use crate::args::Args;
use crate::books::{Books, Fault, FaultKind};
use crate::disasters::Bringer;
use crate::proxy::Proxy;
use crate::random::Random;
use crate::server::Life;
use crate::work::End;
use crate::{Result, client, judge, table};

/// How much of the time is left for the calm at the end.
const CALM: Duration = Duration::from_secs(3);

/// How long what was begun may take in the calm.
const REST: Duration = Duration::from_secs(30);

/// Runs it all, prints the table, and returns what was wrong.
pub(crate) async fn run(args: &Args) -> Result<Vec<Fault>> {
    let mut random = Random::new(args.seed);
    let books = Arc::new(Books::new(args.clients));
    let life = Life::begin(&books, 1, random.fork()).await?;
    let proxy = Proxy::begin(life.address, &books, random.fork()).await?;
    let (mut clients, mut actors) = (Vec::new(), Vec::new());
    for number in 0..args.clients {
        let client = client::connect(&proxy.url(), number, &books).await?;
        let end = End::Client(number);
        let actor = Actor { peer: client.peer(), books: books.clone(), end, client: number };
        actor.clone().spawn(6, random.fork());
        actors.push(actor);
        clients.push(client);
    }
    let clients = Arc::new(clients);
    let bringer = Bringer {
        life,
        lives: 1,
        clients: clients.clone(),
        proxy: proxy.clone(),
        books: books.clone(),
        random: random.fork(),
    };
    let bringer = tokio::spawn(bringer.run());
    sleep(args.time.saturating_sub(CALM).max(Duration::from_secs(1))).await;
    books.calm_down();
    let life = bringer.await??;

    if timeout(REST, settle(&books, &actors)).await.is_err() {
        let states: Vec<_> = clients.iter().map(|client| client.state().to_string()).collect();
        let (at_work, why) = (books.at_work(), books.write(|pages| judge::unsettled(pages)));
        let sessions: Vec<_> = life.server.peers();
        let sessions: Vec<_> = sessions.iter().map(|peer| (peer.id(), peer.link())).collect();
        let text = format!(
            "{at_work:?} are still at work, {why:?}; clients: {states:?}; sessions: {sessions:?}"
        );
        books.fault(FaultKind::Stuck, text);
    }
    let clients = Arc::into_inner(clients).ok_or("nobody else has the clients")?;
    for client in clients {
        client.close().await;
    }
    life.shut_down(Duration::from_secs(1)).await;
    books.write(|pages| {
        judge::judge(pages);
        println!("{}", table::of(pages));
    });
    Ok(books.write(|pages| std::mem::take(&mut pages.faults)))
}

/// Waits until all that was begun has ended. The last note of each client is sent in the calm, so it must come.
async fn settle(books: &Arc<Books>, actors: &[Actor]) {
    let pause = Duration::from_millis(20);
    while !books.at_work().is_empty() {
        sleep(pause).await;
    }
    for actor in actors {
        actor.last_note().await;
    }
    while books.write(|pages| judge::unsettled(pages)).is_some() {
        sleep(pause).await;
    }
}
