//! Subscriptions: streams of items that one end offers and the other takes, by the widespread
//! convention (`{"subscription":id,"result":item}` in the params of a notification).

mod offered;
mod taken;

pub(crate) use offered::{Offered, OfferedKey};
pub(crate) use taken::{Item, ItemParams, Taken, TakenKey};
