//! What an end says in `$/hello` of the services that it offers.
//!
//! `"offers":[{"name":"chat","version":"1.2","hash":"…"}]`

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The most bytes of the list: each connection keeps it.
const BYTES: usize = 2_048;

/// The most services in the list.
const SERVICES: usize = 64;

/// A service that an end offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceOffer {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// The same for the same names and types, at either end.
    pub(crate) hash: String,
}

/// Writes the list. `None` if it would be too long: an incomplete list would deny services that there are.
pub(crate) fn write(offers: &[ServiceOffer]) -> Option<String> {
    let list = serde_json::to_string(offers).ok()?;
    read(&list).map(|_| list)
}

/// Reads a list. `None` if it is no list of offers, or too long.
pub(crate) fn read(list: &str) -> Option<Vec<ServiceOffer>> {
    if list.len() > BYTES {
        return None;
    }
    let offers: Vec<ServiceOffer> = serde_json::from_str(list).ok()?;
    (offers.len() <= SERVICES).then_some(offers)
}

/// Returns the list in the params of a `$/hello`, as text. `None` if there is none.
///
/// # Errors
/// What is there is no list of offers, or it is too long.
pub(crate) fn said(params: &str) -> Result<Option<Box<str>>, ()> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        offers: Option<&'a RawValue>,
    }
    let said: Said<'_> = serde_json::from_str(params).map_err(drop)?;
    let Some(list) = said.offers.map(RawValue::get) else { return Ok(None) };
    read(list).map(|_| Some(list.into())).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(name: &str, version: Option<&str>) -> ServiceOffer {
        let version = version.map(str::to_owned);
        ServiceOffer { name: name.to_owned(), version, hash: "0a".to_owned() }
    }

    #[test]
    fn a_list_is_written_as_it_is_read() {
        let offers = [offer("chat", Some("1.2")), offer("node", None)];
        let list = write(&offers).unwrap();
        assert_eq!(
            list,
            r#"[{"name":"chat","version":"1.2","hash":"0a"},{"name":"node","hash":"0a"}]"#
        );
        assert_eq!(read(&list).unwrap(), offers);
        let later = r#"[{"name":"node","hash":"0a","kind":7}]"#;
        assert_eq!(read(later).unwrap(), [offer("node", None)], "what comes later is ignored");
    }

    #[test]
    fn what_is_no_list_or_too_long_is_none() {
        for wrong in [
            "1",
            "{}",
            "[1]",
            r#"[{"name":"chat"}]"#,
            r#"[{"hash":"0a"}]"#,
            r#"[{"name":1,"hash":"0a"}]"#,
            r#"[{"name":"chat","hash":"0a","version":1}]"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
            assert_eq!(said(&format!(r#"{{"offers":{wrong}}}"#)), Err(()), "{wrong}");
        }
        assert_eq!(said(r#"{"duplex":1}"#), Ok(None));
        assert_eq!(said(r#"{"offers":[]}"#), Ok(Some("[]".into())));
        let most = vec![ServiceOffer { hash: String::new(), ..offer("", None) }; SERVICES];
        assert!(write(&most).is_some());
        assert_eq!(write(&[most, vec![offer("", None)]].concat()), None);
        assert_eq!(write(&[offer(&"x".repeat(BYTES), None)]), None);
    }
}
