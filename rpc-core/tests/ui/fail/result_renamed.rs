use rpc_core::{ErrorObject, service};

type Outcome<T> = Result<T, ErrorObject>;

#[service]
trait Chat {
    async fn join(&self) -> Outcome<u32>;
}

fn main() {}
