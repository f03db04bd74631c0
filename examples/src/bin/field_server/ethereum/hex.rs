//! Numbers and bytes as this protocol writes them.

use std::fmt::Write;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// `0x1f`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(pub(crate) u64);

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:#x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| D::Error::custom("no `0x`"))?;
        u64::from_str_radix(digits, 16).map(Self).map_err(D::Error::custom)
    }
}

/// Bytes: `0x00ff`. They are kept as they are written, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Data(String);

impl Data {
    /// So many bytes, of which the last ones are `number`.
    pub(crate) fn padded(bytes: usize, number: u64) -> Self {
        Self(format!("0x{number:0width$x}", width = 2 * bytes))
    }

    pub(crate) fn from_hex(hex: &str) -> Self {
        Self(hex.to_ascii_lowercase())
    }

    /// `Error(string)`, as contracts say why they refuse.
    pub(crate) fn error(why: &str) -> Self {
        assert!(why.len() <= 32, "it fits into one word");
        let mut hex = format!("0x08c379a0{:064x}{:064x}", 32, why.len());
        for at in 0..32 {
            let byte = why.as_bytes().get(at).copied().unwrap_or(0);
            write!(hex, "{byte:02x}").expect("a `String` takes all");
        }
        Self(hex)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.strip_prefix("0x") {
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                Ok(Self::from_hex(&text))
            }
            _ => Err(D::Error::custom("not bytes: `0x` and hex digits")),
        }
    }
}
