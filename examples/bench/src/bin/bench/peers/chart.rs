//! The cost of the others as a multiple of the cost of this framework, as dots in an SVG: a line for each case.
//!
//! The scale is logarithmic, and the line in the middle is this framework: who is right of the line costs more.

use super::cases::Figure;
use super::player::Player;
use super::{Measured, Played};
use crate::machine::Machine;
use crate::spread::Spread;
use crate::svg::{GREY, dot, head, rectangle, text};

const WIDTH: f64 = 760.0;
/// Where the scale begins.
const LEFT: f64 = 320.0;
/// Beyond the end of the scale, for half of its last number.
const RIGHT: f64 = 20.0;
const TOP: f64 = 70.0;
const LINE: f64 = 22.0;

/// Where the scale begins and ends.
const LOW: f64 = 0.05;
const HIGH: f64 = 50.0;

/// The others, with their colours.
const OTHERS: [(Player, &str); 7] = [
    (Player::Tcp, GREY),
    (Player::Tonic, "#2f81f7"),
    (Player::Tarpc, "#3fb950"),
    (Player::Remoc, "#a371f7"),
    (Player::Socketioxide, "#d18616"),
    (Player::Ws, "#f778ba"),
    (Player::RpcWebsockets, "#f85149"),
];

pub(crate) fn svg(measured: &[Measured], machine: &Machine) -> String {
    let bottom = TOP + LINE * measured.len() as f64;
    let title = "What others cost, as a multiple of what this framework costs";
    let mut svg = head(title, WIDTH, bottom + 44.0) + &legend() + &scale(bottom);
    for (index, measured) in measured.iter().enumerate() {
        svg += &line(TOP + LINE * (index as f64 + 0.5), measured);
    }
    svg += &text(0.0, bottom + 36.0, "start", &machine.to_string());
    svg + "</svg>\n"
}

fn legend() -> String {
    let title =
        "cost of the others, as a multiple of ours, logarithmic: who is right of 1 costs more";
    let mut legend = text(0.0, 14.0, "start", title);
    for (index, (player, colour)) in OTHERS.into_iter().enumerate() {
        let (x, y) = (5.0 + 190.0 * (index % 4) as f64, 32.0 + 18.0 * (index / 4) as f64);
        legend += &dot(x, y, colour);
        legend += &text(x + 12.0, y + 4.0, "start", &player.name().replace('`', ""));
    }
    legend
}

/// A line for each power of ten; that of 1 is this framework.
fn scale(bottom: f64) -> String {
    let line = |multiple: f64, width: f64| {
        let x = position(multiple);
        rectangle(x - width / 2.0, TOP, width, bottom - TOP, GREY)
            + &text(x, bottom + 14.0, "middle", &multiple.to_string())
    };
    line(0.1, 0.5) + &line(1.0, 2.0) + &line(10.0, 0.5)
}

fn line(y: f64, measured: &Measured) -> String {
    let title = format!("{}: {}", measured.case.title, measured.costs());
    let mut line = text(LEFT - 14.0, y + 4.0, "end", &title);
    for (player, colour) in OTHERS {
        if let Some(multiple) = measured.multiple(player) {
            line += &dot(position(multiple), y, colour);
        }
    }
    line
}

fn position(multiple: f64) -> f64 {
    let share = (multiple.clamp(LOW, HIGH) / LOW).log10() / (HIGH / LOW).log10();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

impl Measured {
    /// The kind of the costs that are compared.
    fn costs(&self) -> &'static str {
        match self.case.figures {
            [Figure::ServerCpu, ..] => "CPU",
            [Figure::ServerBytes, ..] => "memory",
            _ => "time",
        }
    }

    /// How many times ours it is, of both ends together; the median of the ratios within each round.
    fn multiple(&self, player: Player) -> Option<f64> {
        let costs = |player| {
            let played = self.played.iter().find(|played| played.player == player)?;
            Some(played.costs(self))
        };
        Some(Spread::of_ratios(&costs(player)?, &costs(Player::Ours)?)?.median)
    }
}

impl Played {
    fn costs(&self, measured: &Measured) -> Vec<f64> {
        let cost = |found| {
            let of = |figure: Figure| figure.of(found, measured.case.piece);
            match measured.case.figures {
                [first @ (Figure::ServerCpu | Figure::ServerBytes), second, ..] => {
                    Some(of(*first)? + of(*second)?)
                }
                [rate, ..] => Some(1.0 / of(*rate)?),
                [] => None,
            }
        };
        self.rounds.iter().filter_map(cost).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_as_much_is_one_step_further_and_what_is_too_much_stays_on_the_chart() {
        let step = position(10.0) - position(1.0);
        assert!((position(1.0) - position(0.1) - step).abs() < 1e-6);
        assert!((position(1e9) - position(HIGH)).abs() < 1e-6);
    }
}
