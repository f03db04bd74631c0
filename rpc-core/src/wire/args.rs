//! The arguments of an outgoing call. Generated code turns them into `params`.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use crate::method::ParamInfo;
use crate::util::missing::missing;
use crate::wire::stream_ref::StreamId;

mod none;

use none::is_none;

/// One argument.
pub trait Argument: Serialize {
    /// Returns whether the message can leave this argument out, because the receiver reads a missing argument as the
    /// same value. So a method can gain an optional parameter, and peers that do not know the parameter can still be
    /// called.
    fn is_left_out(&self) -> bool {
        false
    }
}

impl<T: Serialize> Argument for &T {}

impl Argument for StreamId {}

/// An argument of a stub.
pub struct Sent<T, F> {
    value: T,
    /// Returns whether the receiver reads a missing parameter as `None`. Then a `value` that is `None` is not sent.
    may_be_left_out: F,
}

/// The value of an argument of a stub, before [`sent`](Self::sent) makes an [`Argument`] of it.
pub struct Value<T>(pub T);

impl<T: Serialize> Value<T> {
    /// Makes an argument. `may_be_left_out` is [`Absence::is_none`] of the type that the receiver reads.
    pub fn sent<F: Fn() -> bool>(self, may_be_left_out: F) -> Sent<T, F> {
        Sent { value: self.0, may_be_left_out }
    }

    /// Makes an argument for a parameter whose missing value is `default`.
    pub fn sent_or_default(
        self,
        may_be_left_out: impl Fn() -> bool,
        default: impl Fn() -> T,
    ) -> impl Argument {
        self.sent(move || may_be_left_out() && is_none(&default()))
    }

    /// Returns the value as JSON; `None` if its `Serialize` fails.
    pub fn json(self) -> Option<String> {
        serde_json::to_string(&self.0).ok()
    }

    /// Makes the value all params, for a parameter of this name.
    pub fn flattened(self, name: &'static str) -> Flattened<T> {
        Flattened { value: self.0, name }
    }
}

/// An argument of a stub that is all params.
pub struct Flattened<T> {
    pub(crate) value: T,
    /// The name of the parameter, for errors. The name is not sent.
    pub(crate) name: &'static str,
}

/// Replaces a [`Value`] that cannot be sent. The compiler prefers inherent methods, so this trait counts only for a
/// type without them. The compiler reports the mistake once, under the type of the value (`Give`). Without this trait
/// the compiler would report the mistake again for each function that sends the value.
pub trait Unsent: Sized {
    /// Returns an argument in place of the value.
    fn sent<F>(self, _: F) -> &'static () {
        &()
    }

    /// Returns an argument in place of the value.
    fn sent_or_default<F, D>(self, _: F, _: D) -> &'static () {
        &()
    }

    /// Returns `None` in place of the value.
    fn json(self) -> Option<String> {
        None
    }

    /// Returns no params in place of the value.
    fn flattened(self, _: &'static str) {}
}

impl<T> Unsent for Value<T> {}

/// Tells how a receiver reads a missing parameter of type `T`.
#[derive(Debug)]
pub struct Absence<T>(PhantomData<T>);

impl<T: DeserializeOwned> Absence<T> {
    /// Returns whether the receiver reads a missing parameter as `None`, as it does for an `Option`.
    #[inline]
    pub fn is_none() -> bool {
        missing::<T>().is_some()
    }
}

/// Replaces an [`Absence`] of a type that cannot be received. The compiler reports that mistake elsewhere (`Receive`).
pub trait UnknownAbsence {
    /// Returns any value, since the program does not compile.
    fn is_none() -> bool {
        false
    }
}

impl<T> UnknownAbsence for Absence<T> {}

impl<T: Serialize, F> Serialize for Sent<T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: Serialize, F: Fn() -> bool> Argument for Sent<T, F> {
    #[inline]
    fn is_left_out(&self) -> bool {
        (self.may_be_left_out)() && is_none(&self.value)
    }
}

/// A list of arguments, as nested pairs: `(a, (b, ()))`.
pub trait ArgList {
    /// Returns the number of arguments up to the last one that is not left out.
    fn given(&self) -> usize;

    /// Adds the first `count` arguments to an array.
    fn add_first<S: SerializeSeq>(&self, count: usize, seq: &mut S) -> Result<(), S::Error>;

    /// Adds the arguments that are not left out to an object, under these names.
    fn add_named<M: SerializeMap>(&self, names: &[ParamInfo], map: &mut M) -> Result<(), M::Error>;
}

impl ArgList for () {
    fn given(&self) -> usize {
        0
    }

    fn add_first<S: SerializeSeq>(&self, _: usize, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }

