//! Makes a model from tables of methods.

use std::collections::BTreeSet;
use std::fmt;
use std::slice;

use serde_json::{Value, json};

use super::method::{
    CallModel, Deprecation, ErrorModel, MethodModel, ParamKind, ParamModel, StreamModel,
    SubscriptionModel,
};
use super::{End, Model, ServiceModel};
use crate::error::data_schema::{DataSchema, FieldSchema};
use crate::error::rpc_error::ErrorInfo;
use crate::method::{Deprecated, MethodInfo, MethodKind, ParamInfo, ServiceInfo};
use crate::schema::definitions::{Definitions, Way};
use crate::schema::digest;
use crate::service::Service;
use crate::util::type_schema::TypeSchema;

/// A model that is not complete yet. [`Model::server`] and [`Model::client`] make it.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the model"]
pub struct ModelBuilder {
    end: End,
    tables: Vec<Table>,
}

/// The methods of a service, and the end that serves them.
#[derive(Debug, Clone)]
struct Table {
    name: String,
    namespace: Option<String>,
    separator: String,
    version: Option<String>,
    docs: String,
    served_by: End,
    methods: Vec<MethodInfo>,
}

impl ModelBuilder {
    pub(in crate::schema) const fn new(end: End) -> Self {
        Self { end, tables: Vec::new() }
    }

    /// Adds a service that this end serves: `ChatServer::INFO`.
    pub fn serves(self, service: &ServiceInfo) -> Self {
        let end = self.end;
        self.with(Table::of_info(service, end))
    }

    /// Adds a service of the other end, which this end calls: `ChatterClient::INFO`.
    pub fn calls(self, service: &ServiceInfo) -> Self {
        let end = self.end.other();
        self.with(Table::of_info(service, end))
    }

    /// Adds what a [`Router`](crate::Router) or another service really serves, under a name. This is for methods
    /// without a trait, and for services in another namespace.
    ///
    /// Types of methods that are closures are not known: their parameters are missing, and the result can be anything.
    pub fn serves_all(self, name: &str, service: &impl Service) -> Self {
        let end = self.end;
        self.with(Table {
            name: name.to_owned(),
            namespace: None,
            separator: ".".to_owned(),
            version: None,
            docs: String::new(),
            served_by: end,
            methods: service.methods().to_vec(),
        })
    }

    fn with(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }

    /// Makes the model.
    ///
    /// # Errors
    /// Fails if two types in definitions have the same name, or if an end serves two methods of the same name. The error
    /// lists all of them.
    pub fn build(self) -> Result<Model, ModelError> {
        let mistakes = repeated(&self.tables);
        let mut model = match model(self.end, &self.tables) {
            Ok(model) if mistakes.is_empty() => model,
            Ok(_) => return Err(ModelError(mistakes)),
            Err(clashes) => return Err(ModelError([mistakes, clashes].concat())),
        };
        for end in [End::Server, End::Client] {
            let tables = self.tables.iter().filter(|table| table.served_by == end);
            let services = model.services.iter_mut().filter(|service| service.served_by == end);
            for (service, table) in services.zip(tables) {
                // Alone, and as its own end sees it: then both ends get the same.
                let alone = self::model(end, slice::from_ref(table)).map_err(ModelError)?;
                let alone = alone.stable().unwrap_or(alone);
                service.digest = digest::of(&alone, &alone.services[0]);
            }
        }
        Ok(model)
    }
}

/// Returns the model of some services as an end sees them, without digests.
fn model(end: End, tables: &[Table]) -> Result<Model, Vec<String>> {
    let mut definitions = Definitions::new();
    let mut services = Vec::new();
    let (own, others): (Vec<_>, Vec<_>) = tables.iter().partition(|table| table.served_by == end);
    for table in own.into_iter().chain(others) {
        let params = if table.served_by == end { Way::Read } else { Way::Written };
        services.push(Types { definitions: &mut definitions, params }.service(table));
    }
    let finished = definitions.finish()?;
    let mut model = Model { end, services, definitions: Default::default() };
    model.each_schema(&mut |schema| finished.name(schema));
    model.definitions = finished.definitions;
    // serde_json keeps the order of members if any crate of the program asks it to.
    model.each_schema(&mut Value::sort_all_objects);
    model.definitions.values_mut().for_each(Value::sort_all_objects);
    Ok(model)
}

