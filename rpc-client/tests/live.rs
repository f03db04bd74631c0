//! Topics and live values over links that break.

mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use rpc_client::State;
use rpc_core::{Change, Context, Live, Router, StreamError, Streaming, Topic};
use wire::{Host, Wire, client, quick, soon};

type Rows = BTreeMap<u32, u32>;

#[derive(Clone)]
struct Board {
    rows: Live<Rows>,
    events: Topic<u32>,
}

impl Board {
    fn new(rows: u32) -> Self {
        let rows = Live::new((0..rows).map(|row| (row, 0)).collect());
        Self { rows, events: Topic::builder().history(2).build() }
    }

    fn services(&self) -> Router {
        let (rows, events) = (self.rows.clone(), self.events.clone());
        Router::new()
            .subscription("rows", "stopRows", move |_: Context, (): ()| {
                let changes = rows.subscribe();
                async move { Ok(changes) }
            })
            .subscription("events", "stopEvents", move |_: Context, (): ()| {
                let events = events.subscribe();
                async move { Ok(events) }
            })
    }

    fn set(&self, row: u32, value: u32) {
        self.rows.update(|rows| rows.insert(row, value));
    }
}

#[tokio::test]
async fn nothing_is_missing_after_a_break_that_the_session_bridges() {
    let board = Board::new(1000);
    let host = Host::start(board.services()).await;
    let wire = Wire::to(host.address().unwrap()).await;
    let (builder, mut states) = client(quick());
    let client = soon(builder.connect(wire.url())).await.unwrap();
    states.up().await;
    let changes: Streaming<Change<Rows>> =
        soon(client.peer().subscribe("rows", "stopRows", ())).await.unwrap();
    let mut events: Streaming<u32> =
        soon(client.peer().subscribe("events", "stopEvents", ())).await.unwrap();
    let mut watch = changes.watch();
    assert_eq!(soon(watch.next()).await.unwrap().unwrap().len(), 1000);
    for round in 1..=3 {
        wire.cut();
        for event in 0..10 {
            board.set(event, round);
            board.events.publish(event).unwrap();
        }
        states.until(|state| matches!(state, State::Up { resumed: true, .. })).await;
        for event in 0..10 {
            assert_eq!(soon(events.next()).await, Some(Ok(event)));
        }
        let mut rows = soon(watch.next()).await.unwrap().unwrap();
        while rows[&9] != round {
            rows = soon(watch.next()).await.unwrap().unwrap();
        }
        assert_eq!(rows, board.rows.read(Rows::clone));
    }
}

#[tokio::test]
async fn a_watch_goes_on_with_a_new_value_if_the_session_is_lost() {
    let (board, other_board) = (Board::new(3), Board::new(5));
    (0..4).for_each(|event| _ = other_board.events.publish(event).unwrap());
    let host = Host::start(board.services()).await;
    let wire = Wire::to(host.address().unwrap()).await;
    let (builder, mut states) = client(quick());
    let client = soon(builder.connect(wire.url())).await.unwrap();
    states.up().await;
    let changes: Streaming<Change<Rows>> =
        soon(client.peer().subscribe("rows", "stopRows", ())).await.unwrap();
    let mut events: Streaming<u32> =
        soon(client.peer().subscribe("events", "stopEvents", ())).await.unwrap();
    let mut watch = changes.watch().throttle(Duration::from_millis(300));
    assert_eq!(soon(watch.next()).await.unwrap().unwrap().len(), 3);

    let other = Host::start(other_board.services()).await;
    wire.lead_to(other.address());
    wire.cut();
    states.until(|state| matches!(state, State::Fresh { .. })).await;
    assert_eq!(soon(watch.next()).await.unwrap().unwrap().len(), 5, "no error between");
    // The other server was asked for pauses as well.
    let begun = tokio::time::Instant::now();
    other_board.set(1, 1);
    assert_eq!(soon(watch.next()).await.unwrap().unwrap()[&1], 1);
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());

    assert_eq!(soon(events.next()).await, Some(Err(StreamError::Gap { missed: 0 })));
    assert_eq!(soon(events.next()).await, Some(Ok(2)), "the history");
    assert_eq!(soon(events.next()).await, Some(Ok(3)));
}
