//! The settings of sessions that outlive their links, above all who may resume one.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rpc_core::Peer;
use rpc_core::internal::catch::caught;
use rpc_core::internal::{LogThrottle, caller_value};
use rpc_core::types::CallerType;

use crate::shared::Shared;
use crate::upgrade::Upgrade;

type Same = dyn Fn(&Value, &Value) -> bool + Send + Sync;

/// A caller value with its type erased.
type Value = dyn Any + Send + Sync;

/// The settings of sessions that outlive their links; see [`ServerBuilder::sessions`](crate::ServerBuilder::sessions).
///
/// A client that comes back with the token of its session gets the session only if the client is the same caller:
///
/// - With [`same`](Self::same), the application compares the caller value of the session with that of the new link.
/// - Without `same`, the names of [`Peer::identify`] must be equal.
/// - Clients without a name and without a caller value (`()` counts as none) are known by the token alone.
///
/// A server whose `on_connect` gives caller values but no names needs `same`: otherwise no session is resumed, and the
/// log says so once.
#[derive(Default)]
#[must_use = "give it to `ServerBuilder::sessions`"]
pub struct Sessions {
    same: Option<Box<Same>>,
    /// The type of the values that `same` compares.
    pub(crate) compares: Option<CallerType>,
}

/// What `on_connect` says of a client.
#[derive(Clone, Copy, Default)]
pub(crate) struct Identity<'a> {
    /// The client is a guest, which logs in by a message.
    pub(crate) is_guest: bool,
    /// The name that the client was given.
    pub(crate) name: Option<&'a str>,
    /// The caller value. `None` without a hook, and for a guest.
    pub(crate) value: Option<&'a Value>,
}

/// Whether a client may resume a session whose token it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// The client is the same caller, or both are nobody in particular, so that the token alone proves it.
    Allowed,
    /// The client is another caller.
    Refused,
    /// The callers have values and no names, and nothing compares the values. The application must set `same`, or give
    /// names.
    Undecidable,
}

impl Sessions {
    /// Returns the settings with their defaults: names are compared.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how the caller values of a session and of a link that wants to resume it are compared. Values of another
    /// type than `S` are not the same caller.
    ///
    /// The comparison should be quick. A panic counts as another caller. Without it the comparison is
    /// [`ServerBuilder::same_caller`](crate::ServerBuilder::same_caller), if that is set.
    pub fn same<S: Any + Send + Sync>(
        mut self,
        same: impl Fn(&S, &S) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.compares = Some(CallerType::of::<S>());
        self.same = Some(Box::new(move |old, new| {
            match (old.downcast_ref::<S>(), new.downcast_ref::<S>()) {
                (Some(old), Some(new)) => same(old, new),
                _ => false,
            }
        }));
        self
    }

    /// Returns whether the client `new` may resume the session of `old`.
    pub(crate) fn resume(&self, old: Identity<'_>, new: Identity<'_>) -> Resume {
        if old.is_guest || new.is_guest {
            return allowed_if(old.is_guest && new.is_guest);
        }
        if let (Some(same), Some(old), Some(new)) = (&self.same, old.value, new.value) {
            // A panic of the application's code harms only the link that wants to resume.
            let is_same = catch_unwind(AssertUnwindSafe(|| caught(|| same(old, new))));
            return allowed_if(is_same.unwrap_or(false));
        }
        match (old.name, new.name) {
            (Some(old), Some(new)) => allowed_if(old == new),
            (None, None) if old.is_nobody() && new.is_nobody() => Resume::Allowed,
            (None, None) if old.is_nobody() == new.is_nobody() => Resume::Undecidable,
            _ => Resume::Refused,
        }
    }
}

impl Shared {
    /// Returns whether the first message of a link may resume a session.
    pub(crate) fn takes_resume(&self, upgrade: &Upgrade) -> bool {
        upgrade.announces_resume && self.settings.sessions.is_some()
    }

    /// Returns whether a request comes from the caller that has begun a link, by the rules of sessions. `caller` is
    /// `None` for a guest.
    pub(crate) fn is_same_caller(
        &self,
        opener: &Peer,
        was_guest: bool,
        caller: Option<&Peer>,
    ) -> bool {
        self.compare(opener, was_guest, caller) == Resume::Allowed
    }

    /// Compares two callers, of which the new one is `None` if it is a guest.
    fn compare(&self, old: &Peer, was_guest: bool, new: Option<&Peer>) -> Resume {
        let of_sessions = self.settings.sessions.as_ref();
        let sessions = of_sessions.filter(|sessions| sessions.same.is_some());
        let sessions = sessions.unwrap_or(&self.settings.callers);
        let (old_name, new_name) = (old.identity(), new.and_then(Peer::identity));
        let (name, value) = (old_name.as_deref(), caller_value(old));
        let old = Identity { is_guest: was_guest, name, value };
        let (name, value) = (new_name.as_deref(), new.and_then(caller_value));
        sessions.resume(old, Identity { is_guest: new.is_none(), name, value })
    }

