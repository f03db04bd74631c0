//! A chat with history: who comes later is told what was said, and then what is being said.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use rpc_client::Client;
use rpc_core::{Context, Lag, RpcError, Streaming, service};
use rpc_server::Server;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[service(namespace = "chat")]
trait Chat {
    /// Names the caller, for as long as it is connected.
    fn enter(&self, cx: &Context, name: String);

    /// Says something in a room.
    fn say(&self, cx: &Context, room: &str, text: String) -> Result<(), ChatError>;

    /// The last `history` messages of a room, and then all that follow. Who reads too slowly misses
    /// the oldest of those, and is told how many.
    fn listen(&self, room: &str, history: usize) -> Streaming<Message>;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Message {
    from: String,
    text: String,
}

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
#[error("`enter` first")]
#[rpc(code = 1)]
struct ChatError;

/// Who the caller is, as it said in `enter`.
struct Name(String);

#[derive(Default)]
struct Rooms {
    rooms: Mutex<HashMap<String, Room>>,
}

#[derive(Default)]
struct Room {
    said: Vec<Message>,
    listeners: Vec<mpsc::UnboundedSender<Message>>,
}

impl Chat for Rooms {
    fn enter(&self, cx: &Context, name: String) {
        cx.peer().set_value(Name(name));
    }

    fn say(&self, cx: &Context, room: &str, text: String) -> Result<(), ChatError> {
        let from: Arc<Name> = cx.value().ok_or(ChatError)?;
        let message = Message { from: from.0.clone(), text };
        let mut rooms = self.rooms.lock().expect("nobody panics here");
        let room = rooms.entry(room.to_owned()).or_default();
        room.listeners.retain(|listener| listener.send(message.clone()).is_ok());
        room.said.push(message);
        Ok(())
    }

    fn listen(&self, room: &str, history: usize) -> Streaming<Message> {
        let (sender, mut live) = mpsc::unbounded_channel();
        let mut rooms = self.rooms.lock().expect("nobody panics here");
        let room = rooms.entry(room.to_owned()).or_default();
        let first = room.said.len().saturating_sub(history);
        let said = room.said[first..].to_vec();
        // Under the same lock, so that nothing is missed in between and nothing comes twice.
        room.listeners.push(sender);
        let live = stream::poll_fn(move |cx| live.poll_recv(cx));
        Streaming::new(stream::iter(said).chain(live)).lag(Lag::DropOldest, 1000)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rooms = ChatServer::new(Rooms::default());
    let server = Server::builder().service(rooms).bind("127.0.0.1:0").await?.spawn();

    let ada = Client::builder().connect(server.url()).await?;
    let chat = ChatClient::new(ada.peer());
    chat.enter("Ada".into()).await?;
    for text in ["hello?", "is anyone here?", "well then"] {
        chat.say("lobby", text.into()).await?;
    }

    let ben = Client::builder().connect(server.url()).await?;
    let late = ChatClient::new(ben.peer());
    let nameless = late.say("lobby", "hi".into()).await;
    println!("Ben without a name: {}", nameless.expect_err("he has none"));
    late.enter("Ben".into()).await?;
    let mut heard = late.listen("lobby", 2).await?;
    late.say("lobby", "hi Ada!".into()).await?;
    chat.say("lobby", "hi Ben!".into()).await?;
    for _ in 0..4 {
        let Message { from, text } = heard.next().await.ok_or("the room is open")??;
        println!("Ben hears {from}: {text}");
    }
    drop(heard);

    ada.close().await;
    ben.close().await;
    server.shutdown(std::time::Duration::from_secs(1)).await;
    Ok(())
}
