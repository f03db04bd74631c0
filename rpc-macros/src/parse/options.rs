//! The options of one attribute, taken by name; what nobody took is unknown.
//!
//! So the code that reads an attribute is also the list of what may stand in it.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprArray, ExprUnary, Ident, LitStr, Meta, Path, Token, UnOp, parse_quote,
};

use super::Code;
use super::given::{Given, Value, as_integer, as_string, ungroup};
use crate::errors::Errors;
use crate::model::Case;

/// What is written in an attribute of ours, until [`finish`](Self::finish).
pub(crate) struct Options<'e> {
    attribute: &'static str,
    given: Vec<Given>,
    known: Vec<&'static str>,
    errors: &'e mut Errors,
}

impl<'e> Options<'e> {
    /// The options of `#[attribute(tokens)]`.
    pub(crate) fn of_tokens(
        attribute: &'static str,
        tokens: TokenStream,
        errors: &'e mut Errors,
    ) -> Self {
        let parsed = Punctuated::<Given, Token![,]>::parse_terminated.parse2(tokens);
        let given = errors.keep(parsed).unwrap_or_default().into_iter().collect();
        Self { attribute, given, known: Vec::new(), errors }
    }

    /// The options of all attributes with this name, which may be given several times.
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

    /// Whether `name` is given; it stands alone.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        let Some(given) = self.take(name) else {
            return false;
        };
        match given.value {
            Value::Nothing => {}
            Value::One(value) => self.errors.at(value, format!("`{name}` takes no value")),
            Value::List(_) => self.errors.at(given.name, format!("`{name}` takes no values")),
        }
        true
    }

    /// `name = "text"`.
    pub(crate) fn string(&mut self, name: &'static str) -> Option<LitStr> {
        self.one(name, &format!("write `{name} = \"…\"`"), |value| as_string(value).cloned())
    }

    /// `crate = some::path`, or the path in quotes, as serde has it: where generated code finds
    /// `rpc_core`.
    pub(crate) fn krate(&mut self) -> Path {
        let path = self.one("crate", "write `crate = some::path`", |value| match ungroup(value) {
            Expr::Path(path) => Some(path.path.clone()),
            value => as_string(value)?.parse_with(Path::parse_mod_style).ok(),
        });
        path.unwrap_or_else(|| parse_quote!(::rpc_core))
    }

    /// `name = "camelCase"`.
    pub(crate) fn case(&mut self, name: &'static str) -> Option<Case> {
        let style = self.string(name)?;
        Case::named(&style.value()).or_else(|| {
            let known = Case::ALL.map(|(known, _)| format!("`{known}`")).join(", ");
            self.refuse(style, format!("unknown style: `{name}` knows {known}"))
        })
    }

    /// `code = 1001` or `code = -1`, which `owner` must have: a literal, so that two equal ones are
    /// found here.
    pub(crate) fn code(&mut self, owner: &Ident) -> Option<Code> {
        if self.given.iter().all(|given| given.name != "code") {
            let message = format!("`{owner}` has no code: write `#[rpc(code = …)]` above it");
            self.errors.at(owner, message);
        }
        self.one("code", "write a number: `code = 1001`", |written| {
            let digits = match ungroup(written) {
                Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => {
                    format!("-{}", as_integer(expr)?.base10_digits())
                }
                written => as_integer(written)?.base10_digits().to_owned(),
            };
            Some(Code { value: digits.parse().ok()?, written: written.clone() })
        })
    }

    /// `name("a", "b")` or `name = ["a", "b"]`.
    pub(crate) fn strings(&mut self, name: &'static str) -> Vec<LitStr> {
        let Some(given) = self.take(name) else {
            return Vec::new();
        };
        let values = match given.value {
            Value::List(values) => values,
            Value::One(Expr::Array(ExprArray { elems, .. })) => elems.into_iter().collect(),
            Value::One(value) => vec![value],
            Value::Nothing => Vec::new(),
        };
        let strings: Option<Vec<_>> =
            values.iter().map(|value| as_string(value).cloned()).collect();
        strings.filter(|strings| !strings.is_empty()).unwrap_or_else(|| {
            self.errors.at(given.name, format!("write `{name}(\"…\", \"…\")`"));
            Vec::new()
        })
    }

    /// Complains of `name`, which belongs elsewhere.
    pub(crate) fn misplaced(&mut self, name: &'static str, message: &str) {
        for given in self.given.extract_if(.., |given| given.name == name) {
            self.errors.at(given.name, message);
        }
    }

    /// Complains of what was not taken: options that are planned but missing, and unknown ones.
    pub(crate) fn finish(self, planned: &[&str]) {
        let known: Vec<String> = self.known.iter().map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        for Given { name, .. } in &self.given {
            let attribute = self.attribute;
            if planned.iter().any(|planned| name == planned) {
                self.errors.at(name, format!("`{name}` is not supported yet"));
            } else {
                let message = format!("unknown option `{name}`: `#[{attribute}]` knows {known}");
                self.errors.at(name, message);
            }
        }
    }

    /// The value of `name = value`, if `read` makes something of it.
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

    /// Takes the option called `name`; a second one of that name is a mistake.
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
