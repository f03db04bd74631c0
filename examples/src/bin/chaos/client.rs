//! A client that stays connected.

use std::sync::Arc;
use std::time::Duration;

use rpc_client::{Client, Reconnect, State};
use rpc_core::Limits;

use crate::Result;
use crate::books::{Books, Event, FaultKind};
use crate::contract::{MemberServer, WorkServer};
use crate::server::impatient;
use crate::work::{End, Worker};

/// Connects a client, which connects again whenever its link is lost.
pub(crate) async fn connect(url: &str, number: usize, books: &Arc<Books>) -> Result<Client> {
    let worker = Worker { books: books.clone(), end: End::Client(number) };
    let of_state = books.clone();
    let policy = Reconnect::default()
        .min_delay(Duration::from_millis(20))
        .max_delay(Duration::from_millis(300))
        .wait_for_first(true);
    let client = Client::builder()
        .service(WorkServer::new(worker.clone()))
        .service(MemberServer::new(worker))
        .header("x-name", &number.to_string())
        .limits(impatient(Limits::client()))
        .reconnect(policy)
        .on_state(move |state| write_down(&of_state, number, state))
        .connect(url)
        .await?;
    Ok(client)
}

/// Writes down what the client is told of its links.
fn write_down(books: &Books, client: usize, state: &State) {
    books.write(|pages| pages.clients[client].note_down(state.to_string()));
    match state {
        State::Fresh { lost_notifications, gaps, .. } => books.write(|pages| {
            pages.count(Event::Fresh, 1);
            let page = &mut pages.clients[client];
            page.lost_notifications += lost_notifications;
            page.gaps_told += gaps;
        }),
        State::Ended(reason) if !books.is_over() => {
            books.fault(FaultKind::Stuck, format!("client {client} ended: {reason}"));
        }
        _ => {}
    }
}
