//! A fast path for params that are an array of plain values: integers, strings without escapes, `true`, `false` and
//! `null`.
//!
//! Such params are most, and serde_json takes 600 instructions for `[2,3]`. Whatever is unusual, in the text or in the
//! way in which a type asks for its value, is left to serde_json: this file refuses nothing. A test checks that both
//! read the same.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::{ParamList, Source};
use crate::wire::scan::Scanner;

/// The text or the type is left to serde_json.
#[derive(Debug)]
pub(super) struct Unusual;

/// Reads the params into a list of at most `most` parameters.
///
/// # Errors
/// Tells nothing about the params. The list may hold a part of them.
#[inline]
pub(super) fn read<L: ParamList>(list: &mut L, text: &str, most: usize) -> Result<(), Unusual> {
    let mut scanner = Scanner::new(text);
    if !scanner.take_text("[") || most == 0 {
        return Err(Unusual);
    }
    for index in 0..most {
        if index > 0 && !scanner.take_text(",") {
            break;
        }
        list.read(index, Element(Plain::take(&mut scanner).ok_or(Unusual)?))?;
    }
    if scanner.take_text("]") && scanner.is_at_end() { Ok(()) } else { Err(Unusual) }
}

/// A plain value.
enum Plain<'de> {
    Unsigned(u64),
    /// Less than 0.
    Negative(i64),
    Text(&'de str),
    Bool(bool),
    Null,
}

impl<'de> Plain<'de> {
    #[inline]
    fn take(scanner: &mut Scanner<'de>) -> Option<Self> {
        if scanner.take_text("\"") {
            return scanner.plain_string().map(Self::Text);
        }
        if scanner.take_text("-") {
            // `-0` is no integer to serde_json.
            let value = scanner.small_integer().filter(|value| *value > 0)?;
            return i64::try_from(value).ok().map(|value| Self::Negative(-value));
        }
        match scanner.small_integer() {
            Some(value) => Some(Self::Unsigned(value)),
            None => Self::take_word(scanner),
        }
    }

    fn take_word(scanner: &mut Scanner<'de>) -> Option<Self> {
        let words =
            [("true", Self::Bool(true)), ("false", Self::Bool(false)), ("null", Self::Null)];
        words.into_iter().find(|(word, _)| scanner.take_text(word)).map(|(_, value)| value)
    }

    #[inline]
    fn number<V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Unusual> {
        match *self {
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Negative(value) => visitor.visit_i64(value),
            Self::Text(_) | Self::Bool(_) | Self::Null => Err(Unusual),
        }
    }
}

struct Element<'de>(Plain<'de>);

impl<'de> Source<'de> for Element<'de> {
    type Error = Unusual;

    #[inline]
    fn value<T: Deserialize<'de>>(self) -> Result<T, Unusual> {
        T::deserialize(self.0)
    }
}

/// Names of types for which serde_json does something of its own begin like this.
const PRIVATE: &str = "$serde_json";

/// Writes the methods for types of numbers.
macro_rules! numbers {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
            self.number(visitor)
        }
    )*};
}

/// Writes the methods for types that are left to serde_json.
macro_rules! unusual {
    ($($method:ident($($arg:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $arg,)* _: V) -> Result<V::Value, Unusual> {
            Err(Unusual)
        }
    )*};
}

