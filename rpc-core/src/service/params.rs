//! Decodes params into the types of a method's parameters, by position or by name, in one pass over the text.
//!
//! Generated code names a list of types, `(Param<i64>, (Param<String>, ()))`, and gets the values. There is no
//! intermediate tree and no generated visitor. Errors tell the parameter, the place inside it, and the reason.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Track};

use crate::error::decode_error::{DecodeMessage, explain};
use crate::error::object::ErrorObject;
use crate::error::violations::{Invalid, Violation};
use crate::method::ParamInfo;
use crate::service::Params;
use crate::service::context::Context;
use crate::stream::{Streaming, Untyped};
use crate::util::excerpt::Excerpt;
use crate::util::missing::missing;
use crate::wire::attached::Attached;
use crate::wire::stream_ref::{self, NO_STREAM};

mod flattened;
mod plain;
mod selector;
mod token;

pub use flattened::{decode_flattened, decode_flattened_with_token};
pub use selector::SelectorParam;
pub(crate) use selector::selected;
pub(crate) use token::Token;

/// Decodes the params of the call of `cx`.
///
/// # Errors
/// Returns -32602 and names the parameter if a parameter has the wrong type, is missing, is given twice or is
/// unknown, or if there are too many. In a notification unknown parameters are ignored.
pub fn decode<L: ParamList>(
    cx: &Context,
    params: Params<'_>,
    info: &[ParamInfo],
) -> Result<L, ErrorObject> {
    decode_list(Some(cx), params, info, &mut None)
}

/// Decodes the params of a method that reports progress. Params by name may hold a progress token under `name`, or
/// under LSP's name for it. The token is returned as JSON text.
///
/// # Errors
/// Returns the errors of [`decode`], and -32602 if the token is not valid.
pub fn decode_with_token<L: ParamList>(
    cx: &Context,
    params: Params<'_>,
    info: &[ParamInfo],
    name: &'static str,
) -> Result<(L, Option<Box<str>>), ErrorObject> {
    let mut token = Some(Token::new(name));
    let list = decode_list(Some(cx), params, info, &mut token)?;
    Ok((list, token.and_then(Token::into_given)))
}

/// Decodes params. Without `cx` unknown names are refused.
#[inline]
pub(crate) fn decode_list<L: ParamList>(
    cx: Option<&Context>,
    params: Params<'_>,
    info: &[ParamInfo],
    token: &mut Option<Token>,
) -> Result<L, ErrorObject> {
    if let Some(list) = params.attached.and_then(|it| with_bytes(cx, it, info, token)) {
        return list;
    }
    let text = params.as_str().unwrap_or("[]");
    let mut list = L::default();
    if plain::read(&mut list, text, info.len()).is_err() {
        list = L::default();
        if let Err(unfit) = general(&mut list, cx, info, token, text) {
            return Err(refusal::<L>(&unfit, cx, info, token, text));
        }
    }
    list.complete(info)?;
    Ok(list)
}

/// Decodes params with bytes beside their text. Returns `None` if they are to be decoded from the text with base64.
#[cold]
fn with_bytes<L: ParamList>(
    cx: Option<&Context>,
    attached: &Attached,
    info: &[ParamInfo],
    token: &mut Option<Token>,
) -> Option<Result<L, ErrorObject>> {
    let mut fresh = token.as_ref().map(Token::anew);
    let list = attached.try_read(|text| {
        let mut list = L::default();
        general(&mut list, cx, info, &mut fresh, text).map(|()| list)
    });
    let mut list = list?;
    *token = fresh;
    Some(list.complete(info).map(|()| list))
}

/// Decodes params as [`decode_list`] does, for a caller that does not need the error.
pub(crate) fn decode_fitting<L: ParamList>(text: &str, info: &[ParamInfo]) -> Option<L> {
    let mut list = L::default();
    general(&mut list, None, info, &mut None, text).ok()?;
    list.complete(info).ok()?;
    Some(list)
}

/// A decoding error, and the parameter that it is in, if it is in one.
struct Unfit {
    error: serde_json::Error,
    parameter: Option<usize>,
}

/// Reads the params with serde_json.
#[inline(never)] // most params are plain
fn general<L: ParamList>(
    list: &mut L,
    cx: Option<&Context>,
    info: &[ParamInfo],
    token: &mut Option<Token>,
    text: &str,
) -> Result<(), Unfit> {
    let mut reader = Reader { list, cx, info, token, current: None };
    let read = serde_json::Deserializer::from_str(text).deserialize_any(&mut reader);
    read.map_err(|error| Unfit { error, parameter: reader.current })
}

