//! Arguments on their way out: what generated code and untyped calls turn into `params`.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use crate::method::ParamInfo;

/// A list of arguments, as nested pairs: `(a, (b, ()))`.
pub trait ArgList {
    /// How many there are.
    const LEN: usize;

    /// Adds them to an array.
    fn serialize_into<S: SerializeSeq>(&self, seq: &mut S) -> Result<(), S::Error>;
}

impl ArgList for () {
    const LEN: usize = 0;

    fn serialize_into<S: SerializeSeq>(&self, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}

impl<T: Serialize, Rest: ArgList> ArgList for (T, Rest) {
    const LEN: usize = 1 + Rest::LEN;

    fn serialize_into<S: SerializeSeq>(&self, seq: &mut S) -> Result<(), S::Error> {
        seq.serialize_element(&self.0)?;
        self.1.serialize_into(seq)
    }
}

/// Arguments as a JSON array.
pub(crate) struct ByPosition<'a, L>(pub(crate) &'a L);

impl<L: ArgList> Serialize for ByPosition<'_, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(L::LEN))?;
        self.0.serialize_into(&mut seq)?;
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
    /// As many names as there are in the list.
    pub const fn new(names: &'static [ParamInfo], list: L) -> Self {
        Self { names, list }
    }
}

impl<L: ArgList> Serialize for ByName<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let map = serializer.serialize_map(Some(L::LEN))?;
        let mut entries = Entries { names: self.names.iter(), map };
        self.list.serialize_into(&mut entries)?;
        entries.end()
    }
}

/// Puts a name before each element: an [`ArgList`] knows arrays only.
struct Entries<M> {
    names: std::slice::Iter<'static, ParamInfo>,
    map: M,
}

impl<M: SerializeMap> SerializeSeq for Entries<M> {
    type Ok = M::Ok;
    type Error = M::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), M::Error> {
        match self.names.next() {
            Some(field) => self.map.serialize_entry(field.name, value),
            None => Err(serde::ser::Error::custom("more values than names")),
        }
    }

    fn end(self) -> Result<M::Ok, M::Error> {
        self.map.end()
    }
}

#[test]
fn arguments_become_an_array_in_their_order() {
    let json = serde_json::to_string(&ByPosition(&(1, ("x", (None::<u8>, ()))))).unwrap();
    assert_eq!(json, r#"[1,"x",null]"#);
}

#[test]
fn arguments_by_name_become_an_object() {
    const NAMES: &[ParamInfo] = &[ParamInfo::new("a"), ParamInfo::new("b")];
    let json = serde_json::to_string(&ByName::new(NAMES, (1, ("x", ())))).unwrap();
    assert_eq!(json, r#"{"a":1,"b":"x"}"#);
}
