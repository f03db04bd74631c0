//! A survey as text.

use std::fmt::Write;

use crate::contract::{Report, Survey};

/// A line for each agent; those that did not answer come last.
pub(crate) fn survey(survey: &Survey) -> String {
    let mut text = format!(
        "  {:<6} {:<16} {:>5}  {:<20} {:<21} {:<9} busiest\n",
        "agent", "host", "load", "memory used", "free on disk", "up"
    );
    for (name, report) in &survey.reports {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name:<6} {}", line(report));
    }
    for name in &survey.silent {
        let _ = writeln!(text, "  {name:<6} did not answer in time");
    }
    text
}

fn line(report: &Report) -> String {
    let memory = format!("{} of {}", bytes(report.memory_used), bytes(report.memory_total));
    let disk = report
        .disks
        .first()
        .map_or("none".into(), |disk| format!("{} of {}", bytes(disk.free), bytes(disk.total)));
    let busiest = report.busiest.iter().map(|p| format!("{} {:.0} %", p.name, p.cpu));
    format!(
        "{:<16.16} {:>5.2}  {memory:<20} {disk:<21} {:<9} {}",
        report.host,
        report.load,
        uptime(report.uptime),
        busiest.collect::<Vec<_>>().join(", ")
    )
}

fn bytes(bytes: u64) -> String {
    let gib = bytes as f64 / f64::from(1 << 30);
    if gib < 1.0 { format!("{:.0} MiB", gib * 1024.0) } else { format!("{gib:.1} GiB") }
}

fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 { format!("{days} d {hours} h") } else { format!("{hours} h {minutes} m") }
}