#[cold]
#[inline(never)]
fn refusal<L: ParamList>(
    unfit: &Unfit,
    cx: Option<&Context>,
    info: &[ParamInfo],
    token: &Option<Token>,
    text: &str,
) -> ErrorObject {
    let DecodeMessage { why, is_long } = DecodeMessage::of(&unfit.error);
    let Some(parameter) = unfit.parameter else {
        return ErrorObject::invalid_params(why);
    };
    let mut invalid = Invalid::new(&why);
    if !is_long && let Some(place) = place::<L>(cx, info, token, text, &why) {
        // The path is inside the parameter; the name of the parameter replaces the first step.
        invalid = place.iter().skip(1).rev().fold(invalid, Invalid::at);
    }
    invalid.at(info[parameter].name).into()
}

/// Finds the place in the params at which decoding failed with `why`. The params are decoded again, and this time the
/// path is tracked. So valid params do not pay for the tracking.
fn place<L: ParamList>(
    cx: Option<&Context>,
    info: &[ParamInfo],
    token: &Option<Token>,
    text: &str,
    why: &str,
) -> Option<Path> {
    let mut list = L::default();
    let token = &mut token.as_ref().map(Token::anew);
    let mut reader = Reader { list: &mut list, cx, info, token, current: None };
    let (mut json, mut track) = (serde_json::Deserializer::from_str(text), Track::new());
    let noting = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let error = noting.deserialize_any(&mut reader).err()?;
    // A different error message belongs to a different place.
    (explain(&error) == why).then(|| track.path())
}

/// A list of parameters, as nested pairs: `(Param<A>, (Param<B>, ()))`.
pub trait ParamList: Default {
    /// Reads the value of the parameter with this index.
    fn read<'de, S: Source<'de>>(&mut self, index: usize, source: S) -> Result<(), S::Error>;

    /// Gives each missing parameter its default, or fails if the parameter has none.
    fn complete(&mut self, info: &[ParamInfo]) -> Result<(), ErrorObject>;
}

impl ParamList for () {
    fn read<'de, S: Source<'de>>(&mut self, _: usize, _: S) -> Result<(), S::Error> {
        Err(de::Error::custom("no such parameter"))
    }

    fn complete(&mut self, _: &[ParamInfo]) -> Result<(), ErrorObject> {
        Ok(())
    }
}

impl<P: Slot, Rest: ParamList> ParamList for (P, Rest) {
    fn read<'de, S: Source<'de>>(&mut self, index: usize, source: S) -> Result<(), S::Error> {
        match index {
            0 => self.0.read(source),
            _ => self.1.read(index - 1, source),
        }
    }

    fn complete(&mut self, info: &[ParamInfo]) -> Result<(), ErrorObject> {
        let [first, rest @ ..] = info else {
            return Ok(());
        };
        self.0.complete(first.name)?;
        self.1.complete(rest)
    }
}

/// The next value of an array or an object.
pub trait Source<'de> {
    /// The error of the format.
    type Error: de::Error;

    /// Reads the value.
    fn value<T: Deserialize<'de>>(self) -> Result<T, Self::Error>;
}

/// Storage for one parameter.
pub trait Slot: Default {
    /// Reads the value.
    fn read<'de, S: Source<'de>>(&mut self, source: S) -> Result<(), S::Error>;

    /// Called after all params were read.
    fn complete(&mut self, name: &str) -> Result<(), ErrorObject>;
}

/// A parameter. It may be left out if its type has a value for a missing parameter, as `Option` has `None`.
pub struct Param<T>(Option<T>);

impl<T> Param<T> {
    /// Returns the value, after [`decode`].
    ///
    /// # Panics
    /// Panics if the list was not decoded.
    pub fn into_value(self) -> T {
        self.0.expect("`decode` fills every parameter")
    }
}

impl<T> Default for Param<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: de::DeserializeOwned> Slot for Param<T> {
    fn read<'de, S: Source<'de>>(&mut self, source: S) -> Result<(), S::Error> {
        read_once(&mut self.0, source)
    }

    fn complete(&mut self, name: &str) -> Result<(), ErrorObject> {
        if self.0.is_none() {
            self.0 = Some(missing().ok_or_else(|| is_missing(name))?);
        }
        Ok(())
    }
}

#[cold]
fn is_missing(name: &str) -> ErrorObject {
    let violation = Violation::new(name, "is missing");
    ErrorObject::violating(format!("missing parameter `{name}`"), &[violation])
}

/// A parameter marked `#[param(default)]`. The value is `Default` if the parameter is left out.
pub struct DefaultParam<T>(Option<T>);

impl<T> DefaultParam<T> {
    /// Creates a parameter that is left out.
    pub const fn left_out() -> Self {
        Self(None)
    }
}

impl<T: Default> DefaultParam<T> {
    /// Returns the value, or the default.
    pub fn into_value(self) -> T {
        self.0.unwrap_or_default()
    }
}

impl<T> Default for DefaultParam<T> {
    fn default() -> Self {
        Self::left_out()
    }
}

impl<T: de::DeserializeOwned> Slot for DefaultParam<T> {
    fn read<'de, S: Source<'de>>(&mut self, source: S) -> Result<(), S::Error> {
        read_once(&mut self.0, source)
    }

    fn complete(&mut self, _: &str) -> Result<(), ErrorObject> {
        Ok(())
    }
}

