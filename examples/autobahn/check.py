"""What the Autobahn test suite must have said; fails if it said anything else."""

import json
import sys
from collections import Counter, defaultdict

# Binary messages, which are not understood here: closed with 1003 by design, which the suite, that wants
# an echo, counts as failed.
BINARY = {f"1.2.{n}" for n in range(1, 9)}
BINARY |= {f"9.{group}.{n}" for group, count in [(2, 6), (4, 9), (6, 6), (8, 6)] for n in range(1, count + 1)}

# Text that is not UTF-8 is found at the end of its message, or of the fragment, and not at the first
# wrong byte: the suite takes that for well behaved, but not as strict as might be.
NON_STRICT = {"6.4.3", "6.4.4"}

CASES = 301


def check(path):
    with open(path) as file:
        (agent,) = json.load(file).values()
    wrong, told = [], defaultdict(Counter)
    for case, said in sorted(agent.items()):
        behavior, code = said["behavior"], said["remoteCloseCode"]
        is_expected = (
            (code == 1003 and behavior == "FAILED")
            if case in BINARY
            else behavior in ("OK", "INFORMATIONAL") or (behavior == "NON-STRICT" and case in NON_STRICT)
        )
        told[case.split(".")[0]]["binary" if case in BINARY else behavior] += 1
        if not is_expected:
            wrong.append(f"{case}: {behavior}, closed with {code}")
    print(path)
    for group, counts in sorted(told.items(), key=lambda item: int(item[0])):
        print(f"  {group:>2}  " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    if len(agent) < CASES:
        wrong.append(f"{len(agent)} cases were run, of {CASES}")
    return wrong


wrong = [line for path in sys.argv[1:] for line in check(path)]
print("\n".join(wrong) or "as it should be")
sys.exit(bool(wrong))