/// Each method that takes a value calls the visitor as serde_json does for the same text.
impl<'de> Deserializer<'de> for Plain<'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self {
            Self::Text(text) => visitor.visit_borrowed_str(text),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Null => visitor.visit_unit(),
            // With `arbitrary_precision`, serde_json does not call the visitor with an integer.
            Self::Unsigned(_) | Self::Negative(_) => Err(Unusual),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self {
            Self::Bool(value) => visitor.visit_bool(value),
            _ => Err(Unusual),
        }
    }

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self {
            Self::Text(text) => visitor.visit_borrowed_str(text),
            _ => Err(Unusual),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self {
            Self::Null => visitor.visit_unit(),
            _ => Err(Unusual),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name.starts_with(PRIVATE) {
            return Err(Unusual);
        }
        visitor.visit_newtype_struct(self)
    }

    unusual! {
        deserialize_bytes()
        deserialize_byte_buf()
        deserialize_i128()
        deserialize_u128()
        deserialize_unit_struct(&'static str)
        deserialize_seq()
        deserialize_tuple(usize)
        deserialize_tuple_struct(&'static str, usize)
        deserialize_map()
        deserialize_struct(&'static str, &'static [&'static str])
        deserialize_enum(&'static str, &'static [&'static str])
    }

    forward_to_deserialize_any! { identifier ignored_any }
}

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("left to serde_json")
    }
}

impl std::error::Error for Unusual {}

impl de::Error for Unusual {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::fmt::Debug;

    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Number, Value};

    use super::*;
    use crate::method::ParamInfo;
    use crate::service::params::{DefaultParam, Param, general};

    #[test]
    fn what_most_peers_send_is_taken() {
        for text in [r#"[1,"two"]"#, r#"[-9,"zwei é"]"#, "[999999999999999999,null]"] {
            let mut list = <(Param<i64>, (Param<Option<Cow<'static, str>>>, ()))>::default();
            assert!(read(&mut list, text, 2).is_ok(), "{text}");
        }
        let mut list = <(Param<bool>, (DefaultParam<f64>, ()))>::default();
        assert!(read(&mut list, "[true,3]", 2).is_ok());
        for text in ["[false,1]", "[false,]", "[false", "[,false]", "[]"] {
            assert!(read(&mut <(DefaultParam<bool>, ())>::default(), text, 1).is_err(), "{text}");
        }
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "shown by its `Debug`")]
    struct Wrapped(u32);

    #[derive(Debug, serde::Deserialize)]
    struct Unit;

    #[derive(Debug, serde::Deserialize)]
    enum Named {
        A,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "shown by its `Debug`")]
    enum Either {
        Number(u8),
        Text(String),
    }

    fn value() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "0",
            "-0",
            "7",
            "-7",
            "01",
            "1.5",
            "1e3",
            "255",
            "256",
            "-128",
            "-129",
            "65536",
            "true",
            "false",
            "null",
            "nul",
            r#""A""#,
            r#""""#,
            r#""é""#,
            r#""a\nb""#,
            "\"\n\"",
            r#""\ud800""#,
            r#""a"#,
            "[]",
            "{}",
            "999999999999999999",
            "-999999999999999999",
            "9223372036854775808",
            "18446744073709551616",
            " 1",
            "",
        ]);
        prop_oneof![4 => word.prop_map(str::to_owned), 1 => any::<i64>().prop_map(|n| n.to_string())]
    }

    /// Checks that what is read here as a `T` is the same for serde_json.
    fn check<T: serde::de::DeserializeOwned + Debug + 'static>(
        text: &str,
    ) -> Result<(), TestCaseError> {
        const INFO: &[ParamInfo] = &[ParamInfo::new("a"), ParamInfo::new("b")];
        type List<T> = (DefaultParam<T>, (DefaultParam<T>, ()));
        let mut plain = List::<T>::default();
        if read(&mut plain, text, INFO.len()).is_ok() {
            let mut by_serde_json = List::<T>::default();
            prop_assert!(
                general(&mut by_serde_json, None, INFO, &mut None, text).is_ok(),
                "{}",
                text
            );
            let shown = |(a, (b, ())): List<T>| format!("{:?} {:?}", a.0, b.0);
            prop_assert_eq!(shown(plain), shown(by_serde_json));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        #[test]
        fn serde_json_reads_the_same(
            values in prop::collection::vec(value(), 0..4),
            ends in prop::sample::select(vec![("[", "]"), ("[", ""), ("[", "] "), (" [", "]"), ("[", "]]"), ("{", "}")]),
        ) {
            let text = format!("{}{}{}", ends.0, values.join(","), ends.1);
            check::<i8>(&text)?;
            check::<i16>(&text)?;
            check::<i32>(&text)?;
            check::<i64>(&text)?;
            check::<i128>(&text)?;
            check::<u8>(&text)?;
            check::<u16>(&text)?;
            check::<u32>(&text)?;
            check::<u64>(&text)?;
            check::<u128>(&text)?;
            check::<f32>(&text)?;
            check::<f64>(&text)?;
            check::<bool>(&text)?;
            check::<char>(&text)?;
            check::<String>(&text)?;
            check::<Cow<'static, str>>(&text)?;
            check::<()>(&text)?;
            check::<Option<u16>>(&text)?;
            check::<Option<Option<String>>>(&text)?;
            check::<Wrapped>(&text)?;
            check::<Unit>(&text)?;
            check::<Named>(&text)?;
            check::<Either>(&text)?;
            check::<Value>(&text)?;
            check::<Number>(&text)?;
            check::<Box<RawValue>>(&text)?;
            check::<Vec<u8>>(&text)?;
            check::<std::net::IpAddr>(&text)?;
            check::<std::time::Duration>(&text)?;
            check::<de::IgnoredAny>(&text)?;
        }
    }
}