    /// Returns whether the client of the peer `link` may resume the session of the peer `session`.
    pub(crate) fn may_resume(&self, session: &Peer, link: &Peer) -> bool {
        match self.compare(session, session.is_guest(), Some(link).filter(|link| !link.is_guest()))
        {
            Resume::Allowed => self.settings.sessions.is_some(),
            Resume::Refused => false,
            Resume::Undecidable => {
                static THROTTLE: LogThrottle = LogThrottle::new();
                if let Some(left_out) = THROTTLE.allow() {
                    tracing::error!(
                        left_out,
                        "no session is resumed, because nothing tells whether two callers are the same: add \
                         `.same_caller(|old: &Caller, new: &Caller| …)` to the builder, or give callers names by \
                         `identify`"
                    );
                }
                false
            }
        }
    }
}

impl Identity<'_> {
    /// Returns whether nothing tells this client from others: it has no name and no value.
    fn is_nobody(&self) -> bool {
        self.name.is_none() && self.value.is_none_or(<Value>::is::<()>)
    }
}

fn allowed_if(is_same: bool) -> Resume {
    if is_same { Resume::Allowed } else { Resume::Refused }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("same", &self.same.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Resume::{Allowed, Refused, Undecidable};
    use super::*;

    struct User(u32);

    const GUEST: Identity<'_> = Identity { is_guest: true, name: None, value: None };
    const NOBODY: Identity<'_> = Identity { is_guest: false, name: None, value: None };

    fn named(name: &str) -> Identity<'_> {
        Identity { name: Some(name), ..NOBODY }
    }

    fn valued(value: &Value) -> Identity<'_> {
        Identity { value: Some(value), ..NOBODY }
    }

    fn by_number() -> Sessions {
        Sessions::new().same(|old: &User, new: &User| old.0 == new.0)
    }

    #[test]
    fn the_application_compares_values_whatever_the_names_are() {
        let (one, same, other) = (User(1), User(1), User(2));
        let sessions = by_number();
        assert_eq!(sessions.resume(valued(&one), valued(&same)), Allowed);
        assert_eq!(sessions.resume(valued(&one), valued(&other)), Refused);
        let with = |name, value| Identity { name: Some(name), value: Some(value), is_guest: false };
        assert_eq!(sessions.resume(with("a", &one), with("b", &same)), Allowed);
        assert_eq!(sessions.resume(with("a", &one), with("a", &other)), Refused);
    }

    #[test]
    fn values_of_another_type_are_not_the_same() {
        let user = User(1);
        for (old, new) in [(&user as &Value, &1_u32 as &Value), (&1_u32, &user), (&(), &())] {
            assert_eq!(by_number().resume(valued(old), valued(new)), Refused);
        }
    }

    #[test]
    fn a_comparison_that_panics_does_not_let_anyone_in() {
        let sessions = Sessions::new().same(|(): &(), (): &()| panic!("as the test wants"));
        assert_eq!(sessions.resume(valued(&()), valued(&())), Refused);
    }

    #[test]
    fn without_a_comparison_names_must_be_equal() {
        let sessions = Sessions::new();
        assert_eq!(sessions.resume(named("Ada"), named("Ada")), Allowed);
        assert_eq!(sessions.resume(named("Ada"), named("ada")), Refused);
        for nobody in [NOBODY, valued(&())] {
            assert_eq!(sessions.resume(named("Ada"), nobody), Refused);
            assert_eq!(sessions.resume(nobody, named("Ada")), Refused);
        }
    }

    #[test]
    fn the_token_alone_proves_who_is_nobody_in_particular() {
        let sessions = Sessions::new();
        for (old, new) in
            [(NOBODY, NOBODY), (valued(&()), valued(&())), (NOBODY, valued(&())), (GUEST, GUEST)]
        {
            assert_eq!(sessions.resume(old, new), Allowed);
        }
        assert_eq!(by_number().resume(NOBODY, NOBODY), Allowed, "there are no values to compare");
        assert_eq!(by_number().resume(GUEST, GUEST), Allowed, "a guest has no value");
    }

    #[test]
    fn links_of_different_kinds_are_never_the_same_caller() {
        let user = User(1);
        for sessions in [Sessions::new(), by_number()] {
            for other in [NOBODY, named("Ada"), valued(&user)] {
                assert_eq!(sessions.resume(GUEST, other), Refused);
                assert_eq!(sessions.resume(other, GUEST), Refused);
            }
            assert_eq!(sessions.resume(valued(&user), NOBODY), Refused);
            assert_eq!(sessions.resume(NOBODY, valued(&user)), Refused);
        }
    }

    #[test]
    fn values_without_names_cannot_be_compared_without_the_application() {
        let user = User(1);
        assert_eq!(Sessions::new().resume(valued(&user), valued(&user)), Undecidable);
    }

    #[test]
    fn its_debug_text_says_whether_there_is_a_comparison() {
        assert_eq!(format!("{:?}", by_number()), "Sessions { same: true }");
    }
}
