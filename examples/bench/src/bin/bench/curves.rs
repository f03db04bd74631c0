//! The cost of a call as the work grows. Each curve says in words which shape is expected.
//!
//! Instructions, beside the least, so that a busy machine says the same; each point is the difference of two runs.

use std::fs;
use std::path::Path;

use bench::Checked;

use crate::args::Options;
use crate::counted;
use crate::machine::Machine;
use crate::probe::Load;
use crate::programs::{Programs, Server};
use crate::table::thousands;
use crate::tools;

struct Curve {
    name: &'static str,
    title: &'static str,
    shape: &'static str,
    points: Vec<Point>,
}

struct Point {
    label: &'static str,
    load: Load,
    /// Calls or messages for each count of the load.
    pieces: u64,
}

const fn point(label: &'static str, words: &'static str, count: u64, pieces: u64) -> Point {
    Point { label, load: Load { words, count, warm_up: 0 }, pieces }
}

pub(crate) fn measure(options: &Options) -> Checked {
    tools::check()?;
    let programs = Programs::build_ours()?;
    let mut text = about(&Machine::this()?);
    for curve in all().into_iter().filter(|curve| options.only.matches(curve.name)) {
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
         server in user space for each call of `add` or each message pushed, and the same of the \
         least (`floor`).\n\n"
    )
}

impl Curve {
    fn measure(self, programs: &Programs) -> Checked<String> {
        let mut section = format!(
            "## {}\n\nExpected: {}\n\n| {} | ours | least | ratio |\n|---|---|---|---|\n",
            self.title, self.shape, self.name
        );
        for Point { label, load, pieces } in self.points {
            let count = |server| counted::instructions(programs, server, load);
            let (ours, least) = (count(Server::Reference)?, count(Server::Floor)?);
            let [each, least_each] = [ours, least].map(|count| thousands(count / pieces as f64));
            section += &format!("| {label} | {each} | {least_each} | {:.2} |\n", ours / least);
        }
        Ok(section + "\n")
    }
}

fn all() -> Vec<Curve> {
    vec![
        Curve {
            name: "outstanding",
            title: "Outstanding calls on a connection",
            shape: "it falls until the wake-ups and system calls are shared by many, and stays there.",
            points: vec![
                point("1", "call --window 1", 4000, 1),
                point("4", "call --window 4", 8000, 1),
                point("16", "call --window 16", 8000, 1),
                point("64", "call --window 64", 20_000, 1),
                point("256", "call --window 256", 20_000, 1),
                point("1,024", "call --window 1024", 40_000, 1),
                point("4,096", "call --window 4096", 80_000, 1),
            ],
        },
        Curve {
            name: "connections",
            title: "Busy connections, one call outstanding on each",
            shape: "flat: a connection knows nothing of the others.",
            points: vec![
                point("10", "call --connections 10", 10_000, 1),
                point("100", "call --connections 100", 10_000, 1),
                point("1,000", "call --connections 1000", 10_000, 1),
            ],
        },
        Curve {
            name: "bytes",
            title: "Length of an echoed message",
            shape: "flat while the envelope is the larger part, then a straight line in the bytes; \
                    ours flatter than the least, which reads a value twice.",
            points: vec![
                point("128", "call --method echo --bytes 128", 2000, 1),
                point("1,024", "call --method echo --bytes 1024", 2000, 1),
                point("4,096", "call --method echo --bytes 4096", 2000, 1),
                point("16,384", "call --method echo --bytes 16384", 1000, 1),
                point("65,536", "call --method echo --bytes 65536", 500, 1),
            ],
        },
        Curve {
            name: "batch",
            title: "Members of a batch, for each member",
            shape: "it falls as the members share a message, and stays there from about 30 on.",
            points: vec![
                point("1", "batch --burst 1", 2000, 1),
                point("10", "batch --burst 10", 1000, 10),
                point("30", "batch --burst 30", 1000, 30),
                point("100", "batch --burst 100", 500, 100),
            ],
        },
        Curve {
            name: "members",
            title: "Members of a group that is published to, for each message",
            shape: "it falls as the members share the reading and writing of the text, and stays there.",
            points: vec![
                point("1", "fanout --connections 1", 500, 1),
                point("10", "fanout --connections 10", 500, 10),
                point("100", "fanout --connections 100", 200, 100),
                point("300", "fanout --connections 300", 100, 300),
            ],
        },
    ]
}
