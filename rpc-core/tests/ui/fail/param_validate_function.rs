use rpc_core::validate::Invalid;
use rpc_core::service;

fn room(room: &String) -> Result<(), Invalid> {
    if room.is_empty() { Err(Invalid::new("is empty")) } else { Ok(()) }
}

fn seat(seat: &u32) -> bool {
    *seat > 0
}

#[service]
trait Chat {
    async fn join(&self, #[param(validate = room)] room: &str);
    async fn sit(&self, #[param(validate = seat)] seat: u32);
}

fn main() {}
