"""An emu that is told what to do and heard, for the tests that start several of them."""

import re
import select
import socket
import subprocess
import time

# Seconds for what takes a moment.
LIMIT = 20


class Broken(Exception):
    """What a test was to show is not so."""


class Emu:
    """An emu in a directory: its shell reads what is said to it, unless `words` name what it does."""

    def __init__(self, command, *words, directory, **options):
        self.process = subprocess.Popen([*command, *words], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True, **options)
        self.pid, self.text, self.said = self.process.pid, b"", []

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, pattern, limit=LIMIT):
        """The lines up to one that matches; raises where it does not come."""
        end = time.monotonic() + limit
        while True:
            *lines, self.text = self.text.split(b"\n")
            for i, line in enumerate(lines):
                self.said.append(line.decode(errors="replace"))
                if re.fullmatch(pattern, self.said[-1]):
                    self.text = b"\n".join([*lines[i + 1:], self.text])
                    said, self.said = self.said, []
                    return said
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise Broken(f"it does not say '{pattern}' within {limit} s, but: {self.said[-5:]}")
            more = self.process.stdout.read1(1 << 16)
            if not more:
                raise Broken(f"it ended and did not say '{pattern}', but: {self.said[-5:]}")
            self.text += more

    def kill(self):
        """Ends it; what it has said until then and nobody has heard."""
        self.process.kill()
        rest = self.text + self.process.stdout.read()
        for f in (self.process.stdin, self.process.stdout):
            f.close()
        self.process.wait(LIMIT)
        return [*self.said, *rest.decode(errors="replace").split("\n")[:-1]]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(address, limit=LIMIT):
    """Until somebody listens at the address, of this network name space."""
    end = time.monotonic() + limit
    network, *place = address.split("!")
    while True:
        try:
            with socket.socket(socket.AF_UNIX if network == "unix" else socket.AF_INET) as s:
                return s.connect(place[0] if network == "unix" else (place[0], int(place[1])))
        except OSError:
            if time.monotonic() > end:
                raise Broken(f"nobody listens at {address}") from None
            time.sleep(0.01)
