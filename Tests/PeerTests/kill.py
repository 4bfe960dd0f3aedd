#!/usr/bin/env python3
"""kill.py EMU ROUNDS [TRANSFERS]: `kill -9` to either end of 9P in the middle of many transfers, again and again.

One emu serves and one mounts for all rounds. In each round the other end is a new process: it is killed at some moment of
64 transfers that run at once, up and down, over a unix socket, tcp or TLS, with 9P2000 or 9P2000.L. Then who is left
    ends what it did within seconds, with an error or whole,
    has the descriptors, processes and connections that it had before,
    and each file is a prefix of what it was to become; one whose transfer was reported as done is all of it.
Prints a line for every 50 rounds, and `held` at the end. Needs Linux's /proc and nothing but EMU.
"""

import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib

from emus import LIMIT, Broken, Emu, free_port, wait_for

HERE = pathlib.Path(__file__).resolve().parent
BLOCK = 4096
# What a transfer may say that was cut.
CUT = re.compile(r"hungup channel|mounted device shut down|connection (reset|closed|refused)|broken pipe|mount rpc error")


def content(number, size):
    """Blocks that tell where they belong: file, offset, check sum and bytes of their own."""
    blocks = []
    for offset in range(0, size, BLOCK):
        body = random.Random(number << 32 | offset).randbytes(BLOCK - 16)
        blocks.append(struct.pack("<IQI", number, offset, zlib.crc32(body)) + body)
    return b"".join(blocks)[:size]


def first_difference(got, wanted):
    """Where `got` is no prefix of `wanted`, and what stands there; empty where it is one."""
    if wanted.startswith(got):
        return ""
    at = next((i for i in range(0, len(got), BLOCK) if got[i:i + BLOCK] != wanted[i:i + BLOCK][:len(got) - i]))
    block = got[at:at + BLOCK]
    number, offset, check = struct.unpack("<IQI", block[:16].ljust(16, b"\0"))
    known = len(block) == BLOCK and zlib.crc32(block[16:]) == check
    what = f"block {offset // BLOCK} of file {number}" if known else "zeros" if not any(block) else "no block of any file"
    return f"block {at // BLOCK} of {len(got)} bytes is {what}"


def descriptors(process):
    """How many it has, but for the one epoll that it makes when it first has to wait for something, and keeps."""
    count = polls = 0
    for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        count += 1
        try:
            polls += str(fd.readlink()) == "anon_inode:[eventpoll]"
        except FileNotFoundError:
            pass  # closed since, as the next look will tell
    return count - min(polls, 1)


def field(process, name):
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.M)[1])


def figures(process):
    return f"{descriptors(process)} descriptors, {field(process, 'Threads')} threads, {field(process, 'VmRSS') >> 10} MB"


