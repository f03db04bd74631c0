//! The results as a table in Markdown.

use crate::machine::Machine;
use crate::row::{Measured, Target, Unit};
use crate::spread::Spread;

const HEAD: &str = "\
| case | target | met | ours / least | jsonrpsee / least | ours | least | jsonrpsee |
|---|---|---|---|---|---|---|---|
";

/// Above the table.
fn about(machine: &Machine, rounds: usize) -> String {
    format!(
        "# What calls cost, beside the least that they can cost\n\n\
         Measured by `cargo run --release -p bench` on: {machine}; {rounds} rounds, the median and \
         (least to most).\n\
         Servers run on one core, their load on the other. *Least* is what a program written for \
         this one case needs on tokio-tungstenite: for servers `floor`, for clients `minimal`, \
         without limits, deadlines or cancellation. A ratio is taken within each round. CPU is \
         processor time for each call of `add(a, b)` or for each message pushed, memory for each \
         connection. Counts (instructions, sends) are differences of two runs.\n\n"
    )
}

pub(crate) fn markdown(rows: &[Measured], machine: &Machine, rounds: usize) -> String {
    let mut table = about(machine, rounds) + HEAD;
    for row in rows {
        table += &line(row);
        table.push('\n');
    }
    table
}

/// A row of it.
pub(crate) fn line(measured: &Measured) -> String {
    let row = &measured.row;
    let met = measured.is_met().map_or("", |met| if met { "yes" } else { "**no**" });
    let target = match row.target {
        Target::Ratio(most) => format!("≤ {most} × least"),
        Target::More(most) => format!("≤ least + {}", value(row.unit, most)),
        Target::Absolute(most) => format!("≤ {}", value(row.unit, most)),
        Target::None => String::new(),
    };
    let [ours, least, jsonrpsee] = [&measured.ours, &measured.least, &measured.jsonrpsee]
        .map(|values| median(row.unit, values));
    let [ratio, jsonrpsee_ratio] = [measured.ratio(), measured.jsonrpsee_ratio()]
        .map(|ratio| ratio.map_or_else(String::new, spread));
    let title = row.title;
    format!(
        "| {title} | {target} | {met} | {ratio} | {jsonrpsee_ratio} | {ours} | {least} | {jsonrpsee} |"
    )
}

fn spread(Spread { median, min, max }: Spread) -> String {
    #[expect(clippy::float_cmp, reason = "they are one value, or they are not")]
    if min == max { format!("{median:.2}") } else { format!("{median:.2} ({min:.2}–{max:.2})") }
}

fn median(unit: Unit, values: &[f64]) -> String {
    Spread::of(values.iter().copied()).map_or_else(String::new, |spread| value(unit, spread.median))
}

pub(crate) fn value(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Nanoseconds => format!("{:.2} µs", value / 1000.0),
        Unit::Instructions => thousands(value),
        Unit::Allocations => format!("{value:.2}"),
        Unit::Sends => format!("{value:.4}"),
        Unit::Bytes => format!("{:.1} KiB", value / 1024.0),
    }
}

/// 12,345.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_their_unit() {
        assert_eq!(value(Unit::Nanoseconds, 612.0), "0.61 µs");
        assert_eq!(value(Unit::Instructions, 1_234_567.4), "1,234,567");
        assert_eq!(value(Unit::Instructions, 999.0), "999");
        assert_eq!(value(Unit::Bytes, 8192.0), "8.0 KiB");
    }
}
