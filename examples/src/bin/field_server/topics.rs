//! A server of topics: whoever has subscribed to one gets a notification that is called as the topic is.

use rpc_core::{Context, ErrorObject, Result, RpcError, service};
use rpc_server::{Rejection, Server, ServerBuilder};
use serde_json::value::RawValue;

use crate::back::{Asked, Back, FieldServer};

#[service]
pub(crate) trait Topics {
    fn divide(&self, dividend: i64, divisor: i64) -> Result<i64, Undefined>;

    /// Hears the topic from now on.
    fn subscribe(&self, cx: &Context, topic: &str) -> Result<bool>;

    fn unsubscribe(&self, cx: &Context, topic: &str);

    /// Answers how many hear it.
    async fn publish(&self, cx: &Context, topic: &str, news: Box<RawValue>) -> Result<usize>;

    /// `echorpc` closes the connection of who does not answer by a notification.
    #[notification]
    async fn ping(&self, cx: &Context);
}

#[derive(Debug, thiserror::Error, RpcError)]
#[error("{dividend} / 0 is nothing")]
#[rpc(code = 42)]
pub(crate) struct Undefined {
    dividend: i64,
}

struct Board;

impl Topics for Board {
    fn divide(&self, dividend: i64, divisor: i64) -> Result<i64, Undefined> {
        dividend.checked_div(divisor).ok_or(Undefined { dividend })
    }

    fn subscribe(&self, cx: &Context, topic: &str) -> Result<bool> {
        let joined = cx.peer().join_group(topic);
        joined.map_err(|error| ErrorObject::invalid_params(error.to_string()))?;
        Ok(true)
    }

    fn unsubscribe(&self, cx: &Context, topic: &str) {
        cx.peer().leave_group(topic);
    }

    async fn publish(&self, cx: &Context, topic: &str, news: Box<RawValue>) -> Result<usize> {
        let told = cx.group(topic).notify(topic, (news,)).await;
        told.map_err(|error| ErrorObject::invalid_params(error.to_string()))
    }

    async fn ping(&self, cx: &Context) {
        // It fails if the connection has ended, and then nobody needs it.
        let _ = cx.peer().notify("pong", ()).await;
    }
}

pub(crate) fn server() -> ServerBuilder {
    Server::builder()
        .service(TopicsServer::new(Board))
        .service(FieldServer::new(Back))
        .on_connect(|_| async { Ok::<_, Rejection>(Asked::default()) })
}
