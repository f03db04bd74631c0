use rpc_core::service;

#[service]
trait Chat {
    async fn join(
        /// Nobody reads this.
        &self,
    );
}

fn main() {}