/// A parameter that is a stream.
pub struct StreamParam<T, E = Untyped> {
    /// The id of the stream, as JSON text.
    id: Option<Box<str>>,
    stream: PhantomData<fn() -> (T, E)>,
}

impl<T, E> StreamParam<T, E> {
    /// Takes the stream, after [`decode`].
    ///
    /// # Errors
    /// Returns -32602 if the stream did not come with this call.
    pub fn claim(self, cx: &Context) -> Result<Streaming<T, E>, ErrorObject> {
        let id = self.id.unwrap_or_default();
        cx.claim(&id).map(Streaming::from).ok_or_else(|| {
            ErrorObject::invalid_params("a stream that did not come with this request")
        })
    }
}

impl<T, E> Default for StreamParam<T, E> {
    fn default() -> Self {
        Self { id: None, stream: PhantomData }
    }
}

impl<T, E> Slot for StreamParam<T, E> {
    fn read<'de, S: Source<'de>>(&mut self, source: S) -> Result<(), S::Error> {
        let mut value: Option<Box<RawValue>> = None;
        read_once(&mut value, source)?;
        if self.id.is_some() {
            return Err(de::Error::custom("given twice"));
        }
        let value = value.unwrap_or_default();
        let id = stream_ref::id(value.get()).ok_or_else(|| de::Error::custom(NO_STREAM))?;
        self.id = Some(id.into());
        Ok(())
    }

    fn complete(&mut self, name: &str) -> Result<(), ErrorObject> {
        match self.id {
            Some(_) => Ok(()),
            None => Err(ErrorObject::invalid_params(format!("missing parameter `{name}`"))),
        }
    }
}

fn read_once<'de, T: Deserialize<'de>, S: Source<'de>>(
    slot: &mut Option<T>,
    source: S,
) -> Result<(), S::Error> {
    if slot.is_some() {
        return Err(de::Error::custom("given twice"));
    }
    *slot = Some(source.value()?);
    Ok(())
}

/// Walks the array or object, and remembers the current parameter for the error message.
struct Reader<'l, L> {
    list: &'l mut L,
    cx: Option<&'l Context>,
    info: &'l [ParamInfo],
    token: &'l mut Option<Token>,
    current: Option<usize>,
}

impl<'de, L: ParamList> Visitor<'de> for &mut Reader<'_, L> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params as an array or an object")
    }

    /// Some peers send `null` for no params.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for index in 0..self.info.len() {
            self.current = Some(index);
            let seed = Positional { list: self.list, index };
            if seq.next_element_seed(seed)?.is_none() {
                self.current = None;
                return Ok(());
            }
        }
        self.current = None;
        let mut given = self.info.len();
        while seq.next_element::<de::IgnoredAny>()?.is_some() {
            given += 1;
        }
        if given > self.info.len() {
            let takes = self.info.len();
            let names: Vec<&str> = self.info.iter().map(|param| param.name).collect();
            let names = if takes == 0 { String::new() } else { format!(" ({})", names.join(", ")) };
            return Err(too_many(takes, &names, given));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if let Some(index) = self.info.iter().position(|param| param.name == key) {
                self.current = Some(index);
                self.list.read(index, Named(&mut map))?;
                self.current = None;
            } else if key == "_meta" {
                // Other protocols put their own members there. No parameter has this name by accident.
                map.next_value::<de::IgnoredAny>()?;
            } else if let Some(token) = self.token.as_mut().filter(|token| token.is_called(&key)) {
                let value = map.next_value::<&RawValue>()?;
                token.read(value.get()).map_err(de::Error::custom)?;
            } else if self.cx.is_some_and(|cx| cx.ignores_parameter(&key)) {
                map.next_value::<de::IgnoredAny>()?;
            } else {
                return Err(unknown(&key));
            }
        }
        Ok(())
    }
}

pub(crate) fn unknown<E: de::Error>(name: &str) -> E {
    E::custom(format_args!("unknown parameter `{}`", Excerpt(name)))
}

/// The error for more values than the method has parameters.
pub(crate) fn too_many<E: de::Error>(takes: usize, names: &str, given: usize) -> E {
    E::custom(format_args!("takes {takes} params{names}, got {given}"))
}

struct Positional<'l, L> {
    list: &'l mut L,
    index: usize,
}

impl<'de, L: ParamList> DeserializeSeed<'de> for Positional<'_, L> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<(), D::Error> {
        self.list.read(self.index, Element(de))
    }
}

struct Element<D>(D);

impl<'de, D: Deserializer<'de>> Source<'de> for Element<D> {
    type Error = D::Error;

    fn value<T: Deserialize<'de>>(self) -> Result<T, D::Error> {
        T::deserialize(self.0)
    }
}

struct Named<'m, A>(&'m mut A);

impl<'de, A: MapAccess<'de>> Source<'de> for Named<'_, A> {
    type Error = A::Error;

    fn value<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        self.0.next_value()
    }
}

#[cfg(test)]
mod tests;
