//! Parameters may be validated, by their types or by functions.

use std::borrow::Cow;

use rpc_core::service;
use rpc_core::validate::{Invalid, Validate};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Room {
    name: String,
}

impl Validate for Room {
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

mod check {
    use super::Invalid;

    pub(super) fn name(_: &str) -> Result<(), Invalid> {
        Ok(())
    }

    pub(super) fn all(_: &[super::Room]) -> Result<(), Invalid> {
        Ok(())
    }

    pub(super) fn anything<T: ?Sized>(_: &T) -> Result<(), Invalid> {
        Ok(())
    }
}

fn name(_: &str) -> Result<(), Invalid> {
    Ok(())
}

#[service]
trait Chat {
    async fn owned(&self, #[param(validate)] room: Room);
    async fn lent(&self, #[param(validate)] room: &Room, #[param(validate)] rooms: &[Room]);
    async fn held(&self, #[param(validate)] a: Option<Room>, #[param(validate)] b: Box<[Room]>);
    async fn by_function(
        &self,
        #[param(validate = check::name)] name: &str,
        #[param(validate = check::anything, rename = "type")] value: u8,
        #[param(default, validate = check::anything::<[Room]>)] rooms: &[Room],
        error: u8,
    );
    async fn called_as_its_function(&self, #[param(validate = name)] name: &str);
    async fn cow(&self, #[param(validate = check::anything)] r#type: Cow<'_, str>);
    async fn of_owned(
        &self,
        #[param(validate = name)] text: String,
        #[param(validate = check::all)] rooms: Vec<Room>,
    );
    #[method(blocking)]
    fn blocking(&self, #[param(validate = self::check::anything)] room: Room);
    #[notification]
    async fn notice(&self, #[param(validate)] room: Room);
}
