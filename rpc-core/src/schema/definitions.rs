//! The definitions that the schemas of a model share, each under one name.
//!
//! What is read and what is written have a generator each, because they can have different schemas: a field with a
//! default may be missing in what is read, and never is in what is written. A type whose schemas agree is one
//! definition. Otherwise there are two: `UserInput` is what the program reads, `UserOutput` what it writes.

mod ids;
mod names;
pub(super) mod refs;

use std::collections::{BTreeMap, BTreeSet};

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use self::names::Names;
use crate::util::type_schema::TypeSchema;

/// The way of a value, as the program that makes the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Read,
    Written,
}

impl Way {
    /// Returns the way of what goes back: a result, if this is the way of the params.
    pub(super) fn back(self) -> Self {
        match self {
            Self::Read => Self::Written,
            Self::Written => Self::Read,
        }
    }

    /// Returns the beginning of a reference before [`Definitions::finish`].
    fn prefix(self) -> &'static str {
        match self {
            Self::Read => "#/read/",
            Self::Written => "#/written/",
        }
    }

    /// Returns the end of the name of a type whose other schema has another name.
    fn suffix(self) -> &'static str {
        match self {
            Self::Read => "Input",
            Self::Written => "Output",
        }
    }
}

/// The definitions while a model is made.
pub(super) struct Definitions {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

/// All definitions, and how to name them.
pub(super) struct Finished {
    pub(super) definitions: BTreeMap<String, Value>,
    names: BTreeMap<Key, String>,
}

/// The name of a type, and the way for which its schema was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    way: Way,
}

impl Definitions {
    pub(super) fn new() -> Self {
        // The dialect of OpenRPC and AsyncAPI.
        let settings = |way: Way| {
            SchemaSettings::draft07().with(|settings| {
                settings.definitions_path = way.prefix().trim_end_matches('/').into();
                settings.meta_schema = None;
            })
        };
        Self {
            read: settings(Way::Read).for_deserialize().into_generator(),
            written: settings(Way::Written).for_serialize().into_generator(),
        }
    }

    /// Returns the schema of a type. Its references are valid after [`Finished::name`].
    pub(super) fn schema(&mut self, ty: TypeSchema, way: Way) -> Value {
        let generator = match way {
            Way::Read => &mut self.read,
            Way::Written => &mut self.written,
        };
        let mut schema = ty.make(generator);
        for transform in generator.transforms_mut() {
            transform.transform(&mut schema);
        }
        schema.to_value()
    }

    /// Gives each definition its name.
    ///
    /// # Errors
    /// Returns a line for each name that two types have.
    pub(super) fn finish(mut self) -> Result<Finished, Vec<String>> {
        let (mut schemas, mut types) = (BTreeMap::new(), BTreeMap::new());
        for (way, generator) in [(Way::Read, &mut self.read), (Way::Written, &mut self.written)] {
            let taken = generator.take_definitions(true);
            let mut ids = ids::of(generator);
            for (name, schema) in taken {
                let id = ids.remove(&name);
                let key = Key { name, way };
                types.insert(key.clone(), id);
                schemas.insert(key, schema);
            }
        }
        let types = Names::new(types)?;
        // From here on both ways call a type by the same name.
        let schemas: BTreeMap<Key, Value> = schemas
            .into_iter()
            .filter_map(|(key, mut schema)| {
                refs::rewrite(&mut schema, &|reference| {
                    Some(types.own(&refs::target(reference)?)?.reference())
                });
                Some((types.own(&key)?, schema))
            })
            .collect();
        let same = same_both_ways(&schemas);
        let mut finals = BTreeMap::new();
        for key in schemas.keys() {
            let has_other = schemas.contains_key(&key.other());
            let suffix = if has_other && !same.contains(&key.name) { key.way.suffix() } else { "" };
            finals.insert(key.clone(), format!("{}{suffix}", key.name));
        }
        let clashes = names::clashes_of_suffixes(&finals, &same);
        if !clashes.is_empty() {
            return Err(clashes);
        }
        let mut definitions = BTreeMap::new();
        for (key, mut schema) in schemas {
            refs::rewrite(&mut schema, &|reference| names::resolve(&finals, reference));
            definitions.insert(finals[&key].clone(), schema);
        }
        let named = types
            .keys()
            .filter_map(|key| Some((key.clone(), finals.get(&types.own(key)?)?.clone())));
        let names = named.collect();
        Ok(Finished { definitions, names })
    }
}

impl Finished {
    /// Replaces the references of a schema by those to the definitions.
    pub(super) fn name(&self, schema: &mut Value) {
        refs::rewrite(schema, &|reference| names::resolve(&self.names, reference));
    }
}

impl Key {
    /// Returns the reference to the type.
    fn reference(&self) -> String {
        format!("{}{}", self.way.prefix(), self.name)
    }

    /// Returns the same name the other way.
    fn other(&self) -> Self {
        Self { name: self.name.clone(), way: self.way.back() }
    }
}

/// Returns the names whose schemas agree both ways, with everything that they refer to.
fn same_both_ways(schemas: &BTreeMap<Key, Value>) -> BTreeSet<String> {
    let mut same = BTreeMap::new();
    for (key, schema) in schemas.iter().filter(|(key, _)| key.way == Way::Read) {
        let Some(other) = schemas.get(&key.other()) else { continue };
        let (read, of_read) = refs::local(schema);
        let (written, of_written) = refs::local(other);
        if read == written && of_read == of_written {
            same.insert(key.name.clone(), of_read);
        }
    }
    loop {
        let differing: Vec<_> = same
            .iter()
            .filter(|(_, refers_to)| refers_to.iter().any(|name| !same.contains_key(name)))
            .map(|(name, _)| name.clone())
            .collect();
        if differing.is_empty() {
            return same.into_keys().collect();
        }
        same.retain(|name, _| !differing.contains(name));
    }
}
