#!/usr/bin/env python3
"""net.py EMU [PATTERN...]: two emus in two network name spaces, and a network between them that is slow, loses or is cut.

One serves, the other mounts: over tcp without keys, and over TLS with them. Prints a line for each step, as run.py does.
PATTERNs select steps. Needs root; what is missing of PACKAGES is installed. The name spaces go when it ends.
"""

import fnmatch
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from emus import Broken, Emu

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = "iproute2 nftables".split()
SERVER, CLIENT, PORT, RELAY = "10.99.9.1", "10.99.9.2", 5640, 5641
# The time limit of mounts, seconds; and what a busy machine may need beyond.
LIMIT, SLACK = 3, 3


class Pair:
    """Two network name spaces with a link, in each of which is an emu."""

    def __init__(self, emu, scratch, network, dialect):
        self.emu, self.scratch, self.network, self.dialect = emu, scratch, network, dialect
        self.names = [f"emu-net-{os.getpid()}-{side}" for side in ("server", "client")]
        self.processes, self.serial = [], itertools.count()

    def __enter__(self):
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def make(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        self.ip(0, "link add veth0 type veth peer name veth0 netns " + self.names[1])
        for side, address in enumerate((SERVER, CLIENT)):
            self.ip(side, f"addr add {address}/24 dev veth0")
            self.ip(side, "link set lo up")
            self.ip(side, "link set veth0 up")
        if self.network == "tls":
            keys = [self.run(side, "keygen").strip() for side in (0, 1)]
            self.keys(0, "authorized", f"client {keys[1]}\n")
            self.keys(1, "known", f"{SERVER}!{PORT} {keys[0]}\n127.0.0.1!{RELAY} {keys[0]}\n")
        self.server, self.client = self.start(0), self.start(1)
        self.server.say(f"export {'' if self.network == 'tls' else '-A'} -l {self.address} / &")
        relay = [sys.executable, HERE / "relay.py", str(RELAY), SERVER, str(PORT), "25"]
        self.relay = subprocess.Popen(self.command(1, relay), stdin=subprocess.DEVNULL, start_new_session=True)
        self.processes.append(self.relay)
        self.reach(self.address)
        self.reach(f"{self.network}!127.0.0.1!{RELAY}")
        self.tell("mkdir -p /n/peer /n/slow")

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)

    @property
    def address(self):
        return f"{self.network}!{SERVER}!{PORT}"

    def command(self, side, words):
        return ["ip", "netns", "exec", self.names[side], *words]

    def ip(self, side, words):
        subprocess.run(["ip", "-n", self.names[side], *words.split()], check=True)

    def environment(self, side):
        return {**os.environ, "XDG_DATA_HOME": str(self.scratch / f"home{side}")}

    def run(self, side, *words):
        return subprocess.run([self.emu, *words], env=self.environment(side), check=True, capture_output=True, text=True).stdout

    def keys(self, side, name, text):
        (self.scratch / f"home{side}/emu/home/lib/keys" / name).write_text(text)

    def start(self, side):
        directory = self.scratch / ("server", "client")[side]
        directory.mkdir(exist_ok=True)
        emu = Emu(self.command(side, [self.emu, "--net"]), directory=directory, env=self.environment(side))
        self.processes.append(emu.process)
        return emu

    # What is done to the network.

    def link(self, state):
        """Sets the link down; or up, and waits until what is known of the neighbours is right again."""
        self.ip(0, f"link set veth0 {state}")
        if state == "up" and self.client.process.returncode is None:
            self.reach(self.address)

    def filter(self, rule):
        """Drops what `rule` says of what comes to either side; nothing where it is empty."""
        text = "table netdev t\ndelete table netdev t\n"
        if rule:
            text += f'table netdev t {{ chain c {{ type filter hook ingress device "veth0" priority 0; {rule} drop; }}; }}\n'
        for side in (0, 1):
            subprocess.run(self.command(side, ["nft", "-f", "-"]), input=text, text=True, check=True)

    # What the client does.

    def reach(self, address):
        """Calls until somebody answers."""
        end = time.monotonic() + 30
        while (said := self.tell(f"dial -A {address} < /dev/null")[0]):
            if time.monotonic() > end:
                raise Broken(f"nobody answers at {address}: {said}")
            time.sleep(0.1)

    def tell(self, line, limit=60):
        """Has the client do something; gives what it says, and the seconds that it took."""
        mark, start = f"did {next(self.serial)}", time.monotonic()
        self.client.say(f"{line}\necho {mark}")
        said = self.client.hear(mark, limit)[:-1]
        return "\n".join(said), time.monotonic() - start

    def quiet(self, line, limit=60):
        """The same for what says nothing where it goes well; the seconds."""
        said, seconds = self.tell(line, limit)
        if said:
            raise Broken(f"{line}: {said}")
        return seconds

    def calls(self):
        """The number of the client's last call."""
        return max(int(word) for word in self.tell(f"ls /net/{self.network}")[0].split() if word.isdigit())

    def serving(self):
        """The states of the server's conversations."""
        mark = f"did {next(self.serial)}"
        self.server.say(f"cat /net/{self.network}/*/status; echo {mark}")
        return " ".join(self.server.hear(mark)[:-1])

    def mount(self, flags="", at="/n/peer", address=None):
        self.quiet(f"mount {flags} -t {self.dialect} {address or self.address} {at}")

    def unmount(self, at="/n/peer"):
        self.quiet(f"unmount {at}")

    def copy_both_ways(self, at="/n/peer", size=8):
        """A file goes there and back, and is the same."""
        source, sink = self.scratch / "client/source", self.scratch / "client/sink"
        data = os.urandom(size << 20)
        source.write_bytes(data)
        seconds = self.quiet(f"cp /n/host/source {at}/n/host/copy; cp {at}/n/host/copy /n/host/sink")
        if (self.scratch / "server/copy").read_bytes() != data or sink.read_bytes() != data:
            raise Broken("what was copied is not the same")
        return f"{2 * size} MB in {seconds:.1f} s"


