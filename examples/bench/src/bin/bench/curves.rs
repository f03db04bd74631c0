//! The cost of a call as the work grows. Each curve says in words which shape is expected.
//!
//! Instructions, so that a busy machine says the same; each point is the difference of two runs. For what is held
//! and not done, resident bytes.

mod all;

use std::fs;
use std::path::Path;

use bench::Checked;

use crate::args::Options;
use crate::machine::Machine;
use crate::probe::Probe;
use crate::programs::Programs;
use crate::row::Unit;
use crate::table::value;
use crate::tools;

struct Curve {
    name: &'static str,
    title: &'static str,
    shape: &'static str,
    unit: Unit,
    points: Vec<Point>,
}

struct Point {
    label: &'static str,
    ours: Probe,
    /// `None` if the least program does not have this at all.
    least: Option<Probe>,
    /// Calls or messages for each count of the load.
    pieces: f64,
}

pub(crate) fn measure(options: &Options) -> Checked {
    tools::check()?;
    let programs = Programs::build_ours()?;
    let mut text = about(&Machine::this()?);
    for curve in all::curves().into_iter().filter(|curve| options.only.matches(curve.name)) {
        let section = curve.measure(&programs)?;
        println!("{section}");
        text += &section;
    }
    if options.only.0.is_some() {
        return Ok(());
    }
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::create_dir_all(&results)?;
    Ok(fs::write(results.join("curves.md"), text)?)
}

fn about(machine: &Machine) -> String {
    format!(
        "# What work costs as it grows\n\n\
         Measured by `cargo run --release -p bench -- --curves` on: {machine}. Instructions of a \
         server in user space for each call, item or message pushed, and the same of the least \
         (`floor`) where it has such calls.\n\n"
    )
}

impl Curve {
    fn measure(self, programs: &Programs) -> Checked<String> {
        let mut section = format!(
            "## {}\n\nExpected: {}\n\n| {} | ours | least | ratio |\n|---|---|---|---|\n",
            self.title, self.shape, self.name
        );
        for Point { label, ours, least, pieces } in self.points {
            let measure = |probe: Probe| Checked::Ok(probe.ready(programs)?.measure()? / pieces);
            let (ours, least) = (measure(ours)?, least.map(measure).transpose()?);
            let ratio = least.map(|least| format!("{:.2}", ours / least)).unwrap_or_default();
            let least = least.map(|least| value(self.unit, least)).unwrap_or_default();
            section += &format!("| {label} | {} | {least} | {ratio} |\n", value(self.unit, ours));
        }
        Ok(section + "\n")
    }
}
