//! One option of an attribute, as written.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitInt, LitStr, Result, Token, parenthesized, token};

/// `name`, `name = value` or `name(value, …)`.
pub(super) struct Given {
    pub(super) name: Ident,
    pub(super) value: Value,
}

/// The value after the name.
pub(super) enum Value {
    Nothing,
    One(Expr),
    List(Vec<Expr>),
}

impl Parse for Given {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(Lit) {
            return Err(input.error("a value belongs to an option: write `name = …`"));
        }
        // `parse_any` accepts keywords: `crate` and `dyn` are options.
        let name = input.call(Ident::parse_any)?;
        let value = if input.peek(token::Paren) {
            let values;
            parenthesized!(values in input);
            Value::List(values.parse_terminated(Expr::parse, Token![,])?.into_iter().collect())
        } else if input.parse::<Option<Token![=]>>()?.is_some() {
            Value::One(input.parse()?)
        } else if input.is_empty() || input.peek(Token![,]) {
            Value::Nothing
        } else {
            return Err(Error::new(input.span(), format!("expected `{name} = …` or `,`")));
        };
        Ok(Self { name, value })
    }
}

/// Returns the string literal, if `value` is one.
pub(super) fn as_string(value: &Expr) -> Option<&LitStr> {
    match ungroup(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(string), .. }) => Some(string),
        _ => None,
    }
}

/// Returns the integer literal, if `value` is one.
pub(super) fn as_integer(value: &Expr) -> Option<&LitInt> {
    match ungroup(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(integer), .. }) => Some(integer),
        _ => None,
    }
}

/// Removes the invisible delimiters around a `$value:literal` of a user's macro.
pub(super) fn ungroup(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => ungroup(&group.expr),
        value => value,
    }
}
