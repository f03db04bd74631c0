"""Runs the console blocks of a page, and compares what they print with what the page says."""

import os
import subprocess
import sys

from names import Names
from page import blocks, expected, untried
from person import Person

# What hangs must fail.
SECONDS = 60


def run(path, url, full=""):
    """Prints a line for each command; fails if one of them printed something else."""
    page = path.read_text()
    os.environ["URL"] = url
    failed = False
    for block in blocks(page):
        if block.language != "console":
            continue
        line = page.count("\n", 0, block.start) + 1
        what = f"{path.name}:{line}: {block.text.splitlines()[0]}"
        if "full" in block.info and not full:
            print(f"not run {what} (needs `full`)")
            continue
        if error := problem(block.text, expected(page)):
            failed = True
            print(f"FAILED  {what}\n{error}")
        else:
            print(f"ok      {what}")
    for paragraph in untried(page):
        print(f"not run {paragraph}")
    if failed:
        sys.exit(1)


def problem(text, common):
    """What is wrong with what the commands of a block print; nothing, if it is as it should be."""
    commands = [part.partition("\n") for part in ("\n" + text).split("\n$ ")[1:]]
    names = Names()
    for command, _, output in commands:
        lines = output.splitlines()
        if any(line.startswith("> ") for line in lines):
            error = typed(command, lines, names)
        else:
            error = ended(command, lines or common.splitlines(), names)
        if error:
            return error
    return None


def ended(command, lines, names):
    """Runs a command to its end."""
    try:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        return f"hangs, after {late.stdout} {late.stderr}"
    printed = done.stdout.splitlines()
    same = len(printed) == len(lines) and all(names.match(line, now) for line, now in zip(lines, printed))
    if same and done.returncode == 0:
        return None
    return f"{command}\nexits with {done.returncode} and prints\n{done.stdout}{done.stderr}\nnot\n" + "\n".join(lines)


def typed(command, lines, names):
    """Runs a command in a terminal, as a person does: types, and reads before typing on."""
    with Person(command) as person:
        for line in lines:
            if line.startswith("> "):
                person.types(names.of_now(line[2:]))
            else:
                shown = person.sees(line[:2] if line.startswith("< ") else line, SECONDS)
                if not names.match(line, shown):
                    return f"shows\n{shown}\nnot\n{line}"
    return None
