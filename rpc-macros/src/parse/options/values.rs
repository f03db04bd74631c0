//! The types of option values. Each error names the correct form.

use std::time::Duration;

use syn::{
    Expr, ExprArray, ExprLit, ExprPath, ExprUnary, Ident, Lit, LitStr, Path, UnOp, parse_quote,
};

use super::Options;
use crate::model::{Case, Run};
use crate::parse::given::{Value, as_integer, as_string, ungroup};
use crate::parse::{Code, Ids, Switch, Validate, time};

impl Options<'_> {
    /// `name = "text"`.
    pub(crate) fn string(&mut self, name: &'static str) -> Option<LitStr> {
        self.one(name, &format!("write `{name} = \"…\"`"), |value| as_string(value).cloned())
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

    /// `name`, `name = true` or `name = false`.
    pub(crate) fn switch(&mut self, name: &'static str) -> Option<Switch> {
        let given = self.take(name)?;
        let value = match &given.value {
            Value::Nothing => return Some(Switch { is_on: true, name: given.name }),
            Value::One(value) => ungroup(value),
            Value::List(_) => {
                return self.refuse(given.name, format!("write `{name}` or `{name} = false`"));
            }
        };
        match value {
            Expr::Lit(ExprLit { lit: Lit::Bool(value), .. }) => {
                Some(Switch { is_on: value.value, name: given.name })
            }
            value => self.refuse(value, format!("write `{name}` or `{name} = false`")),
        }
    }

    /// `name = "2s"`.
    pub(crate) fn time(&mut self, name: &'static str) -> Option<Duration> {
        let text = self.string(name)?;
        match time::read(&text.value()) {
            Ok(time) => Some(time),
            Err(repair) => self.refuse(text, repair),
        }
    }

    /// `name = "camelCase"`.
    pub(crate) fn case(&mut self, name: &'static str) -> Option<Case> {
        let style = self.string(name)?;
        Case::named(&style.value()).or_else(|| {
            let known = Case::ALL.map(|(known, _)| format!("`{known}`")).join(", ");
            self.refuse(style, format!("unknown style: `{name}` knows {known}"))
        })
    }

    /// `name = "number"` or `name = "string"`.
    pub(crate) fn ids(&mut self, name: &'static str) -> Option<Ids> {
        let written = self.string(name)?;
        let are_numbers = match &*written.value() {
            "number" => true,
            "string" => false,
            _ => return self.refuse(written, "ids are a `\"number\"` or a `\"string\"`"),
        };
        Some(Ids { are_numbers, written })
    }

    /// `spawn` or no option, for methods that cannot be `blocking`.
    pub(crate) fn run_async(&mut self) -> Run {
        self.word("spawn").map_or(Run::Inline, |_| Run::Spawned)
    }

    /// `spawn`, `blocking`, `detached`, or none of them.
    pub(crate) fn run(&mut self) -> Run {
        const WAYS: [(&str, Run); 3] =
            [("spawn", Run::Spawned), ("blocking", Run::Blocking), ("detached", Run::Detached)];
        let mut chosen = None;
        for (name, run) in WAYS {
            match (self.word(name), chosen) {
                (Some(_), None) => chosen = Some((name, run)),
                (Some(second), Some((first, _))) => {
                    let message =
                        format!("`{first}` and `{name}` are two ways to run a method: keep one");
                    self.errors.at(second, message);
                }
                (None, _) => {}
            }
        }
        chosen.map_or(Run::Inline, |(_, run)| run)
    }

    /// `stop_while_away`, for a method that runs in this way.
    pub(crate) fn stop_while_away(&mut self, run: Run) -> bool {
        let Some(name) = self.word("stop_while_away") else { return false };
        if run == Run::Detached {
            let message = "a `detached` method goes on without its caller: remove `stop_while_away`, or `detached`";
            self.errors.at(name, message);
        }
        true
    }

    /// `crate = some::path`, or the path in quotes, as in serde: the path of `rpc_core` for generated code.
    pub(crate) fn krate(&mut self) -> Path {
        let path = self.one("crate", "write `crate = some::path`", |value| match ungroup(value) {
            Expr::Path(path) => Some(path.path.clone()),
            value => as_string(value)?.parse_with(Path::parse_mod_style).ok(),
        });
        path.unwrap_or_else(|| parse_quote!(::rpc_core))
    }

    /// `validate`, or `validate = path::to::function`.
    pub(crate) fn validate(&mut self) -> Option<Validate> {
        let given = self.take("validate")?;
        let repair = "write `validate` or `validate = path::to::function`";
        match given.value {
            Value::Nothing => Some(Validate::Type),
            Value::One(value) => match ungroup(&value) {
                Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => {
                    Some(Validate::With(path.clone()))
                }
                value => self.refuse(value, repair),
            },
            Value::List(_) => self.refuse(given.name, repair),
        }
    }

    /// `code = 1001` or `code = -1`, which is mandatory for `owner`. The code must be a literal, so that the macro can
    /// find duplicates.
    pub(crate) fn code(&mut self, owner: &Ident) -> Option<Code> {
        if self.given.iter().all(|given| given.name != "code") {
            let message = format!("`{owner}` has no code: write `#[rpc(code = …)]` above it");
            self.errors.at(owner, message);
        }
        self.code_if_given()
    }

    /// `code = 1001` or `code = -1`, if it is given.
    pub(crate) fn code_if_given(&mut self) -> Option<Code> {
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
}
