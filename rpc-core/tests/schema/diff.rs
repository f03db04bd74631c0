//! Each rule of the comparison of two models.

use rpc_core::schema::{Change, End, Model, Pair};
use serde_json::{Value, json};

use crate::contract::server;

/// A model with one method of the server, whose params and result have these schemas.
fn model(method: Value) -> Model {
    of_end("server", vec![method])
}

fn of_end(end: &str, methods: Vec<Value>) -> Model {
    let service =
        json!({"name": "S", "separator": ".", "servedBy": end, "digest": "", "methods": methods});
    let definitions = json!({
        "User": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        "Tree": {"type": "object", "properties": {"of": {"type": "array", "items": {"$ref": "#/definitions/Tree"}}}},
    });
    let model = json!({"end": "server", "services": [service], "definitions": definitions});
    Model::from_json(&model.to_string()).unwrap()
}

fn request(params: Value, result: Value) -> Value {
    json!({"name": "m", "call": {"kind": "request", "result": result}, "params": params})
}

fn param(name: &str, schema: Value) -> Value {
    json!({"name": name, "kind": "value", "schema": schema})
}

fn optional(name: &str, schema: Value) -> Value {
    json!({"name": name, "kind": "value", "schema": schema, "optional": true})
}

/// What breaks, for each pair.
fn broken(old: &Model, new: &Model) -> Vec<(Pair, String)> {
    let changes = old.diff(new).changes.into_iter().filter(|change| change.breaks);
    changes.map(|change| (change.pair, change.text)).collect()
}

fn both_ways(old: Value, new: Value) -> Vec<(Pair, String)> {
    broken(&model(old), &model(new))
}

fn old_client(text: &str) -> (Pair, String) {
    (Pair::OldClient, text.to_owned())
}

fn old_server(text: &str) -> (Pair, String) {
    (Pair::OldServer, text.to_owned())
}

#[test]
fn a_model_agrees_with_itself() {
    let diff = server().diff(&server());
    assert_eq!((diff.changes.as_slice(), diff.breaks()), (&[][..], false));
}

#[test]
fn a_method_that_is_gone_breaks_old_callers_and_one_that_came_breaks_new_ones() {
    let with = model(request(json!([]), json!(true)));
    let without = of_end("server", vec![]);
    let text = "the other end has no such method";
    assert_eq!(broken(&with, &without), [old_client(text)]);
    assert_eq!(broken(&without, &with), [old_server(text)]);
    let of_client = of_end("client", vec![request(json!([]), json!(true))]);
    let [Change { pair, caller, .. }] = &*without.diff(&of_client).changes else { panic!() };
    assert_eq!(
        (*pair, *caller),
        (Pair::OldClient, End::Server),
        "a new server calls an old client"
    );
}

#[test]
fn a_method_that_may_be_missing_breaks_nobody() {
    let mut optional = request(json!([]), json!(true));
    optional["optional"] = true.into();
    let diff = of_end("server", vec![]).diff(&model(optional));
    assert!(!diff.breaks() && diff.changes.len() == 1);
}

#[test]
fn an_alias_is_a_promise() {
    let mut old = request(json!([]), json!(true));
    old["aliases"] = json!(["n"]);
    let new = request(json!([]), json!(true));
    assert_eq!(both_ways(old, new), [old_client("the other end does not know its alias `n`")]);
}

#[test]
fn a_method_may_be_renamed_if_the_old_name_stays_as_an_alias() {
    let old = request(json!([]), json!(true));
    let mut new = old.clone();
    new["name"] = "n".into();
    new["aliases"] = json!(["m"]);
    let broken = both_ways(old, new);
    assert_eq!(broken, [old_server("the other end has no such method")]);
}

