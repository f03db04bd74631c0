#!/usr/bin/env bash
# crate actix-ws 0.4.0 (actix-web 4.18.1) with its defaults; websockets 17.4 (PyPI) as the client. Needs Rust and Python 3.11 or later; builds some minutes.
#
# One would guess: a server that sets no limit takes messages of some MiB (tungstenite: 64), closes with 1009 when one is too
# large, gives its handler whole messages, and says goodbye when the handler is done.
#
# What is: none of it. A message of 65,536 bytes is heard, one of 65,537 is not: the handler gets an error `Overflow` in its place and, if it
# goes on reading, everything after it as if nothing had been: the connection stays, pings are answered, the next message is too,
# and the sender is told nothing. If its loop ends at the first error (`while let Some(Ok(message))`), the connection ends with no close frame (1006). A message in
# fragments never comes as a message: a handler that knows `Text` hears nothing of it, however small it is, unless
# the stream was made with `aggregate_continuations()`. And a handler that just returns ends its connection with no close frame either (1006).
#
# For a client: a call of more than 64 KiB to such a server ends with its time limit alone, and one that is sent in
# fragments as well: send calls below that in one frame.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check websockets==17.4 || { echo "could not install websockets"; exit 2; }
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "trial"
version = "0.0.0"
edition = "2021"
[dependencies]
actix-web = { version = "=4.18.1", default-features = false, features = ["macros"] }
actix-ws = "=0.4.0"
futures-util = { version = "0.3", default-features = false }
[profile.dev]
debug = false
TOML
cat > src/main.rs <<'RUST'
use actix_web::{rt, web, App, Error, HttpRequest, HttpResponse, HttpServer};
use actix_ws::{AggregatedMessage, Message};
use futures_util::StreamExt;

// Reads on after an error.
async fn patient(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        while let Some(message) = messages.recv().await {
            match message {
                Ok(Message::Text(text)) if text == "return" => return,
                Ok(Message::Text(text)) => session.text(text.len().to_string()).await.unwrap_or(()),
                Ok(Message::Ping(bytes)) => session.pong(&bytes).await.unwrap_or(()),
                Ok(Message::Close(_)) => return,
                Ok(_) | Err(_) => {}
            }
        }
    });
    Ok(response)
}

// Ends at the first error.
async fn strict(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        while let Some(Ok(message)) = messages.recv().await {
            if let Message::Text(text) = message {
                session.text(text.len().to_string()).await.unwrap_or(());
            }
        }
    });
    Ok(response)
}

// Puts fragments together.
async fn whole(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, messages) = actix_ws::handle(&request, body)?;
    let mut messages = messages.aggregate_continuations();
    rt::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            if let AggregatedMessage::Text(text) = message {
                session.text(text.len().to_string()).await.unwrap_or(());
            }
        }
    });
    Ok(response)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap().parse().unwrap();
    let app = || {
        App::new()
            .route("/patient", web::get().to(patient))
            .route("/strict", web::get().to(strict))
            .route("/whole", web::get().to(whole))
    };
    HttpServer::new(app).workers(1).bind(("127.0.0.1", port))?.run().await
}
RUST
export CARGO_TARGET_DIR=$dir/target
cargo fetch --quiet || { echo "could not fetch the crates"; exit 2; }
cargo build --quiet || { echo "could not build with the crates"; exit 2; }
cat > try.py <<'PY'
import asyncio, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

async def talk(path, *messages):
    seen = []
    async with connect(f"ws://127.0.0.1:{sys.argv[1]}/{path}", compression=None, ping_interval=None, close_timeout=1) as socket:
        for message in messages:
            try:
                if message == "ping":
                    await asyncio.wait_for(await socket.ping(), 3)
                    seen.append("pong")
                else:
                    await socket.send(message)
                    seen.append(await asyncio.wait_for(socket.recv(), 3))
            except TimeoutError:
                seen.append("nothing")
            except ConnectionClosed:
                return ", ".join([*seen, f"code {socket.close_code}"])
    return ", ".join(seen)

async def main():
    most, more = "x" * 65_536, "x" * 65_537
    check("65,536 bytes", await talk("patient", most), "65536")
    check("65,537 bytes, then a ping, then a small message", await talk("patient", more, "ping", "hi"), "nothing, pong, 2")
    check("65,537 bytes, to a loop that ends at the first error", await talk("strict", more), "code 1006")
    check("'hello' in two fragments, then a small message", await talk("patient", ["hel", "lo"], "hi"), "nothing, 2")
    check("... with aggregate_continuations()", await talk("whole", ["hel", "lo"], "hi"), "5, 2")
    check("the handler returns", await talk("patient", "return"), "code 1006")
    sys.exit(changed)

asyncio.run(main())
PY
echo "actix-ws 0.4.0, actix-web 4.18.1, websockets 17.4"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
target/debug/trial "$port" & server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.2; done
timeout 120 env/bin/python try.py "$port"
