//! Every attack fails: whatever one connection does, another one is served as before, and nothing
//! of it is left when it has ended.
//!
//! The limits are the defaults; only times are shortened where a test would wait for them. An attack
//! may be answered, ignored or end in a close: what matters is that it harms nobody else. `ATTACKED=tls`
//! and `ATTACKED=mounted` attack a server that is reached in such a way.
//!
//! With `ATTACKED=sse` the attacks go over links of server-sent events and `POST`, and so do the calls of who must not
//! notice. What [`links`] has goes over links in each run. These attacks mean nothing over a link, and fail with the
//! reason if they are not skipped by name:
//!
//! | attack | why | what is like it over a link |
//! |---|---|---|
//! | `attachments` | a link carries text only | |
//! | `closes_that_are_malformed` | its code and reason are a header | `Rpc-Close` in `tests/sse/hostile.rs` |
//! | `a_message_of_endless_fragments` | a message has no fragments | `links::a_message_that_comes_byte_by_byte` |
//! | `a_frame_that_declares_too_much` | a message declares no length | `a_message_that_is_no_text_or_too_long…` in `tests/sse/hostile.rs` |
//! | `framing::messages_that_are_declared_and_never_come` | the same | `links::messages_that_are_declared_and_never_come` |
//! | `framing::noise` | there are no frames | `links::noise` |
//! | `a_message_that_comes_byte_by_byte_with_signs_of_life_between` | a sign of life is a request of its own | `links::a_message_that_comes_byte_by_byte` |

#[cfg(feature = "tls")]
#[path = "../../../rpc-core/tls/tests/support/mod.rs"]
mod certificates;
#[path = "../support/session.rs"]
mod session;
#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod canary;
mod closing;
mod framing;
mod json;
mod link;
mod links;
mod names;
mod raw;
mod resources;
mod sessions;
mod slowness;
mod streams;
mod way;
