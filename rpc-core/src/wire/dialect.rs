//! How an end says what JSON-RPC 2.0 has no words for: that a call is given up, and how far a call has come.

/// Which protocol the two ends speak on top of JSON-RPC 2.0. The dialect says how calls are cancelled and how
/// progress is asked for and reported. Both ends must mean the same one: nothing on the wire tells.
///
/// | | `JsonRpc` | `Lsp` | `Mcp` |
/// |---|---|---|---|
/// | a cancel | `$/cancelRequest {id}`, to ends that are known to know it | the same, to every end | `notifications/cancelled {requestId}` |
/// | a cancelled call | is answered -32800 | is answered -32800 | is not answered |
/// | asks for progress by | `progressToken` beside the params | `workDoneToken` in the params | `_meta.progressToken` in the params |
/// | a report | `$/progress {token, value}` | the same | `notifications/progress {progressToken, progress, …}` |
///
/// Every dialect understands what the first one does, each of these tokens included, and
/// what an end [says hello](crate::transport::Hello) for does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// JSON-RPC 2.0, and what this framework has beside it. The default.
    #[default]
    JsonRpc,
    /// The Language Server Protocol. [`on_progress`](crate::Call::on_progress) asks with a `workDoneToken`, so
    /// such a call has params by name, or none; a report is what LSP calls a `WorkDoneProgress`. The token of a
    /// request that comes is found by a [`Progress`](crate::Progress) among the parameters of a trait's method, and
    /// by [`Context::progress_under`](crate::Context::progress_under). A `$/progress` that belongs to no call, as
    /// after `window/workDoneProgress/create`, reaches a [fallback](crate::Router::fallback):
    ///
    /// ```
    /// use rpc_core::types::RawParams;
    /// use rpc_core::{Context, ErrorObject, Router};
    /// use serde_json::Value;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Report {
    ///     token: Value,
    ///     value: Value,
    /// }
    ///
    /// let editor = Router::new().fallback(|_: Context, method: String, params: RawParams| async move {
    ///     match &*method {
    ///         "window/workDoneProgress/create" => Ok(()), // there will be reports under its token
    ///         "$/progress" => {
    ///             let Report { token, value } = params.parse()?;
    ///             println!("{token}: {}", value["kind"]); // `begin`, `report` or `end`
    ///             Ok(())
    ///         }
    ///         _ => Err(ErrorObject::method_not_found(&method)),
    ///     }
    /// });
    /// # drop(editor);
    /// ```
    Lsp,
    /// The Model Context Protocol, revisions up to 2025-11-25. [`on_progress`](crate::Call::on_progress) asks with a
    /// `_meta.progressToken`, so such a call has params by name, or none.
    ///
    /// A report is a number, which becomes the member `progress`, or an object that has that member, mostly beside
    /// `total` and `message`. A listener that takes a number hears of `progress` alone. MCP wants `progress` to grow
    /// with each report.
    ///
    /// A call of `initialize` is never cancelled, as MCP asks. `ping` is answered `{}`, unless a service offers
    /// that name. `notifications/cancelled` and `notifications/progress` are the dialect's own: a service that offers
    /// one of them is a mistake. A `notifications/progress` that belongs to no call reaches a
    /// [fallback](crate::Router::fallback).
    Mcp,
}

/// MCP's cancel.
pub(crate) const MCP_CANCELLED: &str = "notifications/cancelled";

/// MCP's report of progress.
pub(crate) const MCP_PROGRESS: &str = "notifications/progress";

/// The request by which an MCP peer asks whether this end is there.
pub(crate) const MCP_PING: &str = "ping";

/// The request that begins an MCP session. MCP forbids to cancel this request.
pub(crate) const MCP_INITIALIZE: &str = "initialize";
