//! Documents of OpenRPC 1.4, for one end or for both.

mod method;
mod read;
mod selected;

pub use read::OpenRpcError;

use serde_json::{Value, json};

use super::document::{DocumentInfo, components, refer_to_components};
use super::model::{End, MethodModel, Model, ServiceModel};

/// The version of the specification.
const VERSION: &str = "1.4.1";

/// A method with the service that it belongs to.
#[derive(Clone, Copy)]
struct Entry<'a> {
    service: &'a ServiceModel,
    method: &'a MethodModel,
}

impl Model {
    /// Returns an OpenRPC document of what one end offers.
    ///
    /// Some members of a method begin with `x-`, because OpenRPC has no words for them. A tool that does not know them
    /// ignores them.
    ///
    /// | member | is |
    /// |---|---|
    /// | `x-notification` | `true`: the caller sends a notification, and gets no answer |
    /// | `x-subscription` | the stream of items that a call starts: `item` (the name of the notifications), `unsubscribe` (the method that ends the stream), `idMember` (the member of an item's params that holds the id), `schema` (of an item), and `errors` with which the stream may end |
    /// | `x-unsubscribe` | `true`: the method ends a subscription |
    /// | `x-selected` | the methods of which the first param selects one, by the value of that param, each with its `params` and errors |
    /// | `x-progress` | the schema of the `value` of `$/progress` notifications, which a caller may ask for |
    /// | `x-error-data` | of each of the `errors`, by its `code`: the `name`, and the `schema` of its data if it has data |
    /// | `x-aliases` | further names of the method |
    /// | `x-idempotent`, `x-ordered`, `x-allow-unknown` | `true`: as [`MethodFlags`](super::MethodFlags) explains |
    /// | `x-all-params` | all params are one value: the `name` that it has in the trait, and its `schema`. The `params` are its members |
    /// | `x-timeout-ms` | how long a caller should wait |
    /// | `x-since`, `x-deprecated`, `x-optional` | the version in which the method appeared; the version and the reason of a deprecation; whether the method may be missing |
    /// | `x-unstable` | `true`: the method may change or go, and is served only to a peer that asks for unstable methods |
    /// | `x-stream` on a param | the param stands for a stream: `schema` (of an item) and `errors` |
    /// | `x-implemented-by` | only in [`openrpc_of_both`](Self::openrpc_of_both) |
    pub fn openrpc(&self, end: End, info: &DocumentInfo) -> Value {
        let entries: Vec<_> = self.served_by(end).flat_map(entries).collect();
        self.openrpc_document(info, method::all(self, &entries))
    }

    /// Returns one OpenRPC document of what both ends offer. The member `x-implemented-by` of each method is a list of
    /// the ends that offer the method: `["server"]`, `["client"]` or both.
    ///
    /// OpenRPC demands that no two methods have one name. If both ends offer a method of the same name, and the two
    /// differ, the method of the server is in the list. Its member `x-implemented-by-client` is the method of the
    /// client.
    pub fn openrpc_of_both(&self, info: &DocumentInfo) -> Value {
        let of = |end| {
            let entries: Vec<_> = self.served_by(end).flat_map(entries).collect();
            method::all(self, &entries)
        };
        let mut methods = of(End::Server);
        let servers = methods.len();
        for mut theirs in of(End::Client) {
            let same_name = |own: &&mut Value| own["name"] == theirs["name"];
            let Some(own) = methods[..servers].iter_mut().find(same_name) else {
                theirs[IMPLEMENTED_BY] = json!([End::Client]);
                methods.push(theirs);
                continue;
            };
            if *own == theirs {
                own[IMPLEMENTED_BY] = json!([End::Server, End::Client]);
            } else {
                own["x-implemented-by-client"] = theirs;
            }
        }
        for method in &mut methods[..servers] {
            let object = method.as_object_mut().expect("a method is an object");
            object.entry(IMPLEMENTED_BY).or_insert_with(|| json!([End::Server]));
        }
        self.openrpc_document(info, methods)
    }

    fn openrpc_document(&self, info: &DocumentInfo, methods: Vec<Value>) -> Value {
        let mut document = json!({"openrpc": VERSION, "info": info.json(), "methods": methods});
        let schemas = components(self, &document);
        document["components"] = json!({"schemas": schemas});
        refer_to_components(&mut document);
        document.sort_all_objects();
        document
    }
}

/// The name of the member that says who offers a method.
const IMPLEMENTED_BY: &str = "x-implemented-by";

fn entries(service: &ServiceModel) -> impl Iterator<Item = Entry<'_>> {
    service.methods.iter().map(move |method| Entry { service, method })
}
