//! A caller's method against the method of the end that is called.

use serde_json::Value;

use super::fits::{Schema, fits};
use super::{methods, selector};
use crate::schema::model::{
    CallModel, ErrorModel, MethodModel, Model, ParamKind, ParamModel, StreamModel,
};

/// The models of a caller, and of the end that it calls.
#[derive(Clone, Copy)]
pub(super) struct Compare<'a> {
    pub(super) caller: &'a Model,
    pub(super) callee: &'a Model,
}

/// A difference.
pub(super) struct Found {
    pub(super) breaks: bool,
    pub(super) text: String,
}

impl Found {
    fn breaking(text: impl Into<String>) -> Self {
        Self { breaks: true, text: text.into() }
    }

    fn note(text: impl Into<String>) -> Self {
        Self { breaks: false, text: text.into() }
    }
}

impl Compare<'_> {
    /// Returns how a method of the caller's model meets the same method at the other end.
    pub(super) fn method(self, called: &MethodModel) -> Vec<Found> {
        let end = self
            .caller
            .services
            .iter()
            .find(|service| service.methods.iter().any(|method| std::ptr::eq(method, called)));
        let end = end.expect("the method is of the caller's model").served_by;
        let answers_to = |method: &&MethodModel, name: &str| {
            selector(method) == selector(called)
                && (method.name == name || method.aliases.iter().any(|alias| alias == name))
        };
        let find = |name: &str| methods(self.callee, end).find(|method| answers_to(method, name));
        let Some(there) = find(&called.name) else {
            let text = "the other end has no such method";
            let is_expected = called.optional || called.unstable;
            return vec![if is_expected { Found::note(text) } else { Found::breaking(text) }];
        };
        let mut found = self.both(called, there, find);
        if called.unstable {
            // Its caller has asked for what may change.
            found.iter_mut().for_each(|found| found.breaks = false);
        } else if there.unstable {
            found.push(Found::breaking("only who asks for unstable methods is served"));
        }
        found
    }

    /// Returns how a method of the caller's model differs from the same method at the other end. `find` finds other
    /// names there.
    fn both<'a>(
        self,
        called: &MethodModel,
        there: &MethodModel,
        find: impl Fn(&str) -> Option<&'a MethodModel>,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        for alias in called.aliases.iter().filter(|alias| find(alias).is_none()) {
            found.push(Found::breaking(format!("the other end does not know its alias `{alias}`")));
        }
        self.params(called, there, &mut found);
        self.call(called, there, &mut found);
        self.errors("", &called.errors, &there.errors, &mut found);
        match (&called.progress, &there.progress) {
            (Some(read), Some(written)) => {
                self.answer("a report of progress", written, read, &mut found)
            }
            (Some(_), None) => found.push(Found::note("no progress is reported")),
            (None, _) => {}
        }
        if called.idempotent && !there.idempotent {
            found.push(Found::breaking(
                "the caller repeats it when its fate is unknown, and it is not idempotent",
            ));
        }
        found
    }

    fn params(self, called: &MethodModel, there: &MethodModel, found: &mut Vec<Found>) {
        if let ([sent], [read]) = (&*called.params, &*there.params)
            && (sent.kind == ParamKind::All || read.kind == ParamKind::All)
        {
            return self.all_params(sent, read, found);
        }
        for (index, sent) in called.params.iter().enumerate() {
            let by_name = there.params.iter().position(|read| read.name == sent.name);
            let Some(place) = by_name else {
                match there.params.get(index) {
                    Some(read) if !called.params.iter().any(|other| other.name == read.name) => {
                        let text = format!(
                            "the param `{}` is named `{}`: who sends it by name is refused",
                            sent.name, read.name
                        );
                        found.push(Found::breaking(text));
                    }
                    _ if there.allow_unknown => {
                        found.push(Found::note(format!("the param `{}` is ignored", sent.name)));
                    }
                    _ if sent.optional => {
                        let text = format!("the param `{}` is refused if it is sent", sent.name);
                        found.push(Found::note(text));
                    }
                    _ => {
                        let text = format!("the param `{}` is unknown, and refused", sent.name);
                        found.push(Found::breaking(text));
                    }
                }
                continue;
            };
            if place != index {
                found.push(Found::breaking(format!(
                    "the param `{}` is at position {}, and is sent at {}",
                    sent.name,
                    place + 1,
                    index + 1
                )));
            }
            self.param(sent, &there.params[place], found);
        }
        for read in &there.params {
            let is_sent = called.params.iter().any(|sent| sent.name == read.name);
            if !is_sent && !read.optional && !is_renamed(called, there, read) {
                let text = format!("the param `{}` is required, and is not sent", read.name);
                found.push(Found::breaking(text));
            }
        }
    }

    fn param(self, sent: &ParamModel, read: &ParamModel, found: &mut Vec<Found>) {
        let name = &sent.name;
        if (sent.kind == ParamKind::Stream) != (read.kind == ParamKind::Stream) {
            let what = if read.kind == ParamKind::Stream { "a stream" } else { "a value" };
            found.push(Found::breaking(format!("the param `{name}` is {what} at the other end")));
            return;
        }
        if sent.optional && !read.optional {
            let text = format!("the param `{name}` is required, and may be left out by the caller");
            found.push(Found::breaking(text));
        }
        if sent.optional && read.optional && sent.default != read.default {
            let shown = |default: &Option<Value>| default.clone().unwrap_or_default().to_string();
            found.push(Found::note(format!(
                "the param `{name}` is {} where it is left out, and the caller expects {}",
                shown(&read.default),
                shown(&sent.default)
            )));
        }
        let what = match sent.kind {
            ParamKind::Stream => format!("an item of the stream `{name}`"),
            ParamKind::Value | ParamKind::All => format!("the param `{name}`"),
        };
        self.sent(&what, &sent.schema, &read.schema, found);
        // Who takes the items reads the errors of the stream.
        Compare { caller: self.callee, callee: self.caller }.errors(
            &format!("the stream `{name}`: "),
            &read.errors,
            &sent.errors,
            found,
        );
    }

    fn all_params(self, sent: &ParamModel, read: &ParamModel, found: &mut Vec<Found>) {
        if sent.kind == read.kind {
            self.sent("the params", &sent.schema, &read.schema, found);
        } else {
            found.push(Found::breaking(
                "the params are one object at one end, and a list at the other",
            ));
        }
    }

    fn call(self, called: &MethodModel, there: &MethodModel, found: &mut Vec<Found>) {
        match (&called.call, &there.call) {
            (CallModel::Request { result: read }, CallModel::Request { result: written }) => {
                self.answer("the result", written, read, found);
            }
            (CallModel::Notification, CallModel::Notification) => {}
            (CallModel::Subscription(read), CallModel::Subscription(written)) => {
                let names = [
                    ("items are notifications", &read.item, &written.item),
                    ("it ends by", &read.unsubscribe, &written.unsubscribe),
                    ("the id is in the member", &read.id_member, &written.id_member),
                ];
                for (what, expected, actual) in names {
                    if expected != actual {
                        let text = format!("{what} `{actual}`, and the caller knows `{expected}`");
                        found.push(Found::breaking(text));
                    }
                }
                if read.ids != written.ids {
                    found.push(Found::breaking("ids of the stream are of another type"));
                }
                let (StreamModel { schema: read, errors: known }, StreamModel { schema, errors }) =
                    (&read.items, &written.items);
                self.answer("an item", schema, read, found);
                self.errors("the stream: ", known, errors, found);
            }
            // Each answers the other form as well, but the caller waits for something else.
            (called, there) => {
                let text = format!("it is {}, and is called as {}", kind(there), kind(called));
                found.push(Found::breaking(text));
            }
        }
    }

    /// Compares the errors that the caller knows with those that come.
    fn errors(self, of: &str, known: &[ErrorModel], come: &[ErrorModel], found: &mut Vec<Found>) {
        for error in come {
            let ErrorModel { code, name, data, .. } = error;
            let Some(expected) = known.iter().find(|known| known.code == *code) else {
                match known.iter().find(|known| known.name == *name) {
                    Some(known) => found.push(Found::breaking(format!(
                        "{of}the error `{name}` has the code {code}, and the caller knows {}",
                        known.code
                    ))),
                    None => found.push(Found::note(format!(
                        "{of}the caller does not know the error {code} (`{name}`)"
                    ))),
                }
                continue;
            };
            if expected.name != *name {
                let text = format!("{of}the error {code} is `{name}`, and was `{}`", expected.name);
                found.push(Found::breaking(text));
            }
            match (data, &expected.data) {
                (Some(written), Some(read)) => {
                    self.answer(&format!("{of}the data of the error {code}"), written, read, found);
                }
                (None, Some(_)) => {
                    let text = format!("{of}the error {code} has no data, which the caller reads");
                    found.push(Found::breaking(text));
                }
                (_, None) => {}
            }
        }
    }

    /// Compares what the caller writes with what the other end reads.
    fn sent(self, what: &str, written: &Value, read: &Value, found: &mut Vec<Found>) {
        let written = Schema { model: self.caller, schema: written };
        let read = Schema { model: self.callee, schema: read };
        found.extend(fits(written, read).map(|why| Found::breaking(format!("{what}{why}"))));
    }

    /// Compares what the other end writes with what the caller reads.
    fn answer(self, what: &str, written: &Value, read: &Value, found: &mut Vec<Found>) {
        let written = Schema { model: self.callee, schema: written };
        let read = Schema { model: self.caller, schema: read };
        found.extend(fits(written, read).map(|why| Found::breaking(format!("{what}{why}"))));
    }
}

/// Returns whether a param stands where the caller sends one of another name, which was told already.
fn is_renamed(called: &MethodModel, there: &MethodModel, read: &ParamModel) -> bool {
    let place = there.params.iter().position(|param| param.name == read.name);
    let sent = place.and_then(|place| called.params.get(place));
    sent.is_some_and(|sent| there.params.iter().all(|param| param.name != sent.name))
}

fn kind(call: &CallModel) -> &'static str {
    match call {
        CallModel::Request { .. } => "a request",
        CallModel::Notification => "a notification",
        CallModel::Subscription(_) => "a subscription",
    }
}
