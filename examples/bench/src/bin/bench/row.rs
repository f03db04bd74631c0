//! A row of the table: one case, measured for all who take part.

use bench::Checked;

use crate::probe::{Probe, Ready};
use crate::programs::Programs;
use crate::spread::Spread;

/// What is to be measured.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: Unit,
    pub(crate) target: Target,
    pub(crate) ours: Probe,
    pub(crate) least: Probe,
    pub(crate) jsonrpsee: Option<Probe>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Instructions,
    Allocations,
    Sends,
    Bytes,
}

/// What our number should not exceed.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// So many times the least.
    Ratio(f64),
    /// So much more than the least, in the row's unit.
    More(f64),
    /// In the row's unit.
    Absolute(f64),
    /// It is only shown.
    None,
}

/// A row with its numbers, one for each round.
pub(crate) struct Measured {
    pub(crate) row: Row,
    pub(crate) ours: Vec<f64>,
    pub(crate) least: Vec<f64>,
    pub(crate) jsonrpsee: Vec<f64>,
}

impl Row {
    pub(crate) fn measure(self, programs: &Programs, rounds: usize) -> Checked<Measured> {
        let name = self.name;
        self.measure_all(programs, rounds).map_err(|error| format!("`{name}`: {error}").into())
    }

    fn measure_all(self, programs: &Programs, rounds: usize) -> Checked<Measured> {
        let [ours, least] = [self.ours.ready(programs)?, self.least.ready(programs)?];
        let jsonrpsee = self.jsonrpsee.map(|probe| probe.ready(programs)).transpose()?;
        let rounds = rounds.min(self.ours.most_rounds());
        let mut measured = Measured { row: self, ours: vec![], least: vec![], jsonrpsee: vec![] };
        for _ in 0..rounds {
            measured.least.push(least.measure()?);
            measured.ours.push(ours.measure()?);
            measured.jsonrpsee.extend(jsonrpsee.as_ref().map(Ready::measure).transpose()?);
        }
        Ok(measured)
    }
}

impl Measured {
    /// Ours to the least.
    pub(crate) fn ratio(&self) -> Option<Spread> {
        Spread::of_ratios(&self.ours, &self.least)
    }

    /// jsonrpsee's to the least.
    pub(crate) fn jsonrpsee_ratio(&self) -> Option<Spread> {
        Spread::of_ratios(&self.jsonrpsee, &self.least)
    }

    /// None if there is no target.
    pub(crate) fn is_met(&self) -> Option<bool> {
        match self.row.target {
            Target::Ratio(most) => self.ratio().map(|ratio| ratio.median <= most),
            Target::More(most) => {
                let more = self.ours.iter().zip(&self.least).map(|(ours, least)| ours - least);
                Spread::of(more).map(|more| more.median <= most)
            }
            Target::Absolute(most) => {
                Spread::of(self.ours.iter().copied()).map(|ours| ours.median <= most)
            }
            Target::None => None,
        }
    }
}