#[test]
fn params_may_be_added_only_if_they_are_optional() {
    let int = || json!({"type": "integer"});
    let one = || request(json!([param("a", int())]), json!(true));
    let two = request(json!([param("a", int()), param("b", int())]), json!(true));
    let text = "the param `b` is required, and is not sent";
    let refused = "the param `b` is unknown, and refused";
    assert_eq!(both_ways(one(), two.clone()), [old_client(text), old_server(refused)]);
    assert_eq!(both_ways(two, one()), [old_client(refused), old_server(text)]);
    let may = request(json!([param("a", int()), optional("b", int())]), json!(true));
    assert_eq!(both_ways(one(), may.clone()), []);
    let diff = model(one()).diff(&model(may));
    assert_eq!(diff.changes[0].text, "the param `b` is refused if it is sent");
}

#[test]
fn params_keep_their_order_and_names() {
    let text = || json!({"type": "string"});
    let ab = request(json!([param("a", text()), param("b", text())]), json!(true));
    let ba = request(json!([param("b", text()), param("a", text())]), json!(true));
    let moved = [
        old_client("the param `a` is at position 2, and is sent at 1"),
        old_client("the param `b` is at position 1, and is sent at 2"),
    ];
    assert_eq!(both_ways(ab.clone(), ba)[..2], moved);
    let ac = request(json!([param("a", text()), param("c", text())]), json!(true));
    let renamed = "the param `b` is named `c`: who sends it by name is refused";
    assert_eq!(both_ways(ab, ac)[..1], [old_client(renamed)]);
}

#[test]
fn an_optional_param_does_not_become_required() {
    let text = || json!({"type": "string"});
    let may = request(json!([optional("a", text())]), json!(true));
    let must = request(json!([param("a", text())]), json!(true));
    let why = "the param `a` is required, and may be left out by the caller";
    assert_eq!(both_ways(may, must), [old_client(why)]);
}

#[test]
fn params_may_widen_and_results_may_narrow() {
    let [int, number] = [json!({"type": "integer"}), json!({"type": "number"})];
    let of = |param_ty: &Value, result: &Value| {
        request(json!([param("a", param_ty.clone())]), result.clone())
    };
    let narrowed = "the param `a`: `number` may come, and only `integer` is read";
    assert_eq!(both_ways(of(&number, &int), of(&int, &int)), [old_client(narrowed)]);
    assert_eq!(both_ways(of(&int, &int), of(&number, &int)), [old_server(narrowed)]);
    let widened = "the result: `number` may come, and only `integer` is read";
    assert_eq!(both_ways(of(&int, &int), of(&int, &number)), [old_client(widened)]);
}

/// The reason why a result does not fit its caller.
fn misfit(read: Value, written: Value) -> Option<String> {
    let old = model(request(json!([]), read));
    let new = model(request(json!([]), written));
    let mut changes = old.diff(&new).changes.into_iter().filter(|it| it.pair == Pair::OldClient);
    changes.next().map(|change| change.text)
}

#[track_caller]
fn fits(read: Value, written: Value) {
    assert_eq!(misfit(read, written), None);
}

#[track_caller]
fn does_not_fit(read: Value, written: Value, why: &str) {
    assert_eq!(misfit(read, written).as_deref(), Some(why));
}

#[test]
fn types_and_numbers_are_compared_by_what_they_allow() {
    let int = |format: &str| json!({"type": "integer", "format": format});
    fits(json!(true), int("int64"));
    fits(int("int64"), int("int32"));
    fits(int("int64"), json!({"type": "integer", "format": "uint32", "minimum": 0}));
    does_not_fit(
        int("uint8"),
        int("uint16"),
        "the result: more than 255 may come, which is not read",
    );
    does_not_fit(int("uint8"), int("int8"), "the result: less than 0 may come, which is not read");
    fits(json!({"type": ["integer", "null"]}), json!({"type": "integer"}));
    let null = "the result: `null` may come, and only `integer` is read";
    does_not_fit(json!({"type": "integer"}), json!({"type": ["integer", "null"]}), null);
    does_not_fit(
        json!({"type": "string"}),
        json!(true),
        "the result: anything may come, and only `string` is read",
    );
}

