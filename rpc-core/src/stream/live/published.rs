//! The JSON text of a live value, and how the text has changed.

use serde::Serialize;

use crate::error::object::ErrorObject;
use crate::patch::{Log, diff};
use crate::stream::json;
use crate::util::sync::Arc;

/// The text of the latest version that a watcher has asked for.
///
/// Versions count changes of the text. So a change of the value that the text does not show is none.
#[derive(Debug, Default)]
pub(super) struct Published {
    text: String,
    log: Log,
    /// The items that lead to this version, by the version of the watcher.
    items: Vec<(Option<u64>, Arc<str>)>,
}

/// How many items are kept. Watchers have the version before, or none, or are slow in many ways.
const ITEMS: usize = 8;

impl Published {
    /// Returns the version of the text.
    pub(super) fn version(&self) -> u64 {
        self.log.version()
    }

    /// Takes in the present value.
    ///
    /// # Errors
    /// The value cannot be written as JSON. The log holds the reason.
    pub(super) fn publish(&mut self, value: &impl Serialize) -> Result<(), ErrorObject> {
        let text = json::text(value)?;
        if text == self.text {
            return Ok(());
        }
        let change = (!self.text.is_empty()).then(|| diff(&self.text, &text, text.len())).flatten();
        self.log.push(change, text.len());
        self.text = text;
        self.items.clear();
        Ok(())
    }

    /// Returns the item that leads a watcher from its version, if it has one, to this one.
    pub(super) fn item(&mut self, from: Option<u64>) -> Arc<str> {
        if let Some((_, item)) = self.items.iter().find(|(of, _)| *of == from) {
            return item.clone();
        }
        let operations = from.and_then(|from| self.log.since(from));
        let item = item(operations.as_deref(), &self.text);
        if self.items.len() == ITEMS {
            self.items.remove(0);
        }
        self.items.push((from, item.clone()));
        item
    }
}

/// Returns the shorter one of two items: these operations, or the whole value.
pub(super) fn item(operations: Option<&str>, value: &str) -> Arc<str> {
    match operations.filter(|operations| operations.len() < value.len()) {
        Some(operations) => format!(r#"{{"patch":[{operations}]}}"#).into(),
        None => format!(r#"{{"value":{value}}}"#).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(values: &[&[u32]]) -> Published {
        let mut published = Published::default();
        values.iter().for_each(|value| published.publish(value).unwrap());
        published
    }

    #[test]
    fn an_item_is_a_patch_if_that_is_shorter() {
        let long: Vec<u32> = (0..100).collect();
        let mut changed = long.clone();
        changed[3] = 7;
        let mut published = published(&[&long, &changed]);
        let patch = r#"{"patch":[{"op":"replace","path":"/3","value":7}]}"#;
        assert_eq!(&*published.item(Some(1)), patch);
        assert!(published.item(None).starts_with(r#"{"value":[0,1,2,7"#));
        assert_eq!(&*published_short().item(Some(1)), r#"{"value":[2]}"#);
    }

    #[test]
    fn a_change_of_one_row_of_a_hundred_is_about_1_percent() {
        let mut rows: Vec<Vec<u64>> = (0..500).map(|row| vec![7_000_000_000 + row; 18]).collect();
        let mut published = Published::default();
        published.publish(&rows).unwrap();
        let whole = published.item(None).len();
        rows.iter_mut().step_by(100).for_each(|row| row.fill(8_000_000_000));
        published.publish(&rows).unwrap();
        let change = published.item(Some(1)).len();
        assert!(whole > 98_000 && change * 50 < whole, "{change} bytes of {whole}");
    }

    fn published_short() -> Published {
        published(&[&[1], &[2]])
    }

    #[test]
    fn an_item_is_made_once_for_all() {
        let mut published = published_short();
        let (first, second) = (published.item(Some(1)), published.item(Some(1)));
        assert!(Arc::ptr_eq(&first, &second));
        published.publish(&[2]).unwrap();
        assert!(Arc::ptr_eq(&first, &published.item(Some(1))), "nothing has changed");
        published.publish(&[3]).unwrap();
        assert_eq!(&*published.item(Some(1)), r#"{"value":[3]}"#);
    }
}
