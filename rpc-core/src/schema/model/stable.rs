//! A model without its unstable methods.

use serde_json::json;

use super::{Model, ServiceModel};
use crate::schema::document::components;

impl Model {
    /// Returns the model without unstable methods, and without definitions that only those need. `None` if no method is
    /// unstable.
    pub(in crate::schema) fn stable(&self) -> Option<Self> {
        let is_stable = |service: &ServiceModel| service.methods.iter().all(|it| !it.unstable);
        if self.services.iter().all(is_stable) {
            return None;
        }
        let mut stable = self.clone();
        for service in &mut stable.services {
            service.methods.retain(|method| !method.unstable);
        }
        stable.definitions = components(&stable, &json!(stable.services)).into_iter().collect();
        Some(stable)
    }
}
