use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;
use crate::base64::{Base64, SizedBase64};
use crate::error::decode_error::explain;
use crate::util::attachment::MARK;

/// The message that stands for `["a",<base64>,""]`.
fn example() -> Vec<u8> {
    let mut attachments = Attachments::default();
    attachments.add(6, Bytes::from_static(b"bytes"));
    message(br#"["a","",""]"#, &attachments).to_vec()
}

fn read(message: &[u8]) -> Option<Attached> {
    Attached::read(&Bytes::copy_from_slice(message))
}

#[test]
fn the_message_is_as_the_page_of_the_wire_has_it() {
    let expected =
        [&[0xff, 1][..], &[0, 0, 0, 6], &[0, 0, 0, 5], b"bytes", br#"["a","",""]"#].concat();
    assert_eq!(example(), expected);
    let attached = read(&expected).unwrap();
    assert_eq!(attached.text(), r#"["a","\ud800",""]"#);
    assert_eq!(attached.whole(), r#"["a","Ynl0ZXM=",""]"#);
    assert_eq!(attached.length(), attached.whole().len());
    assert_eq!(whole(&expected.into()).unwrap(), attached.whole());
    assert!(whole(&Bytes::from_static(b"{}")).is_none());
}

#[test]
fn a_head_that_does_not_fit_is_no_message() {
    let example = example();
    for length in 0..example.len() {
        let has_place = length >= 22; // the quotes, if not the end of the text
        assert_eq!(read(&example[..length]).is_some(), has_place, "{length} bytes");
    }
    for (at, byte, what) in [
        (0, b'{', "no head"),
        (1, 0, "no attachments"),
        (1, 2, "more attachments"),
        (5, 0, "at the very beginning"),
        (5, 1, "before a quote"),
        (5, 7, "behind the quotes"),
        (5, 11, "behind the text"),
        (2, 0xff, "far behind the text"),
        (9, 200, "more bytes than there are"),
        (6, 0xff, "far more bytes than there are"),
        (15, 0xff, "no text"),
    ] {
        let mut wrong = example.clone();
        wrong[at] = byte;
        assert!(read(&wrong).is_none(), "{what}");
        assert!(whole(&wrong.into()).is_none_or(|_| at == 15), "{what}");
    }
}

#[test]
fn places_rise_and_each_is_used_once() {
    let of = |places: [u32; 2]| {
        let entries = places.map(|at| [at.to_be_bytes(), 0_u32.to_be_bytes()].concat()).concat();
        [&[0xff, 2][..], &entries, br#"["","",""]"#].concat()
    };
    assert_eq!(read(&of([2, 5])).unwrap().text(), r#"["\ud800","\ud800",""]"#);
    for places in [[5, 2], [2, 2]] {
        assert!(read(&of(places)).is_none(), "{places:?}");
    }
}

/// Two places may share a quote only where there is no JSON.
#[test]
fn what_is_no_json_stays_none() {
    let entries = [1_u32, 2].map(|at| [at.to_be_bytes(), 3_u32.to_be_bytes()].concat()).concat();
    let attached = read(&[&[0xff, 2][..], &entries, b"abcdef", br#"""""#].concat()).unwrap();
    assert_eq!(attached.whole(), r#""YWJj"ZGVm""#);
    assert_eq!(attached.length(), attached.whole().len());
    assert!(attached.decode::<Base64>().is_err() && attached.decode::<Value>().is_err());
}

/// A message whose only attachment is a small part of it would be kept alive by that part.
#[test]
fn bytes_keep_little_else_alive() {
    let of = |text: &str, bytes: &[u8]| {
        let mut attachments = Attachments::default();
        attachments.add(1, Bytes::copy_from_slice(bytes));
        let message = message(text.as_bytes(), &attachments).freeze();
        let bytes = Attached::read(&message).unwrap().attachments[0].bytes.as_ptr();
        message.as_ptr_range().contains(&bytes)
    };
    let long = format!(r#"""{}"#, " ".repeat(10_000));
    assert!(of(r#""""#, &[1; 10_000]));
    assert!(!of(&long, &[1; 5000]), "most of the message is text");
    assert!(!of(r#""""#, &[1; 100]), "a short message may be a part of a buffer");
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "shown by `Debug`")]
enum Either {
    Exact { data: Base64, more: u64 },
    Other { data: String },
    Any(Value),
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by `Debug`")]
struct Flat {
    #[serde(flatten)]
    own: Own,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by `Debug`")]
struct Own {
    data: Base64,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by `Debug`")]
struct Lent<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Reads its text twice, as what it is and as bytes.
#[derive(Debug)]
#[expect(dead_code, reason = "shown by `Debug`")]
struct Twice(String, Option<Base64>);

impl<'de> Deserialize<'de> for Twice {
    fn deserialize<D: serde::Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = String::deserialize(de)?;
        let bytes = serde_json::from_str(&format!("\"{text}\"")).ok();
        Ok(Self(text, bytes))
    }
}

fn same<T: DeserializeOwned + std::fmt::Debug>(attached: &Attached) {
    let shown = |read: serde_json::Result<T>| {
        read.map(|value| format!("{value:?}")).map_err(|error| explain(&error))
    };
    assert_eq!(shown(attached.decode()), shown(serde_json::from_str(attached.whole())));
}

#[test]
fn any_type_reads_what_it_would_read_from_the_text() {
    for json in [
        r#""""#,
        r#"["",""]"#,
        r#"{"data":""}"#,
        r#"{"data":"","more":1}"#,
        r#"{"data":"","other":""}"#,
        r#"{"data":[null,""],"x":"\\ud800"}"#,
        r#"{"":1,"data":"YWJj"}"#,
        r#"[[],""]"#,
    ] {
        let mut attachments = Attachments::default();
        for (at, _) in json.match_indices(r#""""#) {
            attachments.add(at + 1, Bytes::from_static(b"\xff\xfe bytes"));
        }
        let message = message(json.as_bytes(), &attachments).freeze();
        let attached = Attached::read(&message).unwrap();
        same::<Base64>(&attached);
        same::<SizedBase64>(&attached);
        same::<String>(&attached);
        same::<char>(&attached);
        same::<u64>(&attached);
        same::<()>(&attached);
        same::<Value>(&attached);
        same::<Box<RawValue>>(&attached);
        same::<Vec<Base64>>(&attached);
        same::<Vec<SizedBase64>>(&attached);
        same::<Vec<String>>(&attached);
        same::<Vec<serde::de::IgnoredAny>>(&attached);
        same::<(Base64, String)>(&attached);
        same::<(Value, Base64)>(&attached);
        same::<Option<Base64>>(&attached);
        same::<Own>(&attached);
        same::<Flat>(&attached);
        same::<Either>(&attached);
        same::<BTreeMap<String, Base64>>(&attached);
        same::<BTreeMap<String, Value>>(&attached);
        same::<BTreeMap<String, Either>>(&attached);
        same::<BTreeMap<String, Box<RawValue>>>(&attached);
        same::<Twice>(&attached);
        same::<Vec<Twice>>(&attached);
        same::<Vec<u8>>(&attached);
        same::<std::time::Duration>(&attached);
        let lent = attached.try_read(|text| serde_json::from_str::<Lent<'_>>(text).map(|_| ()));
        assert!(lent.is_none(), "raw JSON is not given a mark");
    }
}

/// The text of a mark is a text like others where no bytes belong.
#[test]
fn text_that_looks_like_a_mark_is_none() {
    let mut attachments = Attachments::default();
    attachments.add(2, Bytes::from_static(b"abc"));
    let text = format!(r#"["",{MARK}]"#);
    let attached = Attached::read(&message(text.as_bytes(), &attachments).freeze()).unwrap();
    assert!(attached.decode::<[Base64; 2]>().is_err());
    assert!(attached.decode::<(Base64, String)>().is_err(), "as in the text");
    let (bytes, raw) = attached.decode::<(Base64, Box<RawValue>)>().unwrap();
    assert_eq!((&*bytes, raw.get()), (&b"abc"[..], MARK));
}

#[test]
fn a_value_of_a_message_has_its_own_bytes() {
    let attached = read(&example()).unwrap();
    let text = attached.text();
    let value = &text[5..text.len() - 4];
    assert_eq!(value, MARK);
    assert!(attached.are_within(value) && attached.are_within(text));
    assert!(!attached.are_within(&text[..4]) && !attached.are_within("elsewhere"));
    let value = attached.part(value);
    assert_eq!(&*value.decode::<Base64>().unwrap(), b"bytes");
    assert_eq!((value.whole(), value.length()), (r#""Ynl0ZXM=""#, 10));
}
