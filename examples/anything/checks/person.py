"""Somebody at a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

# What moves the cursor, sets colours, or returns to the start of the line.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n")


class Person:
    """Runs a command in a terminal whose lines are so long that none is broken."""

    def __init__(self, command):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execvp("bash", ["bash", "-c", command])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 5000, 0, 0))
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.terminal)

    def types(self, line):
        """Types a line. What was shown before it is not looked at any more."""
        os.write(self.terminal, line.encode() + b"\r")

    def sees(self, start, seconds):
        """The next line that begins so, once it is whole."""
        until = time.monotonic() + seconds
        while True:
            *lines, rest = CONTROL.split(self.text)
            for index, line in enumerate(lines):
                if line.startswith(start):
                    self.text = "\n".join([*lines[index + 1 :], rest])
                    return line
            if not select.select([self.terminal], [], [], max(0, until - time.monotonic()))[0]:
                return f"nothing more in {seconds} s; so far: {self.text!r}"
            try:
                self.text += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                return f"the end; so far: {self.text!r}"