impl Table {
    fn of_info(info: &ServiceInfo, served_by: End) -> Self {
        Self {
            name: info.name.to_owned(),
            namespace: info.namespace.map(str::to_owned),
            separator: info.separator.to_owned(),
            version: info.version.map(str::to_owned),
            docs: info.docs.to_owned(),
            served_by,
            methods: info.methods.to_vec(),
        }
    }
}

/// Returns a line for each name that an end serves twice.
fn repeated(tables: &[Table]) -> Vec<String> {
    let mut names = BTreeSet::new();
    let methods = tables
        .iter()
        .flat_map(|table| table.methods.iter().map(|method| (table.served_by, &*method.name)));
    methods
        .filter(|method| !names.insert(*method))
        .map(|(end, name)| format!("the {end} serves `{name}` twice"))
        .collect()
}

/// Makes the parts of one service. All its schemas share the definitions.
struct Types<'a> {
    definitions: &'a mut Definitions,
    /// The way of the params, as this end sees it. Results, items and errors go the other way.
    params: Way,
}

impl Types<'_> {
    fn service(&mut self, table: &Table) -> ServiceModel {
        let mut methods = Vec::new();
        let own = |info: &&MethodInfo| info.alias_of.is_none() && !info.is_of_protocol;
        for info in table.methods.iter().filter(own) {
            if info.selected.is_empty() {
                methods.extend(self.method(info, None));
            }
            for (selector, method) in &*info.selected {
                // An alias of several methods: each of them has a row under its own name.
                if method.alias_of.is_none() {
                    methods.extend(self.method(method, Some(selector)));
                }
            }
        }
        for method in &mut methods {
            method.aliases = aliases(&table.methods, &method.name);
        }
        ServiceModel {
            name: table.name.clone(),
            namespace: table.namespace.clone(),
            separator: table.separator.clone(),
            version: table.version.clone(),
            docs: table.docs.clone(),
            served_by: table.served_by,
            digest: String::new(),
            methods,
        }
    }

    /// Returns a method. `None` for a fallback, whose names nobody knows.
    fn method(&mut self, info: &MethodInfo, selector: Option<&str>) -> Option<MethodModel> {
        let params = info.params.iter().map(|param| self.param(param)).collect();
        let back = self.params.back();
        let call = match &info.kind {
            MethodKind::Fallback | MethodKind::NotificationFallback | MethodKind::Forward => {
                return None;
            }
            MethodKind::Notification => CallModel::Notification,
            MethodKind::Request => {
                CallModel::Request { result: self.of(info.schemas.answer, back) }
            }
            MethodKind::Subscription { item, unsubscribe, ids, id_member } => {
                CallModel::Subscription(SubscriptionModel {
                    item: item.clone().into_owned(),
                    unsubscribe: unsubscribe.clone().into_owned(),
                    ids: *ids,
                    id_member: id_member.clone().into_owned(),
                    selector: selector.map(str::to_owned),
                    items: StreamModel {
                        schema: self.of(info.schemas.answer, back),
                        errors: self.errors(info.schemas.item_errors, back),
                    },
                })
            }
        };
        let progress = !info.progress.is_empty();
        Some(MethodModel {
            name: info.name.clone().into_owned(),
            aliases: Vec::new(),
            ident: (!info.ident.is_empty()).then(|| info.ident.to_owned()),
            docs: info.docs.to_owned(),
            call,
            params,
            by_name: info.flags.by_name,
            empty_params: info.flags.empty_params,
            allow_unknown: info.flags.allow_unknown,
            errors: self.errors(info.errors, back),
            progress: progress.then(|| self.of(info.schemas.progress, back)),
            timeout_ms: info
                .timeout
                .map(|timeout| timeout.as_millis().try_into().unwrap_or(u64::MAX)),
            idempotent: info.flags.idempotent,
            ordered: info.flags.ordered,
            optional: info.flags.optional,
            unstable: info.flags.unstable,
            since: info.since.map(str::to_owned),
            deprecated: info.deprecated.map(|Deprecated { since, note }| Deprecation {
                since: since.map(str::to_owned),
                note: note.map(str::to_owned),
            }),
        })
    }

    fn param(&mut self, info: &ParamInfo) -> ParamModel {
        let kind = match info {
            ParamInfo { is_stream: true, .. } => ParamKind::Stream,
            ParamInfo { is_flattened: true, .. } => ParamKind::All,
            _ => ParamKind::Value,
        };
        ParamModel {
            name: info.name.to_owned(),
            docs: info.docs.to_owned(),
            kind,
            schema: self.of(info.schemas.value, self.params),
            rust_type: info.ty.to_owned(),
            optional: info.is_optional(),
            default: info.default_json().and_then(|json| serde_json::from_str(&json).ok()),
            errors: self.errors(info.schemas.item_errors, self.params),
        }
    }

    fn errors(&mut self, infos: &[ErrorInfo], way: Way) -> Vec<ErrorModel> {
        let error = |info: &ErrorInfo| ErrorModel {
            code: info.code,
            name: info.name.to_owned(),
            docs: info.docs.to_owned(),
            data: self.data(&info.data, way),
        };
        infos.iter().map(error).collect()
    }

    /// Returns the schema of an error's data, as `#[derive(RpcError)]` writes and reads them.
    fn data(&mut self, data: &DataSchema, way: Way) -> Option<Value> {
        match data {
            DataSchema::Nothing => None,
            DataSchema::Unknown => Some(Value::Bool(true)),
            DataSchema::Value(ty) => Some(self.of(*ty, way)),
            DataSchema::Array(types) => {
                let items: Vec<_> = types.iter().map(|ty| self.of(*ty, way)).collect();
                let length = items.len();
                let schema = json!({"type": "array", "items": items, "minItems": length, "maxItems": length});
                Some(schema)
            }
            DataSchema::Object(fields) => {
                let is_required = |(field, _): &&(_, _)| !may_be_missing(field, way);
                let members: Vec<_> =
                    fields.iter().map(|field| (*field, self.of(field.ty, way))).collect();
                let required: Vec<_> =
                    members.iter().filter(is_required).map(|(field, _)| field.name).collect();
                let properties: serde_json::Map<_, _> = members
                    .into_iter()
                    .map(|(field, schema)| (field.name.to_owned(), schema))
                    .collect();
                let mut schema = json!({"type": "object", "properties": properties});
                if !required.is_empty() {
                    schema["required"] = required.into();
                }
                Some(schema)
            }
        }
    }

    fn of(&mut self, ty: Option<TypeSchema>, way: Way) -> Value {
        ty.map_or(Value::Bool(true), |ty| self.definitions.schema(ty, way))
    }
}

/// Returns whether an object may lack a member. A writer writes all members.
fn may_be_missing(field: &FieldSchema, way: Way) -> bool {
    way == Way::Read && (field.may_be_left_out)()
}

/// Returns the further names of a method.
fn aliases(methods: &[MethodInfo], name: &str) -> Vec<String> {
    let is_alias = |info: &&MethodInfo| {
        let own_names = info.selected.iter().map(|(_, method)| method.alias_of.as_deref());
        info.alias_of.as_deref() == Some(name) || own_names.flatten().any(|own| own == name)
    };
    methods.iter().filter(is_alias).map(|info| info.name.clone().into_owned()).collect()
}

/// The reasons why there is no model of these services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError(Vec<String>);

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for ModelError {}
