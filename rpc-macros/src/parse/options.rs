//! The options of one attribute, taken by name. Options that are not taken are unknown.
//!
//! So the code that reads an attribute is also the list of its valid options.

mod values;

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Meta, Token};

use super::given::{Given, Value};
use crate::errors::Errors;

/// The options in an attribute of this macro, until [`finish`](Self::finish).
pub(crate) struct Options<'e> {
    attribute: &'static str,
    given: Vec<Given>,
    known: Vec<&'static str>,
    errors: &'e mut Errors,
}

impl<'e> Options<'e> {
    /// Reads the options of `#[attribute(tokens)]`.
    pub(crate) fn of_tokens(
        attribute: &'static str,
        tokens: TokenStream,
        errors: &'e mut Errors,
    ) -> Self {
        let parsed = Punctuated::<Given, Token![,]>::parse_terminated.parse2(tokens);
        let given = errors.keep(parsed).unwrap_or_default().into_iter().collect();
        Self { attribute, given, known: Vec::new(), errors }
    }

    /// Reads the options of all attributes with this name. The attribute may be repeated.
    pub(crate) fn of_attributes(
        attribute: &'static str,
        attrs: &[Attribute],
        errors: &'e mut Errors,
    ) -> Self {
        let mut given = Vec::new();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(attribute)) {
            let parser = Punctuated::<Given, Token![,]>::parse_terminated;
            match &attr.meta {
                Meta::Path(_) => {}
                Meta::List(list) => {
                    given.extend(errors.keep(list.parse_args_with(parser)).into_iter().flatten());
                }
                Meta::NameValue(_) => errors.at(attr, format!("write `#[{attribute}(…)]`")),
            }
        }
        Self { attribute, given, known: Vec::new(), errors }
    }

    /// Returns whether `name` is given, an option without a value.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        self.word(name).is_some()
    }

    /// Returns the name's tokens if `name` is given, for errors about a [`flag`](Self::flag).
    pub(crate) fn word(&mut self, name: &'static str) -> Option<Ident> {
        let given = self.take(name)?;
        match given.value {
            Value::Nothing => {}
            Value::One(value) => self.errors.at(value, format!("`{name}` takes no value")),
            Value::List(_) => self.errors.at(&given.name, format!("`{name}` takes no values")),
        }
        Some(given.name)
    }

    /// Adds an error for `name`, which is valid only elsewhere.
    pub(crate) fn misplaced(&mut self, name: &'static str, message: &str) {
        for given in self.given.extract_if(.., |given| given.name == name) {
            self.errors.at(given.name, message);
        }
    }

    /// Adds an error for each option that was not taken.
    pub(crate) fn finish(self) {
        let known: Vec<String> = self.known.iter().map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        for Given { name, .. } in &self.given {
            let attribute = self.attribute;
            let message = format!("unknown option `{name}`: `#[{attribute}]` knows {known}");
            self.errors.at(name, message);
        }
    }

    /// Returns the value of `name = value`, or adds an error if `read` returns `None`.
    fn one<T>(
        &mut self,
        name: &'static str,
        repair: &str,
        read: impl FnOnce(&Expr) -> Option<T>,
    ) -> Option<T> {
        let given = self.take(name)?;
        match given.value {
            Value::One(value) => match read(&value) {
                Some(value) => Some(value),
                None => self.refuse(value, repair),
            },
            Value::Nothing | Value::List(_) => self.refuse(given.name, repair),
        }
    }

    fn refuse<T>(&mut self, tokens: impl ToTokens, message: impl Display) -> Option<T> {
        self.errors.at(tokens, message);
        None
    }

    /// Takes the option `name`. A second option with this name is an error.
    fn take(&mut self, name: &'static str) -> Option<Given> {
        self.known.push(name);
        let mut taken = self.given.extract_if(.., |given| given.name == name);
        let first = taken.next();
        for again in taken {
            self.errors.at(again.name, format!("`{name}` is given twice"));
        }
        first
    }
}
