//! Who is there: five ways to log in to one server, and how a login is renewed, runs out and is revoked.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CloseCode, Context, Peer, RpcError, service};
use rpc_server::{Connecting, Rejection, Server, StatusCode};

#[service(namespace = "account")]
trait Account {
    /// Says who the caller is; all that a guest may call.
    fn log_in(&self, cx: &Context, token: &str) -> Result<(), AccountError>;

    /// Makes the login hold for longer, for one who shows its token again.
    fn renew(&self, cx: &Context, token: &str) -> Result<(), AccountError>;

    /// Who the caller is.
    fn whoami(&self, cx: &Context) -> Option<String>;
}

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
enum AccountError {
    #[error("wrong token")]
    #[rpc(code = 1)]
    WrongToken,
}

#[derive(Debug, PartialEq)]
struct User(&'static str);

/// Whose token it is, and for how long that says so; a real server asks its database.
fn owner(token: &str) -> Option<(User, Duration)> {
    const LONG: Duration = Duration::from_secs(3600);
    Some(match token {
        "token-of-ada" => (User("Ada"), LONG),
        "token-of-ben" => (User("Ben"), LONG),
        "token-of-eve" => (User("Eve"), LONG),
        "token-of-dan" => (User("Dan"), LONG),
        "token-of-flo" => (User("Flo"), Duration::from_secs(1)),
        _ => return None,
    })
}

struct Accounts;

impl Account for Accounts {
    fn log_in(&self, cx: &Context, token: &str) -> Result<(), AccountError> {
        let (user, lifetime) = owner(token).ok_or(AccountError::WrongToken)?;
        cx.peer().set_expiry(lifetime);
        cx.peer().log_in(user);
        Ok(())
    }

    fn renew(&self, cx: &Context, token: &str) -> Result<(), AccountError> {
        let (user, _) = owner(token).ok_or(AccountError::WrongToken)?;
        if cx.caller() != Some(&user) {
            return Err(AccountError::WrongToken);
        }
        cx.peer().set_expiry(Duration::from_secs(3600));
        Ok(())
    }

    fn whoami(&self, cx: &Context) -> Option<String> {
        cx.caller().map(|User(name)| (*name).to_owned())
    }
}

/// Lets in whoever shows a token of some kind, and the others as guests. An app knows which kinds its
/// clients use, and takes those alone.
async fn admit(connecting: Connecting) -> Result<User, Rejection> {
    let subprotocol = connecting.subprotocols().find_map(|name| name.strip_prefix("bearer."));
    let token = connecting.bearer_token().or_else(|| connecting.cookie("token")).or(subprotocol);
    // Last, since servers and proxies write it into their logs.
    let query = connecting.query("token");
    let Some(token) = token.or(query.as_deref()) else {
        return Err(Rejection::until_login(["account.log_in"]));
    };
    let wrong = || Rejection::new(StatusCode::UNAUTHORIZED, "wrong token");
    let (user, lifetime) = owner(token).ok_or_else(wrong)?;
    connecting.peer().set_expiry(lifetime);
    Ok(user)
}

/// Connects and shows who that is for the server.
async fn show(way: &str, client: Client) -> Result<Client, Box<dyn Error>> {
    let name = AccountClient::new(client.peer()).whoami().await?;
    println!("{way}: {}", name.as_deref().unwrap_or("nobody"));
    Ok(client)
}

/// As a guest, who has to log in by its first message.
async fn first_message(url: &str, token: &str) -> Result<Client, Box<dyn Error>> {
    let client = Client::builder().connect(url).await?;
    let account = AccountClient::new(client.peer());
    if let Err(error) = account.whoami().await {
        println!("a guest: {error}");
    }
    account.log_in(token).await?;
    Ok(client)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let accounts = AccountServer::new(Accounts);
    let builder = Server::builder().service(accounts).on_connect(admit);
    let server = builder.bind("127.0.0.1:0").await?.spawn();
    let url = server.url();

    let ada =
        Client::builder().header("authorization", "Bearer token-of-ada").connect(&url).await?;
    let ada = show("by a header", ada).await?;
    let ben = Client::builder().header("cookie", "theme=dark; token=token-of-ben").connect(&url);
    let ben = show("by a cookie", ben.await?).await?;
    // Browsers can set no header but this one.
    let flo = Client::builder().subprotocol("jsonrpc2").subprotocol("bearer.token-of-flo");
    let flo = show("by a subprotocol", flo.connect(&url).await?).await?;
    // Her login holds for a second, unless it is renewed.
    AccountClient::new(flo.peer()).renew("token-of-flo").await?;
    let eve = Client::builder().connect(format!("{url}/?token=token-of-eve")).await?;
    let eve = show("by the query", eve).await?;
    let dan = show("by a message", first_message(&url, "token-of-dan").await?).await?;
    let wrong = Client::builder().header("authorization", "Bearer guessed").connect(&url).await;
    if let Err(error) = wrong {
        println!("by a wrong token: {error}");
    }

    // Logged in after the one that was renewed, so that its second ends later than that one's would have.
    let late = first_message(&url, "token-of-flo").await?;
    println!("not renewed: {}", late.closed().await);
    let flo = show("renewed", flo).await?;

    let is_eve = |peer: &Peer| peer.caller() == Some(&User("Eve"));
    let kicked = server.kick(is_eve, CloseCode::FORBIDDEN, "revoked");
    println!("revoked: {kicked}, {}", eve.closed().await);

    for client in [ada, ben, dan, flo] {
        client.close().await;
    }
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
