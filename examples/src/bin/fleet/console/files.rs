//! The files of the page.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::routing::get;

/// The content security policy of the page: only files of this server, nothing that stands in the page itself, and no
/// frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// Where each file is, what it is, and what stands in it.
macro_rules! files {
    ($($path:literal is $kind:ident $file:literal,)*) => {
        Router::new()$(.route($path, file($kind, include_bytes!(concat!("../web/", $file)))))*
    };
}

pub(super) fn router() -> Router {
    files! {
        "/" is HTML "index.html",
        "/icon.svg" is IMAGE "icon.svg",
        "/style.css" is STYLE "style.css",
        "/main.js" is SCRIPT "main.js",
        "/agents.js" is SCRIPT "agents.js",
        "/chart.js" is SCRIPT "chart.js",
        "/detail.js" is SCRIPT "detail.js",
        "/events.js" is SCRIPT "events.js",
        "/history.js" is SCRIPT "history.js",
        "/link.js" is SCRIPT "link.js",
        "/questions.js" is SCRIPT "questions.js",
        "/spark.js" is SCRIPT "spark.js",
        "/theme.js" is SCRIPT "theme.js",
        "/vendor/two-way-json-rpc.js" is SCRIPT "vendor/two-way-json-rpc.js",
        "/vendor/uPlot.js" is SCRIPT "vendor/uPlot.iife.min.js",
        "/vendor/uPlot.css" is STYLE "vendor/uPlot.min.css",
    }
}

fn file(kind: &'static str, content: &'static [u8]) -> axum::routing::MethodRouter {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Another build of the program has other files.
        (CACHE_CONTROL, "no-cache"),
    ];
    get(move || async move { (headers, content) })
}
