//! Values with bytes come as they were, and no bytes on the wire do harm.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::base64::Base64;
use crate::util::bounded_writer::BoundedWriter;

/// A value with bytes among others.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Node {
    Bytes(Base64),
    Text(String),
    List(Vec<Node>),
    Named { name: String, data: Option<Base64>, more: Box<Node> },
}

fn bytes() -> impl Strategy<Value = Base64> {
    let length = prop_oneof![0..20_usize, LEAST - 2..LEAST + 2, Just(3 * LEAST)];
    (length, any::<u8>()).prop_map(|(length, seed)| {
        (0..length).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed)).collect()
    })
}

fn text() -> impl Strategy<Value = String> {
    let odd = ["", "\\ud800", "\"\""].map(str::to_owned).to_vec();
    prop_oneof![prop::sample::select(odd), "\\PC{0,9}"]
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![bytes().prop_map(Node::Bytes), text().prop_map(Node::Text)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let named = (text(), prop::option::of(bytes()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Node::List),
            named.prop_map(|(name, data, more)| Node::Named { name, data, more: more.into() }),
        ]
    })
}

fn written(node: &Node, limit: usize) -> Option<(BytesMut, Attachments)> {
    let (mut text, mut attachments) = (BytesMut::new(), Attachments::default());
    let out = BoundedWriter::new(&mut text, limit, 0);
    serde_json::to_writer(out.with_attachments(Some(&mut attachments)), node).ok()?;
    Some((text, attachments))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_value_comes_as_it_was(node in node()) {
        let expected = serde_json::to_string(&node).unwrap();
        let (text, attachments) = written(&node, usize::MAX).unwrap();
        prop_assert_eq!(text.len() + attachments.absent(), expected.len());
        prop_assert_eq!(fill(&text, &attachments), expected.as_bytes());
        // The limit is that of the text.
        prop_assert!(written(&node, expected.len()).is_some());
        prop_assert!(written(&node, expected.len() - 1).is_none());
        if attachments.is_empty() {
            prop_assert_eq!(&text[..], expected.as_bytes());
            return Ok(());
        }
        let message = message(&text, &attachments).freeze();
        prop_assert!(is_attached(&message) && str::from_utf8(&message).is_err());
        prop_assert_eq!(whole(&message).unwrap(), expected.as_bytes());
        let attached = Attached::read(&message).unwrap();
        prop_assert!(attached.try_read(serde_json::from_str::<Node>).is_some(), "by the short way");
        prop_assert_eq!(attached.decode::<Node>().unwrap(), node);
        prop_assert_eq!(attached.whole(), &expected);
        prop_assert_eq!(attached.decode::<Value>().unwrap(), serde_json::from_str::<Value>(&expected).unwrap());
        let part = attached.part(attached.text());
        prop_assert_eq!(part, attached);
    }

    /// The two ways to take a message apart agree.
    #[test]
    fn no_bytes_do_harm(
        count in 0..4_u8,
        entries in prop::collection::vec((prop_oneof![0..12_u32, any::<u32>()], 0..12_u32), 0..4),
        rest in "[\"a-c,\\[\\]]{0,20}",
        tail in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let entries = entries.iter().flat_map(|(at, length)| [at.to_be_bytes(), length.to_be_bytes()].concat());
        let head: Vec<u8> = [FIRST, count].into_iter().chain(entries).collect();
        let message = Bytes::from([&head[..], &tail, rest.as_bytes()].concat());
        let attached = Attached::read(&message);
        let whole = whole(&message).and_then(|whole| String::from_utf8(whole.into()).ok());
        prop_assert_eq!(attached.as_ref().map(Attached::whole), whole.as_deref());
        if let Some(attached) = attached {
            prop_assert_eq!(attached.length(), attached.whole().len());
            prop_assert!(attached.attachments.iter().map(|it| it.bytes.len()).sum::<usize>() <= message.len());
            let same = |one: serde_json::Result<Value>| one.ok();
            prop_assert_eq!(same(attached.decode()), same(serde_json::from_str(attached.whole())));
            let _ = attached.decode::<Vec<Base64>>();
        }
    }
}