def within(least, seconds, most):
    if not least <= seconds <= most:
        raise Broken(f"it took {seconds:.1f} s, not {least} to {most}")
    return f"after {seconds:.1f} s"


def says(pattern, text):
    if not fnmatch.fnmatch(text, f"*{pattern}*"):
        raise Broken(f"it was said '{text}', not '{pattern}'")


steps = []


def step(body):
    steps.append(body)
    return body


@step
def transfer(pair):
    pair.mount()
    try:
        return pair.copy_both_ways()
    finally:
        pair.unmount()


@step
def loss(pair):
    """One packet of twenty is lost, on either side."""
    pair.mount()
    pair.filter("numgen random mod 100 < 5")
    try:
        return pair.copy_both_ways()
    finally:
        pair.filter("")
        pair.unmount()


@step
def delay(pair):
    """50 ms there and back. What is read ahead and asked for together makes few rounds of many requests."""
    for i in range(300):
        path = pair.scratch / f"server/tree/{i % 10}/{i}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 100)
    pair.mount(at="/n/slow", address=f"{pair.network}!127.0.0.1!{RELAY}")
    try:
        copied = pair.copy_both_ways("/n/slow")
        found, seconds = pair.tell("find /n/slow/n/host/tree -type f | wc -l")
        says("300", found)
        within(0, seconds, 300 * 0.2 * 0.05 + SLACK)
        return f"{copied}, find of 300 files in {seconds:.1f} s"
    finally:
        pair.unmount("/n/slow")


@step
def pause(pair):
    """Nothing gets through for less than the time limit: nobody notices."""
    pair.mount(f"-T {LIMIT}")
    (pair.scratch / "server/large").write_bytes(os.urandom(64 << 20))
    try:
        pair.client.say("cp /n/peer/n/host/large /n/host/sink; echo copied")
        time.sleep(0.03)
        pair.filter("meta length > 0")
        time.sleep(LIMIT / 3)
        pair.filter("")
        if (said := pair.client.hear("copied", 60)) != ["copied"]:
            raise Broken(f"it was said: {said}")
        if (pair.scratch / "client/sink").read_bytes() != (pair.scratch / "server/large").read_bytes():
            raise Broken("what was copied is not the same")
    finally:
        pair.filter("")
        pair.unmount()


@step
def timeout(pair):
    """The link goes down while a file is read, and while somebody waits for a device: each is told after the limit."""
    took = []
    for file in ("n/host/endless", "dev/cons"):
        pair.mount(f"-T {LIMIT}")
        try:
            pair.client.say(f"cat /n/peer/{file} > /dev/null; echo ended")
            # As long as the server answers, a device may take its time.
            time.sleep(2 * LIMIT if file == "dev/cons" else 0.3)
            pair.link("down")
            start = time.monotonic()
            says("connection timed out", " ".join(pair.client.hear("ended")))
            took.append(within(LIMIT / 2 - 0.5, time.monotonic() - start, LIMIT + SLACK))
            said, seconds = pair.tell("cat /n/peer/n/host/large")
            says("mounted device shut down", said)
            within(0, seconds, 1)
        finally:
            pair.link("up")
            pair.unmount()
    return ", ".join(took)


