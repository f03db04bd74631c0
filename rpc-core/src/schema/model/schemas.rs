//! A walk over all schemas of a model.

use serde_json::Value;

use super::method::{CallModel, ErrorModel, MethodModel, SubscriptionModel};
use super::{Model, ServiceModel};

impl Model {
    /// Calls `change` with each schema of the services. The definitions are not among them.
    pub(crate) fn each_schema(&mut self, change: &mut dyn FnMut(&mut Value)) {
        self.services.iter_mut().for_each(|service| service.each_schema(change));
    }
}

impl ServiceModel {
    pub(crate) fn each_schema(&mut self, change: &mut dyn FnMut(&mut Value)) {
        self.methods.iter_mut().for_each(|method| method.each_schema(change));
    }
}

impl MethodModel {
    fn each_schema(&mut self, change: &mut dyn FnMut(&mut Value)) {
        for param in &mut self.params {
            change(&mut param.schema);
            of_errors(&mut param.errors, change);
        }
        match &mut self.call {
            CallModel::Request { result } => change(result),
            CallModel::Subscription(SubscriptionModel { items, .. }) => {
                change(&mut items.schema);
                of_errors(&mut items.errors, change);
            }
            CallModel::Notification => {}
        }
        of_errors(&mut self.errors, change);
        self.progress.iter_mut().for_each(change);
    }
}

fn of_errors(errors: &mut [ErrorModel], change: &mut dyn FnMut(&mut Value)) {
    errors.iter_mut().filter_map(|error| error.data.as_mut()).for_each(change);
}
