#!/usr/bin/env python3
"""many.py EMU [COUNT [FILES]]: COUNT sandboxes at once (50), each of which builds the same C project of FILES files (50).

All object files must be equal; printed is what emu had at most of threads, descriptors and memory, and it must be back at
the start afterwards. Then emu is killed with SIGKILL in the middle of it: no process, mount or file may be left.
"""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

MAKEFILE = """O = $(patsubst %.c,%.o,$(wildcard *.c))
all: program
program: $O
\tgcc -o $@ $O
%.o: %.c
\tgcc -O1 -c $<
"""


def project(top, files):
    top.mkdir()
    for i in range(files - 1):
        (top / f"f{i}.c").write_text(
            "#include <stdio.h>\n#include <string.h>\n"
            f'int f{i}(const char *s) {{ char b[64]; snprintf(b, sizeof b, "%s{i}", s); return strlen(b); }}\n')
    calls = "".join(f"int f{i}(const char *);\n" for i in range(files - 1))
    sums = " + ".join(f'f{i}("x")' for i in range(files - 1))
    (top / "main.c").write_text(f"{calls}int main(void) {{ return ({sums}) % 100; }}\n")
    (top / "Makefile").write_text(MAKEFILE)


def census(pid):
    try:
        rows = dict(l.split(":", 1) for l in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in l)
        return int(rows["Threads"]), len(os.listdir(f"/proc/{pid}/fd")), int(rows["VmRSS"].split()[0])
    except (OSError, KeyError):
        return None


def mounts():
    return pathlib.Path("/proc/mounts").read_text()


def processes():
    """The parent and the time of birth of each process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[int(pid)] = (int(words[1]), words[19])
        except (OSError, IndexError):
            continue
    return found


def family(pid):
    """All that descends from a process, with the times of birth."""
    there = processes()
    found, more = {}, {pid}
    while more:
        more = {p for p, (parent, _) in there.items() if parent in more}
        found.update((p, there[p][1]) for p in more)
    return found


def start(emu, work, count):
    """emu with a shell that starts all, waits for them, says so, and goes on."""
    copies = " ".join(f"b{i}" for i in range(count))
    script = f"""for d in {copies} {{cd {work}/$d; vxrun make -s > log >[2=1] &}}
wait
echo built
sleep 3600
"""
    (work / "script").write_text(script)
    (work / "space").write_text(f"mkdir {work}\nbind -c '#U*{work}' {work}\n. /lib/ns/host\n")
    environment = dict(os.environ, HOME=str(work / "home"))
    return subprocess.Popen(
        [emu, "-H", "-n", str(work / "space"), f"{work}/script"], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True)


def main():
    emu = os.path.realpath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    work = pathlib.Path(tempfile.mkdtemp(prefix="emu-many-", dir="/tmp"))
    before = mounts()
    bad = []
    try:
        (work / "home").mkdir()
        project(work / "native", files)
        began = time.time()
        subprocess.run(["make", "-s"], cwd=work / "native", check=True)
        alone = time.time() - began
        for i in range(count):
            project(work / f"b{i}", files)
        wanted = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (work / "native").glob("*.o")}
        run = start(emu, work, count)
        first = None
        peak = (0, 0, 0)
        done = threading.Event()
        threading.Thread(target=lambda: (run.stdout.readline(), done.set()), daemon=True).start()
        began = time.time()
        while not done.wait(0.1) and run.poll() is None:
            now = census(run.pid)
            if now:
                first = first or now
                peak = tuple(map(max, peak, now))
        took = time.time() - began
        time.sleep(2)
        last = census(run.pid) or (0, 0, 0)
        print(f"native, one after the other: {alone:.1f} s each; here {count} at once: {took:.1f} s, {took / count / alone:.2f} of that each")
        for name, n in ("threads", 0), ("descriptors", 1), ("resident kB", 2):
            print(f"{name}: {first[n] if first else 0} at first, {peak[n]} at most, {last[n]} in the end")
        for i in range(count):
            got = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (work / f"b{i}").glob("*.o")}
            if got != wanted or not (work / f"b{i}" / "program").exists():
                said = (work / f"b{i}" / "log").read_text() if (work / f"b{i}" / "log").exists() else "nothing"
                bad.append(f"b{i}: {len(got)} of {len(wanted)} objects, {sum(got.get(n) != h for n, h in wanted.items())} differ: {said[-300:]}")
        if last[0] > 32 or last[1] > 64:
            bad.append("threads or descriptors are left")
        run.kill()
        run.wait()
        # And once more, killed in the middle.
        for i in range(count):
            for p in list((work / f"b{i}").glob("*.o")) + list((work / f"b{i}").glob("program")):
                p.unlink()
        run = start(emu, work, count)
        time.sleep(max(2.0, took / 3))
        there = family(run.pid)
        run.send_signal(signal.SIGKILL)
        run.wait()
        end = time.time() + 10
        while time.time() < end:
            now = processes()
            left = [p for p, birth in there.items() if p in now and now[p][1] == birth]
            if not left:
                break
            time.sleep(0.1)
        print(f"killed while {len(there)} processes ran: {len(left)} are left")
        if left:
            bad.append(f"processes are left: {left}")
        if mounts() != before:
            bad.append("mounts are left")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for line in bad[:10]:
        print(f"FAIL {line}")
    print(f"{count} sandboxes: {'FAILED' if bad else 'ok'}")
    sys.exit(bool(bad))


main()
