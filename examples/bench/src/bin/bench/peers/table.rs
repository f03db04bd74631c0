//! The results as a table in Markdown: a line for each figure, a column for each library.

use std::sync::LazyLock;

use serde_json::Value;

use super::cases::{Case, Figure};
use super::player::Player;
use super::{Measured, Played};
use crate::machine::Machine;
use crate::row::Unit;
use crate::spread::Spread;
use crate::table::{thousands, value};

pub(crate) static HEAD: LazyLock<String> = LazyLock::new(|| {
    let names = Player::ALL.map(|player| format!(" {} |", player.name())).concat();
    format!("| case | figure |{names}\n|---|---|{}", "---|".repeat(Player::ALL.len()))
});

pub(crate) fn markdown(measured: &[Measured], machine: &Machine, rounds: usize) -> String {
    let about = format!(
        "# Beside what others use\n\n\
         Measured by `cargo run --release -p bench -- --peers` on: {machine}; the median of {rounds} \
         rounds. In brackets, how many times ours it is, the median of the ratios within each round: \
         for processor time and memory more than 1 is in our favour, for what is moved in a second \
         less than 1.\n\n\
         Each library is on both ends, as its own docs say; its settings stand at the top of its \
         program in `examples/bench/peers`. The server runs on one core, the client on the other. A \
         call is `add(a, b)`; small items are numbers, chunks 64 KiB of bytes. This framework and \
         tarpc write JSON, in which bytes are base64; all others move bytes as bytes. The client of \
         socketioxide is a minimal one, as there is none that takes many calls at once. The streams \
         are endless, and a while of each is measured; at a round trip of 100 ms the seconds 3 to \
         10, over a line that delays, and shares a core with the client. What is pushed is counted \
         for each who gets it. An empty cell is what a library does not have, or where its program failed.\n\n"
    );
    let lines: Vec<_> = measured.iter().flat_map(lines).collect();
    format!("{about}{}\n{}\n", *HEAD, lines.join("\n"))
}

/// Of a case.
pub(crate) fn lines(measured: &Measured) -> Vec<String> {
    let Measured { case, played } = measured;
    let of = |player| played.iter().find(|played| played.player == player);
    let line = |figure: &Figure| {
        let values =
            |player| of(player).map(|played| played.values(case, *figure)).unwrap_or_default();
        let ours = values(Player::Ours);
        let cells = Player::ALL
            .map(|player| format!(" {} |", cell(*figure, player, &values(player), &ours)));
        format!("| {} | {} |{}", case.title, figure.title(), cells.concat())
    };
    case.figures.iter().map(line).collect()
}

fn cell(figure: Figure, player: Player, values: &[f64], ours: &[f64]) -> String {
    let Some(spread) = Spread::of(values.iter().copied()) else { return String::new() };
    let value = figure.written(spread.median);
    match Spread::of_ratios(values, ours) {
        Some(ratio) if player != Player::Ours && ratio.median.is_finite() => {
            format!("{value} ({:.2})", ratio.median)
        }
        _ => value,
    }
}

impl Played {
    /// One for each round.
    fn values(&self, case: &Case, figure: Figure) -> Vec<f64> {
        self.rounds.iter().filter_map(|found| figure.of(found, case.piece)).collect()
    }
}

impl Figure {
    /// From what a client has printed.
    pub(super) fn of(self, found: &Value, piece: u64) -> Option<f64> {
        let number = |name: &str| found[name].as_f64();
        let pieces = number("count")? / piece as f64;
        let seconds = number("wall_ns")? / 1e9;
        let value = match self {
            Self::ServerCpu => number("server_ns")? / pieces,
            Self::ClientCpu => number("client_ns")? / pieces,
            Self::Rate => pieces / seconds,
            Self::Megabytes => number("count")? / seconds / 1e6,
            Self::ServerBytes => number("server_bytes")? / pieces,
            Self::ClientBytes => number("client_bytes")? / pieces,
        };
        Some(value)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::ServerCpu => "server CPU",
            Self::ClientCpu => "client CPU",
            Self::Rate => "in a second",
            Self::Megabytes => "MB in a second",
            Self::ServerBytes => "server, resident",
            Self::ClientBytes => "client, resident",
        }
    }

    fn written(self, number: f64) -> String {
        match self {
            Self::ServerCpu | Self::ClientCpu => value(Unit::Nanoseconds, number),
            Self::Rate => thousands(number),
            Self::Megabytes => format!("{number:.1}"),
            Self::ServerBytes | Self::ClientBytes => value(Unit::Bytes, number),
        }
    }
}