#[test]
fn values_and_texts_are_compared() {
    let colors = |colors: &[&str]| json!({"type": "string", "enum": colors});
    fits(colors(&["red", "blue"]), colors(&["blue"]));
    fits(json!({"type": "string"}), colors(&["blue"]));
    let green = r#"the result: `"green"` comes, and only `["red"]` is read"#;
    does_not_fit(colors(&["red"]), colors(&["red", "green"]), green);
    let any = r#"the result: `string` comes, and only `["red"]` is read"#;
    does_not_fit(colors(&["red"]), json!({"type": "string"}), any);
    let date = json!({"type": "string", "format": "date"});
    let other = r#"the result: other texts than those of the `format` "date" may come"#;
    does_not_fit(date.clone(), json!({"type": "string"}), other);
    fits(json!({"type": "string"}), date);
    let long = "the result: a text of more than 3 characters may come";
    does_not_fit(
        json!({"type": "string", "maxLength": 3}),
        json!({"type": "string", "maxLength": 4}),
        long,
    );
    let not = "the result: the rule `not` differs, and cannot be compared";
    does_not_fit(json!({"type": "string", "not": {"const": "a"}}), json!({"type": "string"}), not);
}

#[test]
fn objects_are_compared_member_by_member() {
    let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
    let user = || object(json!({"name": {"type": "string"}}), json!(["name"]));
    fits(json!({"$ref": "#/definitions/User"}), user());
    fits(
        user(),
        object(
            json!({"name": {"type": "string"}, "age": {"type": "integer"}}),
            json!(["name", "age"]),
        ),
    );
    let gone = "the result: the member `name` is missing, and is required";
    does_not_fit(user(), object(json!({}), json!([])), gone);
    let maybe = "the result: the member `name` may be missing, and is required";
    does_not_fit(user(), object(json!({"name": {"type": "string"}}), json!([])), maybe);
    let deep = "the result.user.name: `null` may come, and only `string` is read";
    let of = |user: Value| object(json!({"user": user}), json!(["user"]));
    let other = object(json!({"name": {"type": ["string", "null"]}}), json!(["name"]));
    does_not_fit(of(json!({"$ref": "#/definitions/User"})), of(other), deep);
    let mut closed = user();
    closed["additionalProperties"] = false.into();
    let more =
        object(json!({"name": {"type": "string"}, "age": {"type": "integer"}}), json!(["name"]));
    does_not_fit(closed, more, "the result: the member `age` is unknown, and refused");
    let map = |of: &str| json!({"type": "object", "additionalProperties": {"type": of}});
    fits(map("number"), map("integer"));
    does_not_fit(
        map("integer"),
        map("number"),
        "the result.*: `number` may come, and only `integer` is read",
    );
}

#[test]
fn arrays_and_alternatives_are_compared() {
    let list = |of: &str| json!({"type": "array", "items": {"type": of}});
    fits(list("number"), list("integer"));
    does_not_fit(
        list("integer"),
        list("number"),
        "the result[]: `number` may come, and only `integer` is read",
    );
    let pair = |second: &str| json!({"type": "array", "items": [{"type": "string"}, {"type": second}], "minItems": 2, "maxItems": 2});
    fits(pair("number"), pair("integer"));
    does_not_fit(
        pair("null"),
        pair("string"),
        "the result[1]: `string` may come, and only `null` is read",
    );
    does_not_fit(pair("string"), list("string"), "the result: fewer than 2 items may come");
    let either = |kinds: &[&str]| json!({"oneOf": kinds.iter().map(|kind| json!({"type": "string", "const": kind})).collect::<Vec<_>>()});
    fits(either(&["a", "b"]), either(&["b"]));
    fits(either(&["a", "b"]), json!({"type": "string", "enum": ["a", "b"]}));
    does_not_fit(
        either(&["a"]),
        either(&["a", "b"]),
        r#"the result: `"b"` comes, and only `"a"` is read"#,
    );
    fits(
        json!({"anyOf": [{"$ref": "#/definitions/User"}, {"type": "null"}]}),
        json!({"type": "null"}),
    );
}

