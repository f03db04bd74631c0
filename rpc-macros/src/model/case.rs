//! The styles of `rename_all` for names on the wire, under serde's names for the styles.

/// A style for names of several words.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    /// Every style, with its name in the attribute.
    pub(crate) const ALL: [(&str, Self); 8] = [
        ("lowercase", Self::Lower),
        ("UPPERCASE", Self::Upper),
        ("PascalCase", Self::Pascal),
        ("camelCase", Self::Camel),
        ("snake_case", Self::Snake),
        ("SCREAMING_SNAKE_CASE", Self::ScreamingSnake),
        ("kebab-case", Self::Kebab),
        ("SCREAMING-KEBAB-CASE", Self::ScreamingKebab),
    ];

    /// Returns the style with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, case)| *case)
    }

    /// Converts `name` from Rust's `snake_case` to this style.
    pub(crate) fn apply(self, name: &str) -> String {
        let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
        match self {
            Self::Lower => words.concat().to_lowercase(),
            Self::Upper => words.concat().to_uppercase(),
            Self::Pascal => words.iter().map(|word| capitalized(word)).collect(),
            Self::Camel => {
                let (first, rest) = words.split_first().unwrap_or((&"", &[]));
                let rest: String = rest.iter().map(|word| capitalized(word)).collect();
                first.to_lowercase() + &rest
            }
            Self::Snake => words.join("_").to_lowercase(),
            Self::ScreamingSnake => words.join("_").to_uppercase(),
            Self::Kebab => words.join("-").to_lowercase(),
            Self::ScreamingKebab => words.join("-").to_uppercase(),
        }
    }

    /// Puts `word` before a name that is already in this style: `unsubscribe` before `ticks`.
    pub(crate) fn put_before(self, word: &str, name: &str) -> String {
        let word = self.apply(word);
        let mut rest = name.chars();
        match self {
            Self::Lower | Self::Upper => word + name,
            Self::Pascal | Self::Camel => {
                let first = rest.next().map(char::to_uppercase);
                word.chars().chain(first.into_iter().flatten()).chain(rest).collect()
            }
            Self::Snake | Self::ScreamingSnake => word + "_" + name,
            Self::Kebab | Self::ScreamingKebab => word + "-" + name,
        }
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars.flat_map(char::to_lowercase)).collect()
}

#[test]
fn each_style_spells_two_words_its_own_way() {
    for (style, spelled) in [
        ("lowercase", "whois"),
        ("UPPERCASE", "WHOIS"),
        ("PascalCase", "WhoIs"),
        ("camelCase", "whoIs"),
        ("snake_case", "who_is"),
        ("SCREAMING_SNAKE_CASE", "WHO_IS"),
        ("kebab-case", "who-is"),
        ("SCREAMING-KEBAB-CASE", "WHO-IS"),
    ] {
        let style = Case::named(style).unwrap();
        assert_eq!(style.apply("who_is"), spelled);
        assert_eq!(style.put_before("who", &style.apply("is")), spelled);
    }
}

#[test]
fn a_name_that_is_given_stays_as_it_is_behind_a_word() {
    assert_eq!(Case::Camel.put_before("unsubscribe", "newHeads"), "unsubscribeNewHeads");
    assert_eq!(Case::Snake.put_before("unsubscribe", "newHeads"), "unsubscribe_newHeads");
}
