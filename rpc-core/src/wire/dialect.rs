//! How both ends express what JSON-RPC 2.0 does not define: cancelling a call, and reporting the progress of a call.

/// The protocol that both ends speak on top of JSON-RPC 2.0. The dialect decides how calls are cancelled, and how
/// progress is requested and reported. Both ends must use the same dialect, since no message names the dialect.
///
/// | | `JsonRpc` | `Lsp` | `Mcp` |
/// |---|---|---|---|
/// | a cancel | `$/cancelRequest {id}`, to peers that have announced that they know it | the same, to every peer | `notifications/cancelled {requestId}` |
/// | a cancelled call | is answered -32800 | is answered -32800 | is not answered |
/// | a request for progress | `progressToken` beside the params | `workDoneToken` in the params | `_meta.progressToken` in the params |
/// | a progress report | `$/progress {token, value}` | the same | `notifications/progress {progressToken, progress, …}` |
///
/// Every dialect also understands the messages of `JsonRpc`, and all three kinds of tokens. The extensions that an end
/// announces by [`$/hello`](crate::transport::Hello) do not depend on the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// JSON-RPC 2.0 with the extensions of this framework. The default.
    #[default]
    JsonRpc,
    /// The Language Server Protocol. [`on_progress`](crate::Call::on_progress) asks with a `workDoneToken`, so such a
    /// call must have params by name, or no params. A report is a `WorkDoneProgress` of LSP. A handler finds the token
    /// of a received request by a [`Progress`](crate::Progress) among the parameters of a trait's method, or by
    /// [`Context::progress_under`](crate::Context::progress_under). A `$/progress` that belongs to no call, as after
    /// `window/workDoneProgress/create`, is passed to a [fallback](crate::Router::fallback):
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
    /// `_meta.progressToken`, so such a call must have params by name, or no params.
    ///
    /// A report is a number, which becomes the member `progress`, or an object with the member `progress`, in most
    /// cases beside `total` and `message`. A listener that takes a number gets only `progress`. MCP requires that
    /// `progress` increases with each report.
    ///
    /// A call of `initialize` is never cancelled, as MCP requires. The framework answers `ping` with `{}`, unless a
    /// service offers a method of that name. `notifications/cancelled` and `notifications/progress` belong to the
    /// dialect: a service must not offer them. A `notifications/progress` that belongs to no call is passed to a
    /// [fallback](crate::Router::fallback).
    Mcp,
}

/// The notification that cancels a call in MCP.
pub(crate) const MCP_CANCELLED: &str = "notifications/cancelled";

/// The notification that reports progress in MCP.
pub(crate) const MCP_PROGRESS: &str = "notifications/progress";

/// The request by which an MCP peer checks whether this end is alive.
pub(crate) const MCP_PING: &str = "ping";

/// The request that begins an MCP session. MCP forbids cancelling this request.
pub(crate) const MCP_INITIALIZE: &str = "initialize";
