//! A stub over a batch or a group has the methods too, but for subscriptions.

use std::future::Ready;

use rpc_core::{
    Answers, Batch, Call, Context, ErrorObject, Group, NotifyError, Streaming, service,
};

#[service]
trait Chat {
    async fn join(&self, cx: &Context, room: &str) -> Result<u32, ErrorObject>;
    fn version(&self) -> u32;
    #[notification]
    async fn say(&self, text: &str);
    async fn listen(&self) -> Streaming<u32>;
}

type InBatch = (Call<u32, ErrorObject>, Call<u32>, Result<(), NotifyError>);

fn in_batch(batch: &Batch) -> InBatch {
    let chat = ChatClient::new(batch);
    (chat.join("lobby"), chat.version(), chat.say("hello"))
}

type ToGroup = (Answers<u32, ErrorObject>, Answers<u32>, Ready<Result<usize, NotifyError>>);

fn to_group(group: Group) -> ToGroup {
    let chat = ChatClient::new(group);
    (chat.join("lobby"), chat.version(), chat.say("hello"))
}
