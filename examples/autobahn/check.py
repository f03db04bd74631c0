"""What the Autobahn test suite must have said; fails if it said anything else."""

import json
import sys
from collections import Counter, defaultdict

# Text that is not UTF-8 is found at the end of its message, or of the fragment, and not at the first
# wrong byte: the suite takes that for well behaved, but not as strict as might be.
NON_STRICT = {"6.4.3", "6.4.4"}

# What the suite only wants to see: it has no opinion on them.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}

CASES = 301


def is_expected(case, said):
    """Whether both the messages and the close were as they should be."""
    judged = said["behavior"], said["behaviorClose"]
    if case in NON_STRICT:
        return judged in [("OK", "OK"), ("NON-STRICT", "OK")]
    if case in INFORMATIONAL:
        return judged == ("INFORMATIONAL", "INFORMATIONAL")
    return judged == ("OK", "OK")


def check(path):
    with open(path) as file:
        (agent,) = json.load(file).values()
    wrong, told = [], defaultdict(Counter)
    for case, said in sorted(agent.items()):
        behavior, code = said["behavior"], said["remoteCloseCode"]
        told[case.split(".")[0]][behavior] += 1
        if not is_expected(case, said):
            wrong.append(f"{case}: {behavior}, its close {said['behaviorClose']} with {code}")
    print(path)
    for group, counts in sorted(told.items(), key=lambda item: int(item[0])):
        print(f"  {group:>2}  " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    if len(agent) != CASES:
        wrong.append(f"{len(agent)} cases were run, of {CASES}")
    return wrong


wrong = [line for path in sys.argv[1:] for line in check(path)]
print("\n".join(wrong) or "as it should be")
sys.exit(bool(wrong))
