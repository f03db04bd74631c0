use super::*;

const INFO: &[ParamInfo] = &[ParamInfo::new("name"), ParamInfo::new("greeting")];

/// Decodes params without a call.
fn decode<L: ParamList>(params: Params<'_>, info: &[ParamInfo]) -> Result<L, ErrorObject> {
    decode_list(None, params, info, &mut None)
}

type Greet = (Param<String>, (Param<Option<String>>, ()));

fn greet(params: Option<&str>) -> Result<(String, Option<String>), String> {
    let (name, (greeting, ())) =
        decode::<Greet>(Params::of(params), INFO).map_err(|error| error.message)?;
    Ok((name.into_value(), greeting.into_value()))
}

#[test]
fn params_come_by_position_or_by_name() {
    let both = Ok(("Ada".into(), Some("hi".into())));
    assert_eq!(greet(Some(r#"["Ada","hi"]"#)), both);
    assert_eq!(greet(Some(r#"{"greeting":"hi","name":"Ada"}"#)), both);
    assert_eq!(greet(Some(r#"{"n\u0061me":"Ada","_meta":{"x":1},"greeting":"hi"}"#)), both);
}

#[test]
fn an_optional_parameter_may_be_left_out() {
    let alone = Ok(("Ada".into(), None));
    assert_eq!(greet(Some(r#"["Ada"]"#)), alone);
    assert_eq!(greet(Some(r#"["Ada",null]"#)), alone);
    assert_eq!(greet(Some(r#"{"name":"Ada"}"#)), alone);
    for nothing in [None, Some("null"), Some("[]"), Some("{}")] {
        let (value, ()) =
            decode::<(Param<Option<u8>>, ())>(Params::of(nothing), &INFO[..1]).unwrap();
        assert_eq!(value.into_value(), None);
        assert!(decode::<()>(Params::of(nothing), &[]).is_ok());
    }
}

#[test]
fn an_error_names_the_parameter_and_the_reason() {
    for (params, message) in [
        (None, "missing parameter `name`"),
        (Some("null"), "missing parameter `name`"),
        (Some("[]"), "missing parameter `name`"),
        (Some("{}"), "missing parameter `name`"),
        (Some("[1]"), "parameter `name`: invalid type: integer `1`, expected a string"),
        (
            Some(r#"{"name":"Ada","greeting":[]}"#),
            "parameter `greeting`: invalid type: sequence, expected a string",
        ),
        (Some(r#"["a","b","c","d"]"#), "takes 2 params (name, greeting), got 4"),
        (Some(r#"{"name":"Ada","nick":1}"#), "unknown parameter `nick`"),
        (Some(r#"{"name":"Ada","name":"Eve"}"#), "parameter `name`: given twice"),
    ] {
        assert_eq!(greet(params), Err(message.to_owned()), "{params:?}");
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "String")]
struct Address;

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.contains('@') { Ok(Self) } else { Err("has no `@`") }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct User {
    name: String,
    emails: Vec<Address>,
    first_seen: Option<u32>,
    shape: Option<Shape>,
    notes: std::collections::BTreeMap<String, u8>,
    raw: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only read")]
enum Shape {
    Round { radius: u8 },
    Square,
}

#[test]
fn an_error_says_where_inside_of_a_parameter() {
    const INFO: &[ParamInfo] = &[ParamInfo::new("id"), ParamInfo::new("user")];
    type Add = (Param<u8>, (Param<User>, ()));
    let user = |more: &str| format!(r#"{{"name":"Ada","notes":{{}},"emails":["a@b"]{more}}}"#);
    for (user, path, why) in [
        ("1".into(), "user", "invalid type: integer `1`, expected an object"),
        (r#"{"name":1}"#.into(), "user.name", "invalid type: integer `1`, expected a string"),
        (r#"{"name":"Ada","emails":["a@b","c"]}"#.into(), "user.emails[1]", "has no `@`"),
        (
            user(r#","firstSeen":"x""#),
            "user.firstSeen",
            r#"invalid type: string "x", expected u32"#,
        ),
        (
            user(r#","shape":{"round":{"radius":256}}"#),
            "user.shape.round.radius",
            "invalid value: integer `256`, expected u8",
        ),
        (
            user(r#","shape":"flat""#),
            "user.shape",
            "unknown variant `flat`, expected `round` or `square`",
        ),
        (
            user(r#","raw":{"x":1},"firstSeen":-1"#),
            "user.firstSeen",
            "invalid value: integer `-1`, expected u32",
        ),
        (
            r#"{"notes":{"a b":"x"}}"#.into(),
            "user.notes.a b",
            r#"invalid type: string "x", expected u8"#,
        ),
        (r#"{"name":"Ada","notes":{}}"#.into(), "user", "missing field `emails`"),
        (
            r#"{"nick":1}"#.into(),
            "user.nick",
            "unknown field `nick`, expected one of `name`, `emails`, `firstSeen`, `shape`, \
             `notes`, `raw`",
        ),
    ] {
        for params in [format!("[1,{user}]"), format!(r#"{{"user":{user},"id":1}}"#)] {
            let error = decode::<Add>(Params::of(Some(&params)), INFO).err().unwrap();
            let violations = [Violation::new(path, why)];
            assert_eq!(error.violations().as_deref(), Some(&violations[..]), "{params}");
            let within = path.strip_prefix("user").unwrap().trim_start_matches('.');
            let colon = if within.is_empty() { "" } else { ": " };
            assert_eq!(error.message, format!("parameter `user`: {within}{colon}{why}"));
        }
    }
    let missing = decode::<Add>(Params::of(Some("[1]")), INFO).err().unwrap();
    assert_eq!(missing.violations(), Some(vec![Violation::new("user", "is missing")]));
    let unknown = decode::<Add>(Params::of(Some(r#"{"nick":1}"#)), INFO).err().unwrap();
    assert_eq!(unknown.violations(), None, "no parameter is concerned");
}

/// Gives a different message each time that it is decoded.
#[derive(Debug)]
struct Moody;

impl<'de> Deserialize<'de> for Moody {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        thread_local!(static ASKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });
        de::IgnoredAny::deserialize(de)?;
        ASKED.set(ASKED.get() + 1);
        Err(de::Error::custom(format_args!("no {}", ASKED.get())))
    }
}

#[test]
fn the_place_of_another_complaint_is_not_told() {
    const INFO: &[ParamInfo] = &[ParamInfo::new("a")];
    let decoded = decode::<(Param<Vec<Moody>>, ())>(Params::of(Some("[[1]]")), INFO);
    let violations = decoded.err().unwrap().violations();
    assert_eq!(violations, Some(vec![Violation::new("a", "no 1")]));
}

/// A number that counts how often it is decoded.
#[derive(Debug)]
struct Counted;

thread_local!(static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        u8::deserialize(de).map(|_| Self)
    }
}

/// The message repeats the value, and making the message is expensive each time.
#[test]
fn the_place_of_a_long_value_is_not_looked_for() {
    const INFO: &[ParamInfo] = &[ParamInfo::new("a")];
    for (length, path, read) in [(100, "a[0]", 2), (1_000_000, "a", 1)] {
        READ.set(0);
        let params = format!(r#"[["{}"]]"#, "\\u0007".repeat(length));
        let decoded = decode::<(Param<Vec<Counted>>, ())>(Params::of(Some(&params)), INFO);
        let violations = decoded.err().unwrap().violations().unwrap();
        assert_eq!((&*violations[0].path, READ.get()), (path, read));
        let why = &violations[0].message;
        assert!(why.len() < 400 && why.ends_with("expected u8"), "{why}");
    }
}

#[test]
fn a_default_parameter_may_be_left_out() {
    const INFO: &[ParamInfo] = &[ParamInfo::new("a"), ParamInfo::new("b")];
    type Pair = (Param<i64>, (DefaultParam<i64>, ()));
    let (a, (b, ())) = decode::<Pair>(Params::of(Some("[7]")), INFO).unwrap();
    assert_eq!((a.into_value(), b.into_value()), (7, 0));
}