#[test]
fn a_type_that_contains_itself_is_compared_once() {
    fits(json!({"$ref": "#/definitions/Tree"}), json!({"$ref": "#/definitions/Tree"}));
}

/// A model may come from the other end.
#[test]
fn a_schema_that_is_made_to_harm_ends_the_comparison() {
    let service = |result: Value| json!({"name": "S", "separator": ".", "servedBy": "server", "digest": "", "methods": [request(json!([]), result)]});
    let model = |result: Value| {
        let many: Vec<_> = (0..10).map(|_| json!({"$ref": "#/definitions/Wide"})).collect();
        let definitions = json!({
            "Self": {"$ref": "#/definitions/Self"},
            "Deep": {"anyOf": [{"$ref": "#/definitions/Deep"}]},
            "Wide": {"anyOf": many},
        });
        let model =
            json!({"end": "server", "services": [service(result)], "definitions": definitions});
        Model::from_json(&model.to_string()).unwrap()
    };
    for name in ["Self", "Deep", "Wide"] {
        let hostile = model(json!({"$ref": format!("#/definitions/{name}")}));
        let honest = model(json!({"type": "integer"}));
        assert!(honest.diff(&hostile).breaks() && hostile.diff(&honest).changes.len() <= 2);
    }
}

#[test]
fn codes_keep_their_meaning() {
    let with = |code: i64, name: &str, data: Value| {
        let mut method = request(json!([]), json!(true));
        method["errors"] = json!([{"code": code, "name": name, "data": data}]);
        method
    };
    let full = || with(1, "Full", json!({"type": "integer"}));
    let moved = "the error `Full` has the code 2, and the caller knows 1";
    assert_eq!(both_ways(full(), with(2, "Full", json!(true)))[..1], [old_client(moved)]);
    let other = "the error 1 is `Gone`, and was `Full`";
    assert_eq!(
        both_ways(full(), with(1, "Gone", json!({"type": "integer"})))[..1],
        [old_client(other)]
    );
    let data = "the data of the error 1: `string` may come, and only `integer` is read";
    assert_eq!(
        both_ways(full(), with(1, "Full", json!({"type": "string"})))[..1],
        [old_client(data)]
    );
    let diff = model(request(json!([]), json!(true))).diff(&model(full()));
    assert!(!diff.breaks());
    assert_eq!(diff.changes[0].text, "the caller does not know the error 1 (`Full`)");
}

#[test]
fn how_a_method_is_called_stays() {
    let notification = json!({"name": "m", "call": {"kind": "notification"}});
    let text = "it is a notification, and is called as a request";
    assert_eq!(both_ways(request(json!([]), json!(true)), notification)[0], old_client(text));
    let subscription = |item: &str, unsubscribe: &str, schema: Value| {
        json!({"name": "m", "call": {
            "kind": "subscription", "item": item, "unsubscribe": unsubscribe, "ids": "strings",
            "idMember": "subscription", "items": {"schema": schema},
        }})
    };
    let old = subscription("m", "stop", json!({"type": "integer"}));
    let broken = both_ways(old.clone(), subscription("n", "end", json!({"type": "number"})));
    let texts = [
        "items are notifications `n`, and the caller knows `m`",
        "it ends by `end`, and the caller knows `stop`",
        "an item: `number` may come, and only `integer` is read",
    ];
    assert_eq!(broken[..3], texts.map(old_client));
    assert_eq!(both_ways(old.clone(), old), []);
}

#[test]
fn what_is_repeated_must_be_idempotent() {
    let mut old = request(json!([]), json!(true));
    old["idempotent"] = true.into();
    let text = "the caller repeats it when its fate is unknown, and it is not idempotent";
    assert_eq!(both_ways(old, request(json!([]), json!(true))), [old_client(text)]);
}

#[test]
fn the_text_has_a_line_for_each_change() {
    let with = model(request(json!([]), json!(true)));
    let diff = with.diff(&of_end("server", vec![]));
    assert_eq!(
        diff.to_string(),
        "BREAKS  an old client at a new server: the client's call of `m`: the other end has no such method\n"
    );
}
