//! Who is logged in: the app's own business, as it would be without the framework.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use rpc_core::{CloseCode, Peer};
use rpc_server::Server;
use serde::Deserialize;

/// A login, which its cookie stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    cookie: String,
    pub(crate) name: String,
}

/// All of them, in memory.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    by_cookie: Mutex<HashMap<String, Login>>,
}

impl Logins {
    fn begin(&self, name: String) -> Result<Login, getrandom::Error> {
        let random = getrandom::u64()?;
        let cookie = format!("{random:016x}{:016x}", getrandom::u64()?);
        let login = Login { cookie: cookie.clone(), name };
        self.by_cookie.lock().expect("nobody panics here").insert(cookie, login.clone());
        Ok(login)
    }

    fn end(&self, login: &Login) {
        self.by_cookie.lock().expect("nobody panics here").remove(&login.cookie);
    }

    pub(crate) fn hold(&self, login: &Login) -> bool {
        self.find(&login.cookie).is_some()
    }

    fn find(&self, cookie: &str) -> Option<Login> {
        self.by_cookie.lock().expect("nobody panics here").get(cookie).cloned()
    }
}

/// Puts the login of whoever has one into the extensions of the request, for all that comes behind.
pub(crate) async fn know(
    State(logins): State<Arc<Logins>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(login) = cookie(request.headers()).and_then(|cookie| logins.find(cookie)) {
        request.extensions_mut().insert(login);
    }
    next.run(request).await
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    // As bytes: one cookie that is no ASCII must not hide the others.
    let lines = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
    let mut cookies = lines.flat_map(|line| line.split(|byte| *byte == b';'));
    let login = cookies.find_map(|cookie| cookie.trim_ascii().strip_prefix(b"login="))?;
    std::str::from_utf8(login).ok()
}

#[derive(Deserialize)]
pub(crate) struct Form {
    name: String,
}

/// `POST /login`. A real app asks for a password as well. It is JSON since that is what no page of
/// another origin can send unasked.
pub(crate) async fn log_in(
    State((logins, _)): State<(Arc<Logins>, Server)>,
    Json(form): Json<Form>,
) -> Result<impl IntoResponse, StatusCode> {
    let login = logins.begin(form.name).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    // Out of reach of scripts, and of pages of other sites. `; Secure` behind TLS.
    let cookie = format!("login={}; HttpOnly; SameSite=Strict; Path=/", login.cookie);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

/// `POST /logout`: ends the login, and with it all of its connections.
pub(crate) async fn log_out(
    State((logins, server)): State<(Arc<Logins>, Server)>,
    Extension(login): Extension<Login>,
    Json(()): Json<()>,
) -> impl IntoResponse {
    // In this order: whoever asks from now on is unknown.
    logins.end(&login);
    let is_its = move |peer: &Peer| peer.caller() == Some(&login);
    server.kick(is_its, CloseCode::NOT_AUTHENTICATED, "logged out");
    let no_cookie = "login=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0";
    (StatusCode::NO_CONTENT, [(SET_COOKIE, no_cookie)])
}