class Test:
    def __init__(self, emu, directory, transfers):
        self.emu, self.directory, self.transfers = emu, pathlib.Path(directory), transfers
        self.transferred = self.cut = 0
        self.slowest = 0.0
        for name in ("data", "down", "up"):
            (self.directory / name).mkdir()
        # Not of one length, and few of a whole number of blocks.
        self.wanted = [content(i, (1 << 20) + 1361 * i) for i in range(transfers)]
        for i, data in enumerate(self.wanted):
            (self.directory / "data" / str(i)).write_bytes(data)
        (self.directory / "client").write_text((HERE / "kill.sh").read_text() + "round $*\n")

        self.addresses, self.others = ([f"unix!{self.directory}/{name}", f"tcp!127.0.0.1!{free_port()}",
                                        f"tls!127.0.0.1!{free_port()}"] for name in ("all", "one"))
        key = subprocess.run([emu, "keygen"], capture_output=True, check=True, text=True, timeout=LIMIT).stdout.strip()
        keys = self.directory / "home/emu/home/lib/keys"
        (keys / "authorized").write_text(f"me {key}\n")
        (keys / "known").write_text("".join(f"{a[2].removeprefix('tls!')} {key}\n" for a in (self.addresses, self.others)))
        self.emus = []
        self.server = self.start("-c", " & ".join(f"export -l {a} /" for a in self.addresses))
        self.client = self.start()

    def start(self, *words):
        self.emus.append(Emu([self.emu, "--net"], *words, directory=self.directory))
        return self.emus[-1]

    def warm(self):
        self.client.say((HERE / "kill.sh").read_text())
        for address in self.addresses:
            wait_for(address)
            self.client.say(f"warm '{address}'")
            self.client.hear("warm")
        self.before = self.still()
        self.processes = self.look()

    def still(self):
        """How many descriptors both have, once that has not changed for a second: whoever has called has told so by then."""
        end = time.monotonic() + LIMIT
        counts, since = None, time.monotonic()
        while time.monotonic() < since + 1:
            now = {survivor: descriptors(survivor) for survivor in (self.server, self.client)}
            if now != counts:
                counts, since = now, time.monotonic()
            if since > end:
                raise Broken(f"their descriptors come and go: {list(counts.values())}")
            time.sleep(0.02)
        return counts

    def look(self):
        """The processes and the connections of the server, by way of itself."""
        done = subprocess.run(
            [self.emu, "--net", "-c", f"mkdir /n/peer; mount '{self.addresses[0]}' /n/peer; ls /n/peer/prog | wc -l; "
             "for n in unix tcp tls {cat /n/peer/net/$n/*/status >[2]/dev/null | wc -l}"],
            cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        if done.stderr:
            raise Broken(f"the server is not to be looked at: {done.stderr}")
        return done.stdout.split()

    def round(self, number):
        network, dialect = number // 2 % 3, ("9p2000", "9p2000.L")[number // 6 % 2]
        moment = random.uniform(0, 0.6)
        if number % 2 == 0:
            address = self.addresses[network]
            client = self.start("client", str(number), address, dialect, str(self.transfers))
            client.hear("mounted")
            time.sleep(moment)
            lines = client.kill()
            self.settle(self.server)
        else:
            address = self.others[network]
            (self.directory / "one").unlink(missing_ok=True)
            server = self.start("--serve", address, "/")
            wait_for(address)
            self.client.say(f"round {number} '{address}' {dialect} {self.transfers}")
            self.client.hear("mounted")
            time.sleep(moment)
            server.kill()
            start = time.monotonic()
            lines = self.client.hear(f"round {number} done")
            self.slowest = max(self.slowest, time.monotonic() - start)
            ended = sum(line.startswith("ended ") for line in lines)
            if ended != self.transfers:
                raise Broken(f"{ended} transfers of {self.transfers} have ended")
            if "left 1" not in lines:
                raise Broken(f"processes are left in the client: {lines[-2]}")
            self.settle(self.client)
        self.check(lines)

    def settle(self, survivor):
        """Waits until it has no more descriptors than before."""
        start, before = time.monotonic(), self.before[survivor]
        while descriptors(survivor) > before:
            if time.monotonic() > start + LIMIT:
                left = sorted(str(f.readlink()) for f in pathlib.Path(f"/proc/{survivor.pid}/fd").iterdir())
                raise Broken(f"{descriptors(survivor)} descriptors where there were {before}: {left}")
            time.sleep(0.01)
        self.slowest = max(self.slowest, time.monotonic() - start)
        if survivor.process.poll() is not None:
            raise Broken(f"who was left ended with {survivor.process.returncode}")

    def check(self, lines):
        """Whether the files are what they may be, and nothing else was said than may be."""
        whole = {line.split()[2] for line in lines if line.startswith("whole ")}
        for line in lines:
            if not re.match(r"whole |ended |mounted|left |round ", line) and not CUT.search(line):
                raise Broken(f"it was said: {line}")
        there = set()
        for path in [*(self.directory / "down").iterdir(), *(self.directory / "up").iterdir()]:
            wanted, got = self.wanted[int(path.name.split(".")[1])], path.read_bytes()
            why = first_difference(got, wanted)
            if why:
                raise Broken(f"{path.parent.name}/{path.name}: {why}")
            if path.name in whole and len(got) < len(wanted):
                raise Broken(f"{path.parent.name}/{path.name} was reported as done and has {len(got)} bytes of {len(wanted)}")
            self.cut += len(got) < len(wanted)
            there.add(path.name)
            path.unlink()
        if whole - there:
            raise Broken(f"reported as done and not there: {sorted(whole - there)}")
        self.transferred += len(whole)

    def close(self):
        for emu in self.emus:
            if emu.process.returncode is None:
                emu.kill()


def main():
    emu, rounds = str(pathlib.Path(sys.argv[1]).resolve()), int(sys.argv[2])
    transfers = int(sys.argv[3]) if len(sys.argv) > 3 else 64
    with tempfile.TemporaryDirectory(prefix="kill-") as directory:
        os.environ["XDG_DATA_HOME"] = f"{directory}/home"
        test = Test(emu, directory, transfers)
        number = 0
        try:
            test.warm()
            for number in range(rounds):
                test.round(number)
                if number % 50 == 49 or number + 1 == rounds:
                    print(f"{number + 1} rounds: {test.transferred} files whole, {test.cut} cut, who was left took "
                          f"{test.slowest:.1f} s at most; server {figures(test.server)}; client {figures(test.client)}",
                          flush=True)
            if test.look() != test.processes:
                raise Broken(f"the server has processes and connections {test.look()}, not {test.processes}")
        except Broken as why:
            print(f"round {number}: {why}\nserver {figures(test.server)}; client {figures(test.client)}")
            sys.exit(1)
        finally:
            test.close()
    print("held")


if __name__ == "__main__":
    main()
