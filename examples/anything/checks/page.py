"""A page of Markdown whose code is tried as it stands.

`page.py include PAGE` writes the files that the page shows into it; `page.py check PAGE` fails if the two differ.
`page.py run PAGE URL [full]` runs its console blocks, in the current folder. `page.py steps PAGE` prints a tutorial
as a script, and `page.py servers PAGE` the commands in it that do not end, a line each. `page.py expected PAGE` prints
what all programs of a page print.

- A block behind a line that links to a file of the folder, and ends with a colon, is that file.
- A `console` block is commands (`$ …`) and what each prints; `…` stands for anything. A command without output prints
  what the first `text` block says. Lines with `> ` are typed, and lines with `< ` are what the command shows then.
- In a tutorial, a block behind a line of a path in backticks and a colon is a file to write, and `sh` blocks are
  commands.
- `full` behind the language of a block: only with `full`. `server`: the command does not end.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

# Of the folder, but not for its readers.
APART = {"README.md", "TUTORIAL.md", "run", "checks"}

LINKED = re.compile(r"\[`([^`]+)`\]\(\1\).*:$")
NAMED = re.compile(r"^`([^`]+)`:$")


@dataclass
class Block:
    """What stands between two fences."""

    before: str
    info: list
    text: str
    # Of the text, in the page.
    start: int
    end: int

    @property
    def language(self):
        return self.info[0] if self.info else ""

    def file(self, pattern):
        """The file that the block is, if it is one."""
        found = pattern.search(self.before)
        return found and found[1]


def blocks(page):
    """All blocks of a text."""
    found, before, offset, opened = [], "", 0, None
    for line in page.splitlines(keepends=True):
        start, offset = offset, offset + len(line)
        line = line.strip()
        if opened is not None:
            if line == "```":
                info, begin = opened
                found.append(Block(before, info, page[begin:start], begin, start))
                opened, before = None, ""
        elif line.startswith("```"):
            opened = (line[3:].split(), offset)
        elif line:
            before = line
    if opened is not None:
        sys.exit("a block has no end")
    return found


def check(path):
    """Each file of the folder is in the page, as it is."""
    shown = {block.file(LINKED): block.text for block in blocks(path.read_text()) if block.file(LINKED)}
    files = {file.name for file in path.parent.iterdir()} - APART
    wrong = [f"{name} is not in the page" for name in sorted(files - shown.keys())]
    for name, text in shown.items():
        file = path.parent / name
        if not file.is_file():
            wrong.append(f"the page has {name}, which is no file")
        elif file.read_text() != text:
            wrong.append(f"{name} is not what the page shows (`page.py include` writes it there)")
    if wrong:
        sys.exit("\n".join(wrong))


def include(path):
    """Writes the files into the page."""
    page = path.read_text()
    for block in reversed(blocks(page)):
        if name := block.file(LINKED):
            page = page[: block.start] + (path.parent / name).read_text() + page[block.end :]
    path.write_text(page)


def steps(path):
    """A tutorial as a script of bash."""
    print("set -euo pipefail")
    for block in blocks(path.read_text()):
        if name := block.file(NAMED):
            print(f"mkdir -p '{Path(name).parent}'\ncat >'{name}' <<'END OF FILE'\n{block.text}END OF FILE")
        elif block.info == ["sh"]:
            print(block.text, end="")


def servers(path):
    """The commands of a tutorial that do not end."""
    for block in blocks(path.read_text()):
        if block.info == ["sh", "server"]:
            print(block.text, end="")


def expected(page):
    """What all programs print."""
    return next(block.text for block in blocks(page) if block.language == "text")


def show_expected(path):
    """Prints it."""
    print(expected(path.read_text()), end="")


def untried(page):
    """What is not run, and why: the paragraphs of the page that say so."""
    found = re.findall(r"^\*\*Not tried here\*\*: (.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    return [" ".join(paragraph.split()) for paragraph in found]


def main():
    command, path, *rest = sys.argv[1:]
    path = Path(path)
    if command == "run":
        from console import run

        run(path, *rest)
    else:
        commands = {"check": check, "include": include, "steps": steps, "servers": servers, "expected": show_expected}
        commands[command](path)


if __name__ == "__main__":
    main()
