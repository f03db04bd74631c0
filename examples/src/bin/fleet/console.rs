//! The page of the fleet, by the same server: `fleet --web 127.0.0.1:8080`.
//!
//! ```text
//! agents ──vitals──▶ server ──state, samples, events──▶ page     (a live value and two topics)
//! agent  ◀──work──── server ◀──work──────────────────── page     (a button)
//! agent ──may_upgrade──▶ server ──ask──▶ page                    (a question, and the answer all the way back)
//! ```
//!
//! Its files are in `web/`, as the browser gets them.

mod board;
mod clerk;
mod contract;
mod files;
mod made_up;

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub(crate) use board::Board;
pub(crate) use clerk::Clerk;
pub(crate) use contract::ConsoleServer;

use crate::{Result, server};

/// Serves the page and the fleet on one port until ctrl-c, with `agents` agents that tell how they are `every` so often.
pub(crate) async fn run(listen: &str, agents: usize, every: Duration) -> Result<()> {
    let board = Board::new(every);
    let rpc = server::builder(Some(board.clone())).into_tower_service()?;
    let rpc = rpc.remote_addr(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0));
    let server = rpc.handle();
    let app = files::router().nest_service("/rpc", rpc);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let app = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
    let app = tokio::spawn(app.into_future());
    println!("listening on http://{address}");

    let sampling = tokio::spawn(board.sample());
    let fleet = made_up::connect(&format!("ws://{address}/rpc"), agents).await?;
    tokio::signal::ctrl_c().await?;
    sampling.abort();
    fleet.close().await;
    // First those who are connected: the app's own shutdown knows nothing of WebSockets.
    server.shutdown(Duration::from_secs(1)).await;
    drop(stop);
    Ok(app.await??)
}
