use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, #[param(validate = "check::room")] room: String);
    async fn leave(&self, #[param(validate(room))] room: String);
}

fn main() {}
