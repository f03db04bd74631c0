//! Beside what others take for calls and streams: each library with both of its ends, as its own docs say.
//!
//! A case is played by all in turn, round after round; each gets a server of its own, which has served nothing else.
//! A library that cannot play a case says so, and its cell stays empty.

mod cases;
mod chart;
mod player;
mod table;

use std::fs;
use std::path::Path;

use bench::Checked;
use serde_json::{Value, json};

use crate::args::Options;
use crate::machine::Machine;
use crate::programs::Programs;
use crate::server::{FIRST_CORE, Running, SECOND_CORE, run};
use crate::tools;
use cases::Case;
use player::{Installed, Player};

/// The results of one library in one case: the output of its client, for each round.
struct Played {
    player: Player,
    rounds: Vec<Value>,
}

/// A case with what all have found.
struct Measured {
    case: Case,
    played: Vec<Played>,
}

pub(crate) fn measure(options: &Options) -> Checked {
    tools::check()?;
    let chosen =
        cases::all(options.quick).into_iter().filter(|case| options.only.matches(case.name));
    let chosen: Vec<_> = chosen.collect();
    if chosen.is_empty() {
        return Err("no case has such a name".into());
    }
    let programs = Programs::build_peers()?;
    let installed = Installed::all(&programs.target()?)?;
    println!("{}", table::HEAD.as_str());
    let mut measured = Vec::new();
    for case in chosen {
        let found = case.measure(&programs, &installed, options.rounds)?;
        for line in table::lines(&found) {
            println!("{line}");
        }
        measured.push(found);
    }
    if options.only.0.is_some() {
        return Ok(());
    }
    write(&measured, &programs, options)
}

/// Some cases alone, or those of a hurry, replace nothing.
fn write(measured: &[Measured], programs: &Programs, options: &Options) -> Checked {
    let machine = Machine::this()?;
    let directory = if options.quick {
        programs.scratch.join("quick")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
    };
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("peers.md"), table::markdown(measured, &machine, options.rounds))?;
    fs::write(directory.join("peers.svg"), chart::svg(measured, &machine))?;
    let rows: Vec<_> = measured.iter().map(|measured| measured.to_json().to_string()).collect();
    let machine = serde_json::to_string(&machine)?;
    let raw = format!("{{\"machine\":{machine},\n\"cases\":[\n{}\n]}}\n", rows.join(",\n"));
    Ok(fs::write(directory.join("peers.json"), raw)?)
}

impl Measured {
    fn to_json(&self) -> Value {
        let played = self
            .played
            .iter()
            .map(|played| (played.player.name().to_owned(), json!(played.rounds)));
        json!({ "name": self.case.name, "played": Value::Object(played.collect()) })
    }
}

impl Case {
    fn measure(
        self,
        programs: &Programs,
        installed: &Installed,
        rounds: usize,
    ) -> Checked<Measured> {
        let mut played: Vec<_> =
            Player::ALL.map(|player| Played { player, rounds: Vec::new() }).into();
        for _ in 0..rounds {
            let mut able = Vec::new();
            for mut played in played {
                match self.play(programs, installed, played.player) {
                    // It cannot.
                    Ok(Value::Null) => {}
                    Ok(found) => {
                        played.rounds.push(found);
                        able.push(played);
                    }
                    Err(error) if played.player == Player::Ours => return Err(error),
                    // Half an hour of the others is not lost with it.
                    Err(error) => eprintln!("`{}`, {}: {error}", self.name, played.player.name()),
                }
            }
            played = able;
        }
        Ok(Measured { case: self, played })
    }

    /// Once, by one of them. Null if it cannot.
    fn play(&self, programs: &Programs, installed: &Installed, player: Player) -> Checked<Value> {
        let server = Running::start(FIRST_CORE, &installed.words(programs, player, &["server"]))?;
        let line = match self.delay_ms {
            0 => None,
            ms => Some(Running::start(SECOND_CORE, &programs.delay(&server.url, ms))?),
        };
        let address = line.as_ref().map_or(&server.url, |line| &line.url);
        let [first, second] = self.numbers.map(|number| number.to_string());
        let words = ["client", self.plays, address, &server.pid(), &first, &second];
        let found = run(SECOND_CORE, &installed.words(programs, player, &words))?;
        if let Some(line) = line {
            line.stop()?;
        }
        server.stop()?;
        Ok(found)
    }
}
