//! Decodes the params of a closure, with what the type of the params reveals.
//!
//! A trait names its parameters. A closure takes one value, and serde reveals what its type asks for: the length of a
//! tuple, the fields of a struct. So the rules of a trait hold here as well: missing trailing `Option`s are `None`,
//! and surplus members are refused by name.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer};
use serde::de::{IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::de::StrRead;
use serde_path_to_error::{Path, Track};

use crate::error::decode_error::{DecodeMessage, explain};
use crate::error::object::ErrorObject;
use crate::error::violations::{Invalid, Violation};
use crate::service::Params;
use crate::service::context::Context;
use crate::service::params::{too_many, unknown};
use crate::util::missing::Missing;

/// Decodes the params of the call of `cx`. Without `cx` unknown names are refused.
///
/// # Errors
/// Returns -32602 if the params do not fit. The error names the parameter if the parameter has a name.
pub(super) fn decode<P: DeserializeOwned>(
    cx: Option<&Context>,
    params: Params<'_>,
) -> Result<P, ErrorObject> {
    let names = Names::OfType(cx);
    if let Some(value) = params.attached.and_then(|it| it.try_read(|text| read(names, text))) {
        return Ok(value);
    }
    let text = params.as_str().unwrap_or("[]");
    read(names, text).or_else(|unfit| read_nothing(names, text).ok_or_else(|| unfit.refusal()))
}

/// Decodes params of a type that gets all names, also names that it does not know. No params are read as `{}`.
///
/// # Errors
/// Returns -32602 with the path to the part that does not fit.
pub(crate) fn read_open<P: DeserializeOwned>(params: Params<'_>) -> Result<P, ErrorObject> {
    let text = params.as_str().filter(|text| *text != "null").unwrap_or("{}");
    read(Names::All, text).or_else(|unfit| {
        read_nothing(Names::All, text).ok_or_else(|| unfit.refusal_within::<P>(text))
    })
}

/// No params, `[]`, `{}` and `null` mean the same; the type decides which of them it can read.
#[cold]
fn read_nothing<P: DeserializeOwned>(names: Names<'_>, text: &str) -> Option<P> {
    const NOTHING: [&str; 3] = ["[]", "{}", "null"];
    let nothing = text == "null" || text[1..text.len() - 1].trim().is_empty();
    let mut others = NOTHING.into_iter().filter(|other| nothing && *other != text);
    others.find_map(|other| read(names, other).ok())
}

/// The names that a struct gets to see.
#[derive(Clone, Copy)]
enum Names<'r> {
    /// The names of its fields. Other names are ignored or refused, as the call's context decides; without a context
    /// they are refused.
    OfType(Option<&'r Context>),
    All,
}

fn read<P: DeserializeOwned>(names: Names<'_>, text: &str) -> Result<P, Unfit> {
    let (mut json, mut at) = (serde_json::Deserializer::from_str(text), None);
    let read = P::deserialize(Whole { json: &mut json, text, names, at: &mut at });
    read.and_then(|value| json.end().map(|()| value)).map_err(|error| Unfit { error, at })
}

/// Finds the place in the params at which decoding failed with `why`. The params are decoded again, and this time the
/// path is tracked.
fn place<P: DeserializeOwned>(text: &str, why: &str) -> Option<Path> {
    let (mut json, mut track) = (serde_json::Deserializer::from_str(text), Track::new());
    let whole = Whole { json: &mut json, text, names: Names::All, at: &mut None };
    let error = P::deserialize(serde_path_to_error::Deserializer::new(whole, &mut track)).err()?;
    // A different error message belongs to a different place.
    (explain(&error) == why).then(|| track.path())
}

/// A decoding error, and the parameter that it is in, if it is in one.
struct Unfit {
    error: serde_json::Error,
    at: Option<At>,
}

enum At {
    Name(&'static str),
    Index(usize),
}

impl Unfit {
    #[cold]
    fn refusal(&self) -> ErrorObject {
        let why = explain(&self.error);
        match self.at {
            None => ErrorObject::invalid_params(why),
            Some(At::Name(name)) => Invalid::new(why).at(name).into(),
            Some(At::Index(index)) => {
                let violation = Violation::new(format_args!("[{index}]"), &why);
                ErrorObject::violating(format!("parameter {}: {why}", index + 1), &[violation])
            }
        }
    }

    /// Makes the refusal with the path to the named part that does not fit.
    #[cold]
    fn refusal_within<P: DeserializeOwned>(&self, text: &str) -> ErrorObject {
        let DecodeMessage { why, is_long } = DecodeMessage::of(&self.error);
        if self.at.is_some() || is_long {
            return self.refusal();
        }
        match place::<P>(text, &why).filter(|place| place.iter().len() > 0) {
            Some(place) => place.iter().rev().fold(Invalid::new(&why), Invalid::at).into(),
            None => ErrorObject::invalid_params(why),
        }
    }
}

/// All params together, offered to a type as a deserializer.
struct Whole<'r, 'de> {
    json: &'r mut serde_json::Deserializer<StrRead<'de>>,
    text: &'de str,
    names: Names<'r>,
    /// The parameter that is being decoded.
    at: &'r mut Option<At>,
}

impl<'r, 'de> Whole<'r, 'de> {
    /// Reads a struct with exactly these fields, or a sequence without names.
    fn exactly<V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        let Self { json, names, at, .. } = self;
        json.deserialize_any(Exactly { fields, names, at, visitor })
    }
}

/// The beginning of the names of serde_json's own types, which serde_json reads in its own way.
pub(super) const PRIVATE: &str = "$serde_json::private::";

/// Methods that pass on to serde_json without a change.
macro_rules! pass_on {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.json.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Whole<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.exactly(None, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.exactly(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if name.starts_with(PRIVATE) {
            return self.json.deserialize_struct(name, fields, visitor);
        }
        self.exactly(Some(fields), visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.exactly(Some(&[]), Unit(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.exactly(Some(&[]), Unit(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if name.starts_with(PRIVATE) {
            return self.json.deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.text == "null" {
            return self.json.deserialize_option(visitor);
        }
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.json.deserialize_enum(name, variants, visitor)
    }

    pass_on! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_seq
        deserialize_map deserialize_identifier deserialize_ignored_any
    }
}

/// Gives the visitor exactly the params that there are, and refuses surplus ones.
struct Exactly<'r, V> {
    /// The names of the parameters, if they have names.
    fields: Option<&'static [&'static str]>,
    names: Names<'r>,
    at: &'r mut Option<At>,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Exactly<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<V::Value, A::Error> {
        let mut values = Values { seq: &mut seq, at: self.at, taken: 0 };
        let value = self.visitor.visit_seq(&mut values)?;
        let takes = values.taken;
        let mut given = takes;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            given += 1;
        }
        if given > takes {
            let names = self.fields.filter(|fields| fields.len() == takes && takes > 0);
            let names = names.map(|names| format!(" ({})", names.join(", "))).unwrap_or_default();
            return Err(too_many(takes, &names, given));
        }
        Ok(value)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let Self { fields, names, at, visitor } = self;
        let Some(fields) = fields else {
            // `{}` means no params, as `[]` does.
            while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                if name != META {
                    let message = "takes params by position: this method has no names for them";
                    return Err(de::Error::custom(message));
                }
                map.next_value::<IgnoredAny>()?;
            }
            return visitor.visit_seq(NoValues(PhantomData));
        };
        match names {
            Names::OfType(cx) => visitor.visit_map(Members { map, fields, cx, at }),
            Names::All => visitor.visit_map(map),
        }
    }
}

/// Other protocols put their own members there. No parameter has this name by accident.
const META: &str = "_meta";

/// Values by position. A value that is missing at the end gets the default that its type makes of nothing.
struct Values<'r, A> {
    seq: A,
    at: &'r mut Option<At>,
    taken: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for &mut Values<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        *self.at = Some(At::Index(self.taken));
        let mut seed = Some(seed);
        let value = self.seq.next_element_seed(Taken(&mut seed))?;
        *self.at = None;
        self.taken += usize::from(value.is_some());
        Ok(value.or_else(|| of_nothing(seed?)))
    }
}

