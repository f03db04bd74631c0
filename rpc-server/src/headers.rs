//! Reading headers strictly. A header that occurs twice means different things to different readers. And one unreadable
//! part of a list must not hide the other parts.

use http::HeaderMap;
use http::header::{AUTHORIZATION, AsHeaderName, COOKIE, HeaderName, HeaderValue};

/// Returns the value of a header that may occur only once. `None` if the header is missing or occurs twice.
pub(crate) fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Returns the parts of a header that is a list, which may be spread over several lines. The parts are bytes, so that
/// one part that is not UTF-8 does not make the other parts unreadable.
pub(crate) fn parts<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    separator: u8,
) -> impl DoubleEndedIterator<Item = &'a [u8]> + use<'a> {
    let lines = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let parts = lines.flat_map(move |line| line.split(move |byte| *byte == separator));
    parts.map(<[u8]>::trim_ascii)
}

/// Returns the words of a header that is a list of words.
pub(crate) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let words = parts(headers, &name, b',').filter(|word| word.is_ascii());
    words.filter_map(|word| std::str::from_utf8(word).ok())
}

/// Returns whether the list in a header has `token`, in upper or lower case.
pub(crate) fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

/// Returns the value of the first cookie of this name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut pairs = parts(headers, &COOKIE, b';');
    let value = pairs.find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    let value = std::str::from_utf8(value).ok()?;
    // Some clients enclose the value in quotes, which are no part of the value.
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// Returns the token of `Authorization: Bearer …` (RFC 6750, section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = only(headers, AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::header::SEC_WEBSOCKET_PROTOCOL;

    use super::*;

    fn headers<T: AsRef<[u8]>>(name: HeaderName, values: &[T]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_bytes(value.as_ref()).unwrap());
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
        assert_eq!(cookie(&headers, "sessio"), None);
    }

    #[test]
    fn what_is_no_ascii_hides_nothing_but_itself() {
        let lines: [&[u8]; 2] =
            [b"name=Zo\xc3\xab; bad=\xff; \xfe\xff; token=abc", b"\xff=1;\tlast=z\xff"];
        let jar = headers(COOKIE, &lines);
        for (name, value) in
            [("token", Some("abc")), ("name", Some("Zo\u{eb}")), ("bad", None), ("last", None)]
        {
            assert_eq!(cookie(&jar, name), value, "{name}");
        }
        let offers: [&[u8]; 2] = [b"caf\xc3\xa9, \xff,jsonrpc2", b"\xff"];
        let offers = headers(SEC_WEBSOCKET_PROTOCOL, &offers);
        assert_eq!(tokens(&offers, SEC_WEBSOCKET_PROTOCOL).collect::<Vec<_>>(), ["jsonrpc2"]);
    }

    #[test]
    fn a_bearer_token_stands_once() {
        let token = |values: &[&str]| bearer(&headers(AUTHORIZATION, values)).is_some();
        assert!(token(&["Bearer abc"]) && token(&["bearer  abc"]));
        for wrong in [&["Bearer"][..], &["Bearer "], &["Basic abc"], &["Bearer a", "Bearer b"]] {
            assert!(!token(wrong), "{wrong:?}");
        }
    }
}
