use super::*;

fn measure(json: &str) -> Option<Complexity> {
    let mut scanner = Scanner::new(json);
    let (text, complexity) = scanner.value()?;
    if scanner.peek().is_some() {
        return None;
    }
    assert_eq!(text, json.trim_matches([' ', '\n', '\r', '\t']));
    Some(complexity)
}

fn plain(depth: usize, tokens: usize) -> Complexity {
    Complexity { depth, tokens, ..Complexity::default() }
}

/// Returns whether serde_json accepts the text.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

#[test]
fn values_and_names_are_counted() {
    for (json, depth, tokens) in [
        ("1", 0, 1),
        ("[]", 1, 1),
        ("[1, -2.5e3,true ,null]", 1, 5),
        (r#"{"a":{"b":[0]}}"#, 3, 6),
        (r#"["]]]\"[[[", "\\"]"#, 1, 3),
        (r#"[{"":0},{"":0}]"#, 2, 7),
    ] {
        assert_eq!(measure(json), Some(plain(depth, tokens)), "{json}");
    }
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(measure(&deep), Some(plain(1000, 1000)));
}

#[test]
fn an_object_that_serde_json_takes_for_something_else_is_seen_whatever_its_name_is_written_like() {
    let escaped: String = "$serde_json::private::RawValue"
        .chars()
        .map(|char| format!("\\u{:04x}", char as u32))
        .collect();
    for (name, is_disguised) in [
        ("$serde_json::private::RawValue", true),
        ("$serde_json::private::Number", true),
        ("$serde_json::private::", true),
        (r"\u0024serde_json::private::RawValue", true),
        (r"$serde_json::pr\u0069vate::RawValue", true),
        (&*escaped, true),
        ("$serde_json::privat", false),
        ("$ref", false),
        (r"\ud800$serde_json::private::RawValue", false),
        (" $serde_json::private::RawValue", false),
        ("serde_json::private::RawValue", false),
    ] {
        for (before, after) in
            [("{", "}"), (r#"[{"":[{"#, "}]}]"), (r#"{"a":1,"#, "}"), ("[1,{ ", "},2]")]
        {
            let json = format!(r#"{before}"{name}":"[1]"{after}"#);
            assert_eq!(measure(&json).unwrap().is_disguised, is_disguised, "{json}");
        }
    }
    assert!(!measure(r#""$serde_json::private::RawValue""#).unwrap().is_disguised, "no name");
}

#[test]
fn what_stands_open_is_remembered_however_deep() {
    let (open, closed) = (r#"[{"":"#.repeat(500), "}]".repeat(500));
    assert_eq!(measure(&format!("{open}0{closed}")).unwrap().depth, 1000);
    for at in 0..closed.len() {
        let mut wrong = closed.clone();
        let other = if &wrong[at..=at] == "}" { "]" } else { "}" };
        wrong.replace_range(at..=at, other);
        assert_eq!(measure(&format!("{open}0{wrong}")), None, "bracket {at}");
    }
}

#[test]
fn every_byte_of_a_string_is_judged_wherever_it_stands() {
    let blocks = [BLOCK - 1, BLOCK, BLOCK + 5, 2 * BLOCK - 1, 2 * BLOCK, 3 * BLOCK + 9];
    for byte in 0..=127u8 {
        for before in (0..20).chain(blocks) {
            for after in [12, 2 * BLOCK] {
                let (before, after) = ("x".repeat(before), "x".repeat(after));
                let json = format!(r#""{before}{}{after}""#, byte as char);
                assert_eq!(measure(&json).is_some(), is_json(&json), "{json:?}");
                let escaped = format!(r#""{before}\{}{after}""#, byte as char);
                assert_eq!(measure(&escaped).is_some(), is_json(&escaped), "{escaped:?}");
            }
        }
    }
    let wide = "\u{80}é𝄞\u{10ffff}";
    assert!(measure(&format!("\"{wide}\"")).is_some());
    assert!(measure(&format!("\"{}\"", wide.repeat(BLOCK))).is_some());
    assert!(measure(&format!("\"{}", "x".repeat(9 * BLOCK))).is_none(), "without an end");
}

#[test]
fn a_member_that_may_hold_what_other_protocols_add_is_seen() {
    for (json, has_meta) in [
        (r#"{"_meta":{}}"#, true),
        (r#"{"a":1, "_meta" : 2}"#, true),
        (r#"[{"_meta":1}]"#, true),
        (r#"{"a":"_meta"}"#, false),
        (r#"["_meta"]"#, false),
        (r#"{"_metal":1,"_":2}"#, false),
    ] {
        assert_eq!(measure(json).unwrap().has_meta, has_meta, "{json}");
    }
}

/// A pseudo-random generator with a fixed seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.roll(from.len())]
    }

    /// Writes a value and returns its complexity.
    fn value(&mut self, levels: usize, out: &mut String) -> Complexity {
        const SPACE: &[&str] = &["", "", "", " ", "\n\t", "\r"];
        const SCALARS: &[&str] =
            &["0", "-0", "12", "-3.25", "1e9", "7E-2", "0.0e+1", "true", "false", "null"];
        const STRINGS: &[&str] = &[
            r#""""#,
            r#""a""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\ud800""#,
            r#""\u00e9é𝄞, long ones""#,
        ];
        out.push_str(self.pick(SPACE));
        let mut found = plain(0, 1);
        match self.roll(if levels > 0 { 4 } else { 2 }) {
            0 => out.push_str(self.pick(SCALARS)),
            1 => out.push_str(self.pick(STRINGS)),
            kind => {
                let brackets = if kind == 2 { ["[", "]"] } else { ["{", "}"] };
                out.push_str(brackets[0]);
                found.depth = 1;
                for member in 0..self.roll(4) {
                    if member > 0 {
                        out.push(',');
                    }
                    if kind == 3 {
                        out.push_str(self.pick(SPACE));
                        out.push_str(self.pick(STRINGS));
                        out.push_str(self.pick(SPACE));
                        out.push(':');
                        found.tokens += 1;
                    }
                    let inner = self.value(levels - 1, out);
                    found.tokens += inner.tokens;
                    found.depth = found.depth.max(1 + inner.depth);
                }
                out.push_str(self.pick(SPACE));
                out.push_str(brackets[1]);
            }
        }
        out.push_str(self.pick(SPACE));
        found
    }

    /// Changes a text in one place. The result may still be valid.
    fn damage(&mut self, text: &str) -> String {
        const PIECES: &[&str] = &[
            "", "", "[", "]", "{", "}", ",", ":", "\"", "\\", "\\u12", "0", "1", "-", ".", "e",
            "+", "t", "nul", " ", "\u{1f}", "\0", "\u{a0}", "é", "//",
        ];
        let mut chars: Vec<char> = text.chars().collect();
        let from = self.roll(chars.len() + 1);
        let until = (from + self.roll(3)).min(chars.len());
        chars.splice(from..until, self.pick(PIECES).chars());
        chars.into_iter().collect()
    }
}

#[test]
fn what_is_json_is_so_for_serde_json_and_measured_right() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut json = String::new();
        let complexity = dice.value(4, &mut json);
        assert_eq!(measure(&json), Some(complexity), "{json:?}");
        assert!(is_json(&json), "{json:?}");
        for _ in 0..5 {
            json = dice.damage(&json);
            let accepted = measure(&json).is_some();
            assert_eq!(accepted, is_json(&json), "{json:?}");
            refused += usize::from(!accepted);
        }
    }
    assert!(refused > 10_000, "the damage shows: {refused}");
}
