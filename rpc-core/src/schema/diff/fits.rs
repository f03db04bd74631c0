//! Whether each value that one schema allows is a value that another schema allows.

mod object;
mod scalar;

use serde_json::{Map, Value};

use crate::schema::model::Model;

/// A schema with the model that has its definitions.
#[derive(Clone, Copy)]
pub(super) struct Schema<'a> {
    pub(super) model: &'a Model,
    pub(super) schema: &'a Value,
}

/// Returns the first reason why a value of `written` may not fit `read`: a path into the value, and what is wrong there.
/// `None` if each value fits.
pub(super) fn fits(written: Schema<'_>, read: Schema<'_>) -> Option<String> {
    Comparison::default()
        .compare(written, read)
        .map(|Misfit { path, why }| format!("{path}: {why}"))
}

/// Why a value does not fit.
struct Misfit {
    path: String,
    why: String,
}

impl Misfit {
    fn new(why: impl Into<String>) -> Self {
        Self { path: String::new(), why: why.into() }
    }

    fn under(self, step: &str) -> Self {
        Self { path: format!("{step}{}", self.path), ..self }
    }
}

/// The most schemas inside of each other. A model may come from another end, and may be made to harm.
const DEPTH: usize = 128;

/// The most schemas that are compared with each other.
const STEPS: usize = 100_000;

/// The most references behind each other.
const HOPS: usize = 32;

/// The state of a comparison.
#[derive(Default)]
struct Comparison {
    /// The pairs of definitions that are being compared. A pair that comes again inside of itself fits if the rest
    /// does.
    open: Vec<OpenPair>,
    depth: usize,
    steps: usize,
}

#[derive(PartialEq)]
struct OpenPair {
    written: String,
    read: String,
}

impl<'a> Schema<'a> {
    fn at(self, schema: &'a Value) -> Self {
        Self { schema, ..self }
    }

    /// Returns the schema behind references, and behind an `allOf` of one.
    fn resolved(self) -> Self {
        let mut resolved = self;
        for _ in 0..HOPS {
            match resolved.behind() {
                Some(inner) => resolved = inner,
                None => break,
            }
        }
        resolved
    }

    fn behind(self) -> Option<Self> {
        let inner = self.model.definition(self.schema).map(|found| found.schema).or_else(|| {
            let all = self.schema.get("allOf")?.as_array()?;
            let [one] = &**all else { return None };
            self.has_only(&["allOf"]).then_some(one)
        });
        inner.map(|inner| self.at(inner))
    }

    /// Returns whether a schema says nothing but this, apart from annotations.
    fn has_only(self, names: &[&str]) -> bool {
        self.rules().all(|(name, _)| names.contains(&&**name))
    }

    /// Returns the members that restrict values.
    fn rules(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        const ANNOTATIONS: [&str; 9] = [
            "title",
            "description",
            "default",
            "examples",
            "deprecated",
            "readOnly",
            "writeOnly",
            "$comment",
            "contentMediaType",
        ];
        let members = self.schema.as_object().into_iter().flat_map(Map::iter);
        members.filter(|(name, _)| !ANNOTATIONS.contains(&&***name))
    }

    fn get(self, name: &str) -> Option<&'a Value> {
        self.schema.get(name)
    }

    /// Returns the alternatives of a schema that says nothing else.
    fn alternatives(self) -> Option<Vec<Self>> {
        let name = ["anyOf", "oneOf"].into_iter().find(|name| self.has_only(&[name]))?;
        let schemas = self.get(name)?.as_array()?;
        Some(schemas.iter().map(|schema| self.at(schema)).collect())
    }
}

impl Comparison {
    fn compare(&mut self, written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
        self.steps += 1;
        if self.depth == DEPTH || self.steps > STEPS {
            return Some(Misfit::new("the schemas are too complex to be compared"));
        }
        self.depth += 1;
        let found = self.named(written, read);
        self.depth -= 1;
        found
    }

    fn named(&mut self, written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
        let name =
            |schema: Schema<'_>| schema.get("$ref").and_then(Value::as_str).map(str::to_owned);
        let pair = name(written).zip(name(read)).map(|(written, read)| OpenPair { written, read });
        let Some(pair) = pair else { return self.resolved(written.resolved(), read.resolved()) };
        if self.open.contains(&pair) {
            return None;
        }
        self.open.push(pair);
        let found = self.resolved(written.resolved(), read.resolved());
        self.open.pop();
        found
    }

    fn resolved(&mut self, written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
        if read.rules().next().is_none() && read.schema != &Value::Bool(false) {
            return None; // everything is read
        }
        if let Some(alternatives) = written.alternatives() {
            return alternatives.into_iter().find_map(|one| self.compare(one, read));
        }
        if let Some(alternatives) = read.alternatives() {
            return self.any(written, &alternatives);
        }
        if let Some(all) =
            read.get("allOf").and_then(Value::as_array).filter(|_| read.has_only(&["allOf"]))
        {
            return all.iter().find_map(|one| self.compare(written, read.at(one)));
        }
        if written.rules().next().is_none() {
            return Some(Misfit::new(format!(
                "anything may come, and only {} is read",
                kind(read)
            )));
        }
        self.plain(written, read)
    }

    /// Returns `None` if a value fits any alternative, or the reason of the likeliest one.
    fn any(&mut self, written: Schema<'_>, alternatives: &[Schema<'_>]) -> Option<Misfit> {
        if let Some(parts) = scalar::parts(written) {
            // A type such as `["string", "null"]` is read part by part.
            return parts
                .iter()
                .find_map(|part| self.any(Schema { schema: part, ..written }, alternatives));
        }
        let mut reasons = Vec::new();
        for alternative in alternatives {
            reasons.push(self.compare(written, *alternative)?);
        }
        if let [_] = &*reasons {
            return reasons.pop();
        }
        let is_likely = |misfit: &&Misfit| !misfit.path.is_empty();
        let likely = reasons.iter().position(|misfit| is_likely(&misfit));
        match likely {
            Some(index) => Some(reasons.swap_remove(index)),
            None => Some(Misfit::new(format!(
                "{} comes, and none of the alternatives fits",
                kind(written)
            ))),
        }
    }

    fn plain(&mut self, written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
        if let Some(misfit) = scalar::misfit(written, read) {
            return Some(misfit);
        }
        object::misfit(self, written, read).or_else(|| object::array_misfit(self, written, read))
    }
}

/// Names what a schema allows, for people.
fn kind(schema: Schema<'_>) -> String {
    let of_type = |ty: &Value| match ty {
        Value::String(name) => format!("`{name}`"),
        other => format!("`{other}`"),
    };
    match (schema.get("const").or(schema.get("enum")), schema.get("type")) {
        (Some(values), _) => format!("`{values}`"),
        (None, Some(Value::Array(types))) => {
            types.iter().map(of_type).collect::<Vec<_>>().join(" or ")
        }
        (None, Some(ty)) => of_type(ty),
        (None, None) => "one of several alternatives".to_owned(),
    }
}
