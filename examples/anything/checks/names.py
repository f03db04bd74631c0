"""What a server chooses anew each time: the ids of its calls, and of subscriptions. A page has those of one time."""

import re

CHOSEN = re.compile(r'(?<![\w.-])\d{10}(?![\w.-])|(?<=")[\w-]{20,}(?=")')


class Names:
    """Those of the page, and what they are now."""

    def __init__(self):
        self.now = {}

    def of_now(self, text):
        """A text of the page, with what they are now."""
        return CHOSEN.sub(lambda chosen: self.now.get(chosen[0], chosen[0]), text)

    def match(self, text, shown):
        """Whether a text of the page is what was shown, with `…` for anything. Learns what was chosen."""
        chosen, new = CHOSEN.findall(text), CHOSEN.findall(shown)
        if len(chosen) == len(new):
            for old, name in zip(chosen, new):
                self.now.setdefault(old, name)
        pattern = ".*".join(re.escape(part) for part in self.of_now(text).split("…"))
        return re.fullmatch(pattern, shown) is not None
