//! A parameter `&T` is received as what `T` is owned by.

use std::borrow::Cow;
use std::ffi::CStr;
use std::path::Path;

use rpc_core::service;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Room {
    name: String,
}

#[service]
trait Chat {
    async fn borrowed(&self, text: &str, bytes: &[u8], room: &Room, path: &Path) -> usize;
    async fn of_paths(&self, text: &std::primitive::str, c: &CStr) -> usize;
    fn optional(&self, #[param(default)] text: &str) -> usize;
    async fn cow(&self, text: Cow<'_, str>) -> usize;
    async fn slices(&self, rooms: &[Room], names: &[Option<String>]) -> usize;
}
