//! The fixed peer that tests of all kinds talk to, whatever language they are written in.
//!
//! An ordinary user of the framework: a trait, its implementation, default limits. The first line
//! on stdout says where it listens, and nothing follows; logs go to stderr. SIGTERM and ctrl-c let
//! what runs come to its end; a second one does not wait for that.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

mod args;
mod caller;
mod contract;
mod counters;
mod service;
mod signals;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use args::{Command, Options};
use caller::Caller;
use contract::{CallerClient, ReferenceServer};
use rpc_core::schema::{Discovery, DocumentInfo, Model, ModelError};
use rpc_core::{Context, Router};
use rpc_server::{Connecting, Rejection, Server, Sessions, StatusCode};
use service::Service;
use signals::Signals;

fn main() -> ExitCode {
    let options = match Command::from_env() {
        Ok(Command::Serve(options)) => options,
        Ok(Command::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("reference_server: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(options.level).init();
    rpc_core::set_panic_hook();
    match run(*options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            eprintln!("reference_server: {error}{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    rpc_server::runtime().build()?.block_on(serve(options))
}

async fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    // Before anyone can know that it runs, and stop it.
    let mut signals = Signals::new()?;
    let service = Arc::new(Service::default());
    let mut builder = Server::builder()
        .service(ReferenceServer::shared(service.clone()))
        .limits(options.limits)
        .allow_origins(options.origins)
        .on_connect(|connecting: Connecting| async move {
            let user = connecting.header("x-user").map(ToOwned::to_owned);
            if let Some(user) = &user {
                let named = connecting.peer().identify(user.clone());
                named
                    .map_err(|error| Rejection::new(StatusCode::BAD_REQUEST, error.to_string()))?;
            }
            Ok::<_, Rejection>(Caller::new(connecting.remote_addr(), user))
        });
    if options.schema {
        let model = model()?;
        let discovery = Discovery::new(&document(&model)).with_model(&model);
        builder = builder.service(discovery.in_hello());
    }
    if options.forward {
        let caller = |cx: &Context| Ok(cx.peer().clone());
        builder = builder.service(Router::new().forward_to("back.*", caller));
    }
    // Who names no user is whoever has the token of a session, or the name of a link.
    let same = |old: &Caller, new: &Caller| old.user == new.user;
    builder = builder.same_caller(same).sse(options.sse);
    if options.sessions {
        builder = builder.sessions(Sessions::new());
    }
    let bound = builder.bind(options.listen).await?;
    service.belongs_to(bound.handle());
    let server = bound.spawn();
    println!("listening on {}", server.url());

    signals.next().await;
    let drained = tokio::select! {
        drained = server.stop() => drained,
        () = signals.next() => server.shutdown(Duration::ZERO).await,
    };
    tracing::info!(?drained, "stopped");
    Ok(())
}

/// What the server offers, and calls.
fn model() -> Result<Model, ModelError> {
    Model::server().serves(ReferenceServer::INFO).calls(CallerClient::INFO).build()
}

/// What `rpc.discover` answers.
fn document(model: &Model) -> serde_json::Value {
    let info = DocumentInfo::new("Reference server", env!("CARGO_PKG_VERSION"));
    model.openrpc_of_both(&info)
}