@step
def interrupt(pair):
    """Who reads over a link that is down, or waits for a device there, ends at once when he is interrupted or killed."""
    took = []
    for name, file in itertools.product(("int", "kill"), ("n/host/endless", "dev/cons")):
        pair.mount()
        try:
            pair.quiet(f"cat /n/peer/{file} > /dev/null &")
            time.sleep(0.3)
            pair.link("down")
            time.sleep(0.3)
            says("cat", pair.tell("ps")[0])
            took.append(within(0, pair.quiet(f"kill -s {name} $apid; wait"), 1))
        finally:
            pair.link("up")
            pair.unmount()
    return ", ".join(took)


@step
def reconnect(pair):
    """With -R a mount works again when the link is up again."""
    pair.mount(f"-R -T {LIMIT}")
    (pair.scratch / "server/small").write_text("small\n")
    try:
        says("small", pair.tell("cat /n/peer/n/host/small")[0])
        pair.link("down")
        said, seconds = pair.tell("cat /n/peer/n/host/small")
        says("cat:*", said)
        within(0, seconds, 4 * LIMIT)
        pair.link("up")
        start = time.monotonic()
        while (said := pair.tell("cat /n/peer/n/host/small")[0]) != "small":
            if time.monotonic() > start + 30:
                raise Broken(f"it does not come again: {said}")
            time.sleep(0.1)
        return f"after {time.monotonic() - start:.1f} s"
    finally:
        pair.link("up")
        pair.unmount()


@step
def reset(pair):
    """With -R a file that is read goes on in another connection when one was reset, and none of it is lost."""
    pair.mount("-R", at="/n/slow", address=f"{pair.network}!127.0.0.1!{RELAY}")
    data = os.urandom(128 << 20)
    (pair.scratch / "server/large").write_bytes(data)
    try:
        first = pair.calls()
        pair.client.say("cat /n/slow/n/host/large > /n/host/sink; echo read")
        # ip netns exec is the program itself by now.
        for _ in range(3):
            time.sleep(1)
            os.kill(pair.relay.pid, signal.SIGUSR1)
        if (said := pair.client.hear("read", 60)) != ["read"]:
            raise Broken(f"it was said: {said}")
        if (pair.scratch / "client/sink").read_bytes() != data:
            raise Broken("what was read is not the same")
        if pair.calls() - first < 2:
            raise Broken("no other connection was made")
    finally:
        pair.unmount("/n/slow")


@step
def vanish(pair):
    """A client that has gone without a word is missed after a minute, and keeps nothing at the server."""
    if pair.network == "tls":
        return "by tcp, as above"
    pair.mount()
    pair.quiet("ls /n/peer/n/host > /dev/null")
    says("Established", pair.serving())
    # What is under way to a client who has gone is for the host to give up, after a quarter of an hour.
    time.sleep(1)
    pair.link("down")
    pair.client.kill()
    start = time.monotonic()
    while "Established" in pair.serving():
        within(0, time.monotonic() - start, 75)
        time.sleep(1)
    pair.link("up")
    return within(20, time.monotonic() - start, 75)


def main():
    emu, patterns, passed, failed = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:], 0, 0
    subprocess.run([HERE.parent.parent / "run", "need", *PACKAGES], check=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for network, dialect in (("tcp", "9p2000"), ("tls", "9p2000.L")):
        with tempfile.TemporaryDirectory(prefix="net-") as name:
            with Pair(emu, pathlib.Path(name), network, dialect) as pair:
                with open(pair.scratch / "server/endless", "wb") as f:
                    f.truncate(1 << 40)
                for body in steps:
                    if patterns and not any(fnmatch.fnmatch(body.__name__, p) for p in patterns):
                        continue
                    try:
                        verdict = "ok " + (body(pair) or "")
                        passed += 1
                    except Broken as why:
                        verdict, failed = f"FAIL: {why}", failed + 1
                    print(f"emu|emu {network:16} {body.__name__:16} {verdict}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
