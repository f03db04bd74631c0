//! Processor time for each call, as bars in an SVG.
//!
//! The scale is logarithmic: between one call at a time and many at once lie two powers of ten.

use crate::machine::Machine;
use crate::row::Measured;
use crate::spread::Spread;
use crate::svg::{GREY, head, rectangle, text};

const ROWS: [(&str, &str); 6] = [
    ("w1", "server, 1 at a time"),
    ("w16", "server, 16 at once"),
    ("w256", "server, 256 at once"),
    ("client-w1", "client, 1 at a time"),
    ("client-w16", "client, 16 at once"),
    ("client-w256", "client, 256 at once"),
];

const LEAST: &str = GREY;
const OURS: &str = "#2f81f7";
const JSONRPSEE: &str = "#d18616";

const WIDTH: f64 = 760.0;
/// Where the bars begin.
const LEFT: f64 = 150.0;
/// Beyond the longest bar, for its number.
const RIGHT: f64 = 70.0;
const TOP: f64 = 64.0;
const BAR: f64 = 14.0;
const GROUP: f64 = 3.0 * BAR + 14.0;

/// Where the scale begins and ends, in microseconds.
const LOW: f64 = 0.1;
const HIGH: f64 = 100.0;

pub(crate) fn svg(rows: &[Measured], machine: &Machine) -> String {
    let groups = ROWS.iter().filter_map(|(name, title)| {
        Some((rows.iter().find(|measured| measured.row.name == *name)?, *title))
    });
    let groups: Vec<_> = groups.collect();
    let bottom = TOP + GROUP * groups.len() as f64;
    let title = "Processor time for each call, in microseconds";
    let mut svg = head(title, WIDTH, bottom + 40.0) + &legend() + &scale(bottom);
    for (index, (measured, title)) in groups.iter().enumerate() {
        svg += &group(TOP + GROUP * index as f64, title, measured);
    }
    svg += &text(0.0, bottom + 32.0, "start", &machine.to_string());
    svg + "</svg>\n"
}

fn legend() -> String {
    let title = "processor time for each call, in µs, logarithmic: shorter is better";
    let entries =
        [(LEAST, "the least that it can cost"), (OURS, "this framework"), (JSONRPSEE, "jsonrpsee")];
    let mut legend = text(0.0, 14.0, "start", title);
    for (index, (colour, name)) in entries.into_iter().enumerate() {
        let x = LEFT + 190.0 * index as f64;
        legend += &rectangle(x, 26.0, 12.0, BAR - 2.0, colour);
        legend += &text(x + 18.0, 37.0, "start", name);
    }
    legend
}

/// A line for each power of ten.
fn scale(bottom: f64) -> String {
    let line = |power: f64| {
        let x = position(power);
        let line = format!(
            "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"{GREY}\" stroke-opacity=\".35\"/>\n"
        );
        line + &text(x, bottom + 14.0, "middle", &power.to_string())
    };
    [LOW, 1.0, 10.0, HIGH].map(line).concat()
}

fn group(top: f64, title: &str, measured: &Measured) -> String {
    let mut group = text(LEFT - 8.0, top + 1.5 * BAR + 4.0, "end", title);
    let bars = [(LEAST, &measured.least), (OURS, &measured.ours), (JSONRPSEE, &measured.jsonrpsee)];
    for (index, (colour, values)) in bars.into_iter().enumerate() {
        let Some(spread) = Spread::of(values.iter().copied()) else { continue };
        let microseconds = spread.median / 1000.0;
        let (y, end) = (top + BAR * index as f64, position(microseconds));
        group += &rectangle(LEFT, y, end - LEFT, BAR - 2.0, colour);
        group += &text(end + 5.0, y + 10.5, "start", &format!("{microseconds:.2}"));
    }
    group
}

fn position(microseconds: f64) -> f64 {
    let share = (microseconds.clamp(LOW, HIGH) / LOW).log10() / (HIGH / LOW).log10();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_as_much_is_one_step_further() {
        let step = position(1.0) - position(LOW);
        assert!((position(10.0) - position(1.0) - step).abs() < 1e-6);
        assert!((position(1e9) - position(HIGH)).abs() < 1e-6);
    }
}
