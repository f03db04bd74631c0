//! Lines of TypeScript, as a formatter would break them.

/// The columns of a line.
const WIDTH: usize = 100;

/// Lines with their indentation.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    depth: usize,
}

impl Text {
    /// Adds a line.
    pub(super) fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n("  ", self.depth));
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// Adds an empty line, unless there is one or nothing stands before.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Adds a line and what is within its braces.
    pub(super) fn block(&mut self, open: &str, close: &str, within: impl FnOnce(&mut Self)) {
        self.line(open);
        self.within(within);
        self.line(close);
    }

    /// Adds what is one step further in.
    pub(super) fn within(&mut self, within: impl FnOnce(&mut Self)) {
        self.depth += 1;
        within(self);
        self.depth -= 1;
    }

    /// Returns whether there is room for a line.
    pub(super) fn fits(&self, line: &str) -> bool {
        2 * self.depth + line.chars().count() <= WIDTH
    }

    /// Adds a list between two texts, on one line if the list fits, else with a line for each item.
    pub(super) fn listed(&mut self, open: &str, items: &[String], close: &str) {
        let line = format!("{open}{}{close}", items.join(", "));
        if items.is_empty() || self.fits(&line) {
            return self.line(&line);
        }
        self.block(open.trim_end(), close.trim_start(), |text| {
            items.iter().for_each(|item| text.line(&format!("{item},")));
        });
    }

    /// Adds a union: on one line if it fits, else with a line for each member.
    pub(super) fn union(&mut self, open: &str, members: &[Member]) {
        let line: Vec<_> = members.iter().map(|member| &*member.ty).collect();
        let line = format!("{open} {};", line.join(" | "));
        let is_short = self.fits(&line);
        if members.len() == 1 || (is_short && members.iter().all(|member| member.docs.is_empty())) {
            return self.line(&line);
        }
        self.line(open);
        self.within(|text| {
            for (at, member) in members.iter().enumerate() {
                text.docs(&[&member.docs]);
                let end = if at + 1 == members.len() { ";" } else { "" };
                text.line(&format!("| {}{end}", member.ty));
            }
        });
    }

    /// Adds a comment for readers and editors, if there is something to say. Each part is a paragraph of its own.
    pub(super) fn docs(&mut self, parts: &[&str]) {
        let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.map(|part| part.replace("*/", "*\\/")).collect();
        let lines: Vec<_> = parts.iter().flat_map(|part| part.lines()).map(str::trim_end).collect();
        match &*lines {
            [] => {}
            [line] => self.line(&format!("/** {line} */")),
            lines => {
                self.line("/**");
                for line in lines {
                    self.line(format!(" * {line}").trim_end());
                }
                self.line(" */");
            }
        }
    }

    pub(super) fn finish(self) -> String {
        self.text.trim_end().to_owned() + "\n"
    }
}

/// A member of a union.
pub(super) struct Member {
    pub(super) ty: String,
    pub(super) docs: String,
}