/// A seed that stays in its `Option` if nothing was read with it.
struct Taken<'s, S>(&'s mut Option<S>);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Taken<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<S::Value, D::Error> {
        self.0.take().expect("it is read with once").deserialize(de)
    }
}

fn of_nothing<'de, S: DeserializeSeed<'de>>(seed: S) -> Option<S::Value> {
    seed.deserialize(Missing).ok()
}

/// A sequence without values.
struct NoValues<E>(PhantomData<E>);

impl<'de, E: de::Error> SeqAccess<'de> for NoValues<E> {
    type Error = E;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, E> {
        Ok(of_nothing(seed))
    }
}

/// Values by name, for known names only.
struct Members<'r, A> {
    map: A,
    fields: &'static [&'static str],
    cx: Option<&'r Context>,
    at: &'r mut Option<At>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        *self.at = None;
        while let Some(name) = self.map.next_key::<Cow<'de, str>>()? {
            if let Some(field) = self.fields.iter().find(|field| **field == name) {
                *self.at = Some(At::Name(field));
                return seed.deserialize(name.into_deserializer()).map(Some);
            }
            if name != META && !self.cx.is_some_and(|cx| cx.ignores_parameter(&name)) {
                return Err(unknown(&name));
            }
            self.map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Reads a type that holds nothing.