    fn add_named<M: SerializeMap>(&self, _: &[ParamInfo], _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<A: Argument, Rest: ArgList> ArgList for (A, Rest) {
    #[inline]
    fn given(&self) -> usize {
        match self.1.given() {
            0 if self.0.is_left_out() => 0,
            rest => rest + 1,
        }
    }

    #[inline]
    fn add_first<S: SerializeSeq>(&self, count: usize, seq: &mut S) -> Result<(), S::Error> {
        if count == 0 {
            return Ok(());
        }
        seq.serialize_element(&self.0)?;
        self.1.add_first(count - 1, seq)
    }

    fn add_named<M: SerializeMap>(&self, names: &[ParamInfo], map: &mut M) -> Result<(), M::Error> {
        let [first, rest @ ..] = names else {
            return Err(serde::ser::Error::custom("more values than names"));
        };
        if !self.0.is_left_out() {
            map.serialize_entry(first.name, &self.0)?;
        }
        self.1.add_named(rest, map)
    }
}

/// Arguments as a JSON array, with the number of arguments to send.
pub(crate) struct ByPosition<'a, L>(pub(crate) &'a L, pub(crate) usize);

impl<L: ArgList> Serialize for ByPosition<'_, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(list, count) = *self;
        let mut seq = serializer.serialize_seq(Some(count))?;
        list.add_first(count, &mut seq)?;
        seq.end()
    }
}

/// Arguments, or fields, as a JSON object with these names.
#[derive(Debug)]
pub struct ByName<L> {
    names: &'static [ParamInfo],
    list: L,
}

impl<L: ArgList> ByName<L> {
    /// Returns the same as [`ArgList::given`].
    pub(crate) fn given(&self) -> usize {
        self.list.given()
    }
}

/// Makes an object of `list`, which must have as many elements as `names`.
pub const fn by_name<L: ArgList>(names: &'static [ParamInfo], list: L) -> ByName<L> {
    ByName { names, list }
}

/// Arguments that are sent as empty params if all are left out.
pub struct Always<L>(pub(crate) L);

/// Returns params that are always sent, by position or by name.
pub const fn always<L>(args: L) -> Always<L> {
    Always(args)
}

impl<L: ArgList> Serialize for ByName<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The length is unknown, since arguments may be left out.
        let mut map = serializer.serialize_map(None)?;
        self.list.add_named(self.names, &mut map)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may<T: Serialize + DeserializeOwned>(value: T) -> impl Argument {
        Value(value).sent(Absence::<T>::is_none)
    }

    fn array<L: ArgList>(list: L) -> String {
        serde_json::to_string(&ByPosition(&list, list.given())).unwrap()
    }

    #[test]
    fn arguments_become_an_array_in_their_order() {
        assert_eq!(array((&1, (&"x", (&None::<u8>, ())))), r#"[1,"x",null]"#);
    }

    #[test]
    fn arguments_by_name_become_an_object() {
        const NAMES: &[ParamInfo] = &[ParamInfo::new("a"), ParamInfo::new("b")];
        let json = serde_json::to_string(&by_name(NAMES, (&1, (&"x", ())))).unwrap();
        assert_eq!(json, r#"{"a":1,"b":"x"}"#);
        assert!(serde_json::to_string(&by_name(&NAMES[..1], (&1, (&"x", ())))).is_err());
    }

    #[test]
    fn none_at_the_end_is_left_out_and_none_before_a_value_is_null() {
        let none = || may(None::<u8>);
        assert_eq!(array((may(1), (none(), (none(), ())))), "[1]");
        assert_eq!(array((none(), (none(), (may(1), (none(), ()))))), "[null,null,1]");
        assert_eq!(array((none(), (may(Some(1)), ()))), "[null,1]");
        assert_eq!((none(), (none(), ())).given(), 0);
    }

    #[test]
    fn by_name_each_none_is_left_out() {
        const NAMES: &[ParamInfo] =
            &[ParamInfo::new("a"), ParamInfo::new("b"), ParamInfo::new("c")];
        let list = (may(None::<u8>), (may(1), (may(None::<u8>), ())));
        assert_eq!(serde_json::to_string(&by_name(NAMES, list)).unwrap(), r#"{"b":1}"#);
    }

    fn default<T: Serialize + DeserializeOwned + Default>(value: T) -> impl Argument {
        Value(value).sent_or_default(Absence::<T>::is_none, T::default)
    }

    #[derive(Serialize, serde::Deserialize)]
    #[serde(untagged)]
    enum Odd {
        Nothing(Option<u8>),
    }

    #[derive(Serialize, serde::Deserialize)]
    #[serde(transparent)]
    struct Limit(Option<u8>);

    impl Default for Limit {
        fn default() -> Self {
            Self(Some(7))
        }
    }

    /// The receiver would refuse these values as missing, or read another value.
    #[test]
    fn what_its_receiver_does_not_make_of_nothing_is_sent() {
        assert_eq!(array((may(()), ())), "[null]");
        assert_eq!(array((may(f64::NAN), ())), "[null]");
        assert_eq!(array((may(serde_json::Value::Null), ())), "[null]");
        assert_eq!(array((may(Odd::Nothing(None)), ())), "[null]");
        assert_eq!(array((default(Limit(None)), ())), "[null]");
        assert_eq!(array((default(None::<u8>), ())), "[]");
        assert_eq!(array((may(Limit(None)), ())), "[]");
    }
}
