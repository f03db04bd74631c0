//! A web app with a server mounted in it: a page, a login by cookie, and calls both ways with the page.
//!
//! Without arguments it shows itself to a client of its own, and ends. With `--listen 127.0.0.1:8080` it
//! serves browsers until it is stopped; `--allow-origin http://localhost:3000`, which may stand several
//! times, lets pages of another server connect as well.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

mod board;
mod logins;
mod show;

use std::error::Error;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::Html;
use axum::routing::{get, post};
use board::{BoardServer, Notes};
use logins::{Login, Logins};
use rpc_server::{Connecting, Rejection, RpcService, Server, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");

/// The content security policy of the page: it runs only the script of this app, and speaks only to this app,
/// even if someone smuggles foreign text into the page. No other page may show this page in a frame, where
/// users could be tricked into clicks.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Options {
    /// `None` to show itself.
    listen: Option<String>,
    origins: Vec<String>,
}

impl Options {
    fn from_env() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let mut options = Self { listen: None, origins: Vec::new() };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("listen") => options.listen = Some(parser.value()?.string()?),
                Long("allow-origin") => options.origins.push(parser.value()?.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options::from_env()?;
    let logins = Arc::<Logins>::default();
    let rpc = service(logins.clone(), options.origins)?;
    let server = rpc.handle();
    let app = app(rpc, logins);
    let listener = TcpListener::bind(options.listen.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let address = listener.local_addr()?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
    let app = tokio::spawn(app.into_future());

    if options.listen.is_some() {
        println!("listening on http://{address}");
        tokio::signal::ctrl_c().await?;
    } else {
        show::itself(address).await?;
    }
    // First those who are connected: the app's own shutdown knows nothing of WebSockets.
    server.stop().await;
    drop(stop);
    Ok(app.await??)
}

/// The service of the framework: for those whom the app knows.
fn service(logins: Arc<Logins>, origins: Vec<String>) -> Result<RpcService, rpc_server::Error> {
    let rpc = Server::builder()
        .service(BoardServer::new(Notes::default()))
        .health("/healthz")
        .allow_origins(origins)
        .on_connect(move |connecting: Connecting| {
            let login = connecting.request().extensions().get::<Login>().cloned();
            // Once more: from here on `kick` reaches it, and it may have ended before.
            let login = login.filter(|login| logins.hold(login));
            ready(login.ok_or_else(|| Rejection::new(StatusCode::UNAUTHORIZED, "log in first")))
        })
        .into_tower_service()?;
    Ok(rpc.remote_addr(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0)))
}

fn app(rpc: RpcService, logins: Arc<Logins>) -> Router {
    Router::new()
        .route("/", get(|| async { ([(CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)) }))
        .route("/page.js", get(|| async { ([(CONTENT_TYPE, "text/javascript")], SCRIPT) }))
        .route("/login", post(logins::log_in))
        .route("/logout", post(logins::log_out))
        .with_state((logins.clone(), rpc.handle()))
        .route_service("/rpc", rpc.clone())
        .route_service("/healthz", rpc)
        .layer(from_fn_with_state(logins, logins::know))
}