struct Unit<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Unit<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no params")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<V::Value, A::Error> {
        self.0.visit_unit()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.visit_unit()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Greet {
        name: String,
        greeting: Option<String>,
        #[serde(default, alias = "nr")]
        number: u8,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped((i64, Option<i64>));

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair(i64, Option<i64>);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Nothing;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Open {
        name: String,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }

    fn read<P: DeserializeOwned>(params: &str) -> Result<P, String> {
        decode(None, Params::of(Some(params))).map_err(|error| error.message)
    }

    fn refused<P: DeserializeOwned + fmt::Debug>(params: &str) -> String {
        read::<P>(params).unwrap_err()
    }

    #[test]
    fn no_params_are_as_good_as_empty_ones() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Options {
            depth: Option<u32>,
        }
        let nothing = [None, Some("[]"), Some("{}"), Some("[ ]"), Some("{\n}"), Some("null")];
        for params in nothing.map(Params::of) {
            assert_eq!(decode(None, params), Ok(()));
            assert_eq!(decode(None, params), Ok(Nothing));
            assert_eq!(decode::<Vec<u8>>(None, params), Ok(vec![]));
            assert_eq!(decode::<BTreeMap<String, u8>>(None, params), Ok(BTreeMap::new()));
            assert_eq!(decode(None, params), Ok(Options { depth: None }));
            assert_eq!(decode::<(Option<u8>,)>(None, params), Ok((None,)));
            assert!(decode::<(u8,)>(None, params).is_err());
        }
    }

    #[test]
    fn missing_trailing_options_are_none() {
        type Three = (i64, Option<i64>, Option<i64>);
        assert_eq!(read::<Three>("[1]"), Ok((1, None, None)));
        assert_eq!(read::<Three>("[1,null,3]"), Ok((1, None, Some(3))));
        assert_eq!(read::<Wrapped>("[1]"), Ok(Wrapped((1, None))));
        assert_eq!(read::<Pair>("[1]"), Ok(Pair(1, None)));
        assert_eq!(read::<Option<Three>>("[1,2]"), Ok(Some((1, Some(2), None))));
        assert_eq!(read::<[Option<u8>; 2]>("[1]"), Ok([Some(1), None]));
        let ada = Ok(Greet { name: "Ada".into(), greeting: None, number: 0 });
        assert_eq!(read::<Greet>(r#"["Ada"]"#), ada);
        assert_eq!(read::<Greet>(r#"{"name":"Ada"}"#), ada);
        assert_eq!(refused::<Three>("[]"), "invalid length 0, expected a tuple of size 3");
    }

    #[test]
    fn values_beyond_the_last_and_unknown_names_are_refused() {
        assert_eq!(refused::<(i64, i64)>("[1,2,3,4]"), "takes 2 params, got 4");
        assert_eq!(refused::<Wrapped>("[1,2,3]"), "takes 2 params, got 3");
        assert_eq!(refused::<()>("[1]"), "takes 0 params, got 1");
        assert_eq!(refused::<()>(r#"{"nick":1}"#), "unknown parameter `nick`");
        assert_eq!(refused::<Nothing>(r#"{"nick":1}"#), "unknown parameter `nick`");
        assert_eq!(refused::<Greet>(r#"{"name":"Ada","nick":1}"#), "unknown parameter `nick`");
        assert_eq!(refused::<Greet>(r#"["Ada",null,1,2]"#), "takes 3 params, got 4");
        assert_eq!(
            refused::<(i64,)>(r#"{"a":1}"#),
            "takes params by position: this method has no names for them"
        );
    }

    #[test]
    fn what_has_names_of_its_own_takes_them() {
        let greet = Ok(Greet { name: "Ada".into(), greeting: None, number: 7 });
        assert_eq!(read::<Greet>(r#"{"n\u0061me":"Ada","nr":7}"#), greet);
        assert_eq!(read::<Greet>(r#"{"_meta":{"x":[1]},"name":"Ada","number":7}"#), greet);
        assert_eq!(read::<()>(r#"{"_meta":1}"#), Ok(()));
        assert_eq!(read::<(Option<u8>,)>(r#"{"_meta":1}"#), Ok((None,)));
        assert_eq!(read::<BTreeMap<String, u8>>(r#"{"a":1}"#).map(|map| map["a"]), Ok(1));
        assert_eq!(read::<Value>(r#"{"a":[1]}"#).map(|value| value["a"][0] == 1), Ok(true));
        assert_eq!(read::<Box<RawValue>>(r#"{"a":[1]}"#).map(|raw| raw.get().len()), Ok(9));
        assert_eq!(read::<Vec<u8>>("[1,2,3]"), Ok(vec![1, 2, 3]));
        assert_eq!(read::<Open>(r#"{"name":"Ada","a":1}"#).map(|open| open.rest.len()), Ok(1));
    }

    #[test]
    fn an_error_says_which_parameter_it_is_about() {
        let error = decode::<(u8, u8)>(None, Params::of(Some("[1,-1]"))).unwrap_err();
        assert_eq!(error.message, "parameter 2: invalid value: integer `-1`, expected u8");
        assert_eq!(error.violations().unwrap()[0].path, "[1]");
        let error = decode::<Greet>(None, Params::of(Some(r#"{"name":1}"#))).unwrap_err();
        assert_eq!(error.message, "parameter `name`: invalid type: integer `1`, expected a string");
        assert_eq!(error.violations().unwrap()[0].path, "name");
    }
}
