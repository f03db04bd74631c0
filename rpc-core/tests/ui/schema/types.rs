use rpc_core::{Progress, Streaming, service};

#[derive(serde::Serialize, serde::Deserialize, Clone)]
struct Opaque;

#[service(schema)]
trait Chat {
    async fn param(&self, room: &str, opaque: Opaque);
    async fn borrowed(&self, opaque: &Opaque);
    async fn result(&self) -> Opaque;
    async fn inside(&self) -> Result<Vec<Opaque>, rpc_core::ErrorObject>;
    async fn items(&self) -> Streaming<Opaque>;
    async fn stream(&self, items: Streaming<Opaque>);
    async fn progress(&self, progress: Progress<Opaque>);
}

// Without `schema`, a type may lack one.
#[service]
trait Loose {
    async fn param(&self, opaque: Opaque) -> Opaque;
}

fn main() {}
