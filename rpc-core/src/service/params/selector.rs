//! The first param, where it selects the method that takes the other params.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{Slot, Source};
use crate::error::object::ErrorObject;
use crate::error::violations::Violation;
use crate::util::excerpt::Excerpt;
use crate::wire::scan::Scanner;

/// The slot of a selector among the params of the method that the selector has chosen.
#[derive(Default)]
pub struct SelectorParam;

impl Slot for SelectorParam {
    fn read<'de, S: Source<'de>>(&mut self, source: S) -> Result<(), S::Error> {
        source.value::<IgnoredAny>().map(drop)
    }

    fn complete(&mut self, _: &str) -> Result<(), ErrorObject> {
        Ok(())
    }
}

/// Returns the index of the selector that equals the first param.
///
/// # Errors
/// Returns -32602 and names all selectors if none equals the first param.
pub(crate) fn selected<'s>(
    mut selectors: impl Iterator<Item = &'s str> + Clone,
    params: Option<&str>,
) -> Result<usize, ErrorObject> {
    let params = params.unwrap_or("[]");
    let first = first(params);
    let text = first.and_then(|first| serde_json::from_str::<Cow<'_, str>>(first).ok());
    let index = text.as_ref().and_then(|text| selectors.clone().position(|it| it == text));
    index.ok_or_else(|| {
        let one = selectors.next().map(|first| format!("`{first}`")).unwrap_or_default();
        let known = selectors.fold(one, |known, selector| format!("{known}, `{selector}`"));
        let why = match (first, text) {
            (None, _)
                if params.starts_with('{')
                    && Scanner::new(params[1..].trim()).next() != Some(b'}') =>
            {
                let message = format!("send params by position: the first is one of {known}");
                return ErrorObject::invalid_params(message);
            }
            (None, _) => format!("the first param is missing: it is one of {known}"),
            (Some(_), None) => format!("the first param must be a string: one of {known}"),
            (Some(_), Some(text)) => {
                format!("the first param is one of {known}, and not `{}`", Excerpt(&text))
            }
        };
        let violation = Violation::new("[0]", &why);
        ErrorObject::violating(why, &[violation])
    })
}

/// Returns the JSON text of the first value of an array.
fn first(params: &str) -> Option<&str> {
    let mut scanner = Scanner::new(params);
    if !scanner.take(b'[') || scanner.peek() == Some(b']') {
        return None;
    }
    scanner.value().map(|(first, _)| first)
}

#[test]
fn the_first_param_picks_and_what_picks_nothing_is_told_what_there_is() {
    let selected = |params| selected(["newHeads", "logs"].into_iter(), params);
    assert_eq!(selected(Some(r#"["newHeads"]"#)), Ok(0));
    assert_eq!(selected(Some(r#"[ "l\u006fgs" , {}]"#)), Ok(1));
    let known = "one of `newHeads`, `logs`";
    for (params, expected) in [
        (None, format!("the first param is missing: it is {known}")),
        (Some("[]"), format!("the first param is missing: it is {known}")),
        (Some("{}"), format!("the first param is missing: it is {known}")),
        (Some("{ }"), format!("the first param is missing: it is {known}")),
        (Some("[null]"), format!("the first param must be a string: {known}")),
        (Some("[7]"), format!("the first param must be a string: {known}")),
        (Some(r#"["heads"]"#), format!("the first param is {known}, and not `heads`")),
        (Some(r#"{"kind":"logs"}"#), format!("send params by position: the first is {known}")),
    ] {
        let error = selected(params).unwrap_err();
        assert_eq!((error.code, error.message), (-32602, expected));
    }
}
