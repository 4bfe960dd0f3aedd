#!/usr/bin/env python3
"""compare.py EMU [PROGRAM...]: run each row of Tests/SystemTests/compare through emu and through the host's tools.

A file of that directory is named for a program and has a command on each line, which must mean the same to the shell
inside and to the host's sh; where the words differ, the host's follow ` => `. All rows of a file run in order, in a copy
of `input` on each side. What they write to descriptor 1, whether they succeed, and what they leave of the files must be
equal, byte by byte; for programs of which POSIX says that trouble is more than 1, so must that be.

No host has a twin, or one with the same output, of: bind cleanname dial export help lc listen man mount netstat newns ns os p
ps pstree sandbox semdown semup top uname unmount whence xd. Their manual pages' examples, the system cases and the unit tests
of ApplTests say what they do.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent / "compare"
LIMIT = 60
TROUBLE = {"cmp", "diff", "grep", "sort", "test"}
ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC0", "TERM": "dumb"}


def rows(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            ours, _, theirs = line.partition(" => ")
            yield ours, theirs or ours


def run(command, cwd, home):
    p = subprocess.run(command, cwd=cwd, env=ENVIRONMENT | {"HOME": str(home)}, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT, start_new_session=True)
    return p.stdout, p.returncode


def ours(emu, commands, work, home):
    """One emu runs all rows: what each wrote, and how it ended."""
    script = work.parent / "rows"
    lines = []
    for command in commands:
        lines += [command, "echo -n '<<='^$\"status^'=>>'"]
    script.write_text("\n".join(lines) + "\n")
    out, _ = run([emu, str(script)], work, home)
    parts = re.split(rb"<<=([^\n]*?)=>>", out)
    return [(out, code(status.decode())) for out, status in zip(parts[0::2], parts[1::2])]


def code(status):
    """A status as a host sees it."""
    number = status.partition(":")[0]
    return 0 if not status else int(number) if number.isdigit() else 2 if status == "usage" else 1


def tree(top):
    """Every file's kind, permissions and contents, by path."""
    found = {}
    for path in sorted(top.rglob("*")):
        mode = path.lstat().st_mode
        text = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(top))] = (stat.filemode(mode), text)
    return found


def compare(path, emu):
    """What differs, a line each."""
    table = list(rows(path))
    with tempfile.TemporaryDirectory(prefix="emu-compare.") as tmp:
        one, two, home = pathlib.Path(tmp, "one", "work"), pathlib.Path(tmp, "two", "work"), pathlib.Path(tmp, "home")
        for side in (one, two):
            shutil.copytree(HERE / "input", side, symlinks=True)
        home.mkdir()
        results = ours(emu, [row[0] for row in table], one, home)
        wrong = []
        for number, (command, theirs) in enumerate(table):
            out, status = run(["sh", "-c", theirs], two, home)
            most = 2 if path.name in TROUBLE else 1
            want = (out, min(status, most))
            got = results[number] if number < len(results) else (b"nothing: emu ended before", 1)
            got = (got[0], min(got[1], most))
            if got != want:
                wrong.append(f"{path.name}: {command}\n    host {show(*want)}\n    emu  {show(*got)}")
        here, there = tree(one), tree(two)
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                wrong.append(f"{path.name}: file {name}: host {brief(there.get(name))}, emu {brief(here.get(name))}")
    if len(table) < 10:
        wrong.append(f"{path.name}: only {len(table)} rows")
    return len(table), wrong


def show(out, status):
    return f"ends with {status}, {out[:600]!r}"


def brief(file):
    return file and f"{file[0]} {file[1][:300]!r}"


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    emu, names = os.path.abspath(arguments[0]), arguments[1:]
    files = [p for p in sorted(HERE.iterdir()) if p.is_file() and (not names or p.name in names)]
    count, failed = 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for table, wrong in pool.map(lambda p: compare(p, emu), files):
            count += table
            failed += len(wrong)
            for line in wrong:
                print(f"FAIL {line}", flush=True)
    print(f"{count} rows of {len(files)} programs, {failed} differences")
    sys.exit(1 if failed or not files else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
