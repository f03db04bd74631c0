//! Headers, read with care: what stands twice means different things to different readers.

use http::HeaderMap;
use http::header::{AsHeaderName, HeaderName, HeaderValue};

/// The value of a header that must not stand twice.
pub(crate) fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The words of a header that is a list, and may be spread over several.
pub(crate) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether the list in a header has `token`, in whatever case.
pub(crate) fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

/// The value of a cookie, the first one of this name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(http::header::COOKIE).into_iter();
    let pairs = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    // Quotes are a part of the value that some put around it.
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// The token of `Authorization: Bearer …` (RFC 6750, section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = only(headers, http::header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, COOKIE};

    use super::*;

    fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers(COOKIE, &["a=1; session=x=y; b=2", "session=later; q=\"quoted\""]);
        for (name, value) in [("a", "1"), ("session", "x=y"), ("b", "2"), ("q", "quoted")] {
            assert_eq!(cookie(&headers, name), Some(value), "{name}");
        }
        assert_eq!(cookie(&headers, "essio"), None);
    }

    #[test]
    fn a_bearer_token_stands_once() {
        let token = |values: &[&'static str]| bearer(&headers(AUTHORIZATION, values)).is_some();
        assert!(token(&["Bearer abc"]) && token(&["bearer  abc"]));
        for wrong in [&["Bearer"][..], &["Bearer "], &["Basic abc"], &["Bearer a", "Bearer b"]] {
            assert!(!token(wrong), "{wrong:?}");
        }
    }
}
