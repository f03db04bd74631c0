//! Arguments on their way out: what generated code and untyped calls turn into `params`.

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

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

#[test]
fn arguments_become_an_array_in_their_order() {
    let json = serde_json::to_string(&ByPosition(&(1, ("x", (None::<u8>, ()))))).unwrap();
    assert_eq!(json, r#"[1,"x",null]"#);
}
