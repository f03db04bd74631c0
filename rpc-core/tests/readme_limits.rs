//! README's table of limits says what [`Limits`] says: each limit, in its order, with its default and when to change it.

use rpc_core::Limits;
use serde_json::Value;

const README: &str = include_str!("../../README.md");
const SOURCE: &str = include_str!("../src/limits.rs");

/// The rows of the table: the cells of each.
fn rows() -> Vec<Vec<&'static str>> {
    let table = README.lines().skip_while(|line| !line.starts_with("| limit |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Names and values in the order of the fields.
fn fields(limits: &Limits) -> Vec<(String, Value)> {
    let json = serde_json::to_string(limits).unwrap();
    let members = json.trim_matches(['{', '}']).split(',');
    let member = |member: &str| {
        let (name, value) = member.split_once(':').unwrap();
        (name.trim_matches('"').to_owned(), serde_json::from_str(value).unwrap())
    };
    members.map(member).collect()
}

/// A value as the table has it: `1 MiB`, `131,072`, `10 s`, `0 (off)`.
fn shown(value: &Value, has_unit: bool) -> String {
    let Some(number) = value.as_u64() else {
        let time = humantime::parse_duration(value.as_str().unwrap()).unwrap();
        return format!("{} s", time.as_secs());
    };
    match number {
        0 => "0 (off)".to_owned(),
        _ if has_unit && number % (1 << 20) == 0 => format!("{} MiB", number >> 20),
        _ if has_unit && number % (1 << 10) == 0 => format!("{} KiB", number >> 10),
        1000.. => format!("{},{:03}", number / 1000, number % 1000),
        _ => number.to_string(),
    }
}

#[test]
fn each_limit_is_in_the_table_with_its_defaults() {
    let (server, client) = (fields(&Limits::server()), fields(&Limits::client()));
    let expected: Vec<_> = server
        .iter()
        .zip(&client)
        .zip(rows())
        .map(|(((name, server), (_, client)), row)| {
            let has_unit = row[1].contains("iB");
            let mut default = shown(server, has_unit);
            if server != client {
                default += &format!(", in a client {}", shown(client, has_unit));
            }
            (format!("`{name}`"), default)
        })
        .collect();
    let told: Vec<_> = rows().iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    assert_eq!(told, expected);
    assert_eq!(told.len(), server.len(), "none is left out");
}

#[test]
fn the_docs_say_the_same_about_when_to_change_a_limit() {
    let docs: String = SOURCE
        .lines()
        .map(|line| line.trim().trim_start_matches("/// "))
        .fold(String::new(), |docs, line| docs + line + " ");
    for row in rows() {
        let [name, _, of, beyond, when] = row[..] else { panic!("{row:?}") };
        assert!(!of.is_empty() && !beyond.is_empty(), "{name}");
        assert!(when.starts_with(&format!("Raise {name}")), "{when}");
        assert!(when.contains(&format!(" Lower {name}")), "{when}");
        assert!(docs.contains(when), "{name}: limits.rs does not say \"{when}\"");
    }
}
