#!/usr/bin/env python3
"""run.py EMU [PATTERN...]: what `commands` lists, run by the host itself and by EMU's native sandbox, and compared.

Each is run as root and as an ordinary user, each with /dev/fuse and without, in a name space that has the host's programs
and the one directory, and by `emu --sandbox`; root must run this. What is printed, the status and the tree that is left
must be equal. A file in the home directory of who runs it must not be found inside. PATTERNs select by name.
"""

import concurrent.futures
import difflib
import fnmatch
import hashlib
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = (
    "bc bzip2 g++ gcc git less make passwd patch perl procps python3 python3-venv sqlite3 util-linux vim xz-utils".split())
NOBODY = 65534
LIMIT = 120
SPACE = "mkdir {work}\nbind -c '#U*{work}' {work}\n. /lib/ns/host\n"
# In a mount name space of its own: /dev/fuse as everybody may open it, or as nobody can.
FUSE = {
    True: 'mknod -m 666 "$0/fuse" c 10 229; mount --bind "$0/fuse" /dev/fuse; exec "$@"',
    False: 'mount --bind /dev/null /dev/fuse; exec "$@"',
}


def paragraphs():
    found, rows = [], None
    for line in (HERE / "commands").read_text().splitlines():
        if line.startswith("== "):
            name, _, spared = line[3:].partition(" ! ")
            rows = []
            found.append((name.strip(), set(spared.split()), rows))
        elif rows is not None:
            rows.append(line)
    return [(name, spared, "\n".join(rows) + "\n") for name, spared, rows in found]


def manifest(top, began, times):
    rows = []
    for directory, names, files in os.walk(top):
        for name in names + files:
            path = os.path.join(directory, name)
            s = os.lstat(path)
            row = [os.path.relpath(path, top), stat.filemode(s.st_mode)]
            if stat.S_ISLNK(s.st_mode):
                row.append(os.readlink(path))
            elif stat.S_ISREG(s.st_mode):
                row += [s.st_size, s.st_nlink, hashlib.sha256(open(path, "rb").read()).hexdigest()]
                # What was made just now has the time of its making.
                if times:
                    row.append(int(s.st_mtime) if s.st_mtime < began - 3600 else "now")
            rows.append(" ".join(map(str, row)))
    return sorted(rows)


class Run:
    """One paragraph, in a directory that is made anew for each way of running it."""

    def __init__(self, emu, name, spared, script):
        self.emu, self.name, self.spared = emu, name, spared
        self.work = tempfile.mkdtemp(prefix="emu-native-", dir="/tmp")
        os.chmod(self.work, 0o755)
        self.tree = os.path.join(self.work, "w")
        self.home = os.path.join(self.work, "home")
        pathlib.Path(self.work, "script").write_text(script)
        pathlib.Path(self.work, "space").write_text(SPACE.format(work=self.work))

    def run(self, uid, words):
        """What is told and left: rows of text."""
        shutil.rmtree(self.tree, ignore_errors=True)
        os.makedirs(self.tree + "/a/b")
        for name in "a/f", "a/b/g":
            pathlib.Path(self.tree, name).write_text("one\ntwo\nthree\n")
        os.makedirs(self.home, exist_ok=True)
        os.chown(self.home, uid, uid)
        for directory, names, files in os.walk(self.tree):
            for path in [directory] + [os.path.join(directory, f) for f in files]:
                os.chown(path, uid, uid)
        began = time.time()
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.home, "LANG": "C.UTF-8", "TZ": "UTC0", "TERM": "dumb"}
        done = subprocess.run(
            words, cwd=self.tree, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=LIMIT, umask=0o022)
        rows = [f"status {done.returncode}"] + done.stdout.splitlines() + ["errors:"] + done.stderr.splitlines()
        # Which number a process has is nobody's business.
        rows = [re.sub(r"(line \d+:) +\d+ ", r"\1 N ", row.replace(f"{self.work}/script", "script")) for row in rows]
        if "tree" not in self.spared:
            rows += ["tree:"] + manifest(self.tree, began, "times" not in self.spared)
        return rows

    def as_user(self, uid, words):
        return words if uid == 0 else ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] + words

    def native(self, uid):
        return self.run(uid, self.as_user(uid, ["bash", f"{self.work}/script"]))

    def inside(self, uid, fuse, sandbox=False):
        command = f"cd {self.tree}; vxrun /usr/bin/bash {self.work}/script"
        words = [self.emu, "-H", "-n", f"{self.work}/space", "-c", command]
        if sandbox:
            shown = ["-m", f"{self.tree}:rwx", "-m", f"{self.work}/script:r"]
            words = [self.emu, "--sandbox", *shown, "bash", f"{self.work}/script"]
        words = self.as_user(uid, words)
        node = os.path.join(self.work, "fuse")
        if os.path.exists(node):
            os.remove(node)
        return self.run(uid, ["unshare", "-m", "sh", "-c", FUSE[fuse], self.work] + words)


def compare(emu, name, spared, script):
    run = Run(emu, name, spared, script)
    failed = []
    try:
        for uid in 0, NOBODY:
            shutil.rmtree(run.home, ignore_errors=True)
            wanted = run.native(uid)
            for fuse, sandbox in (True, False), (False, False), (True, True):
                way = f"{'root' if uid == 0 else 'user'}, {'with' if fuse else 'without'} /dev/fuse"
                way += ", --sandbox" if sandbox else ""
                try:
                    got = run.inside(uid, fuse, sandbox)
                except subprocess.TimeoutExpired:
                    got = [f"no end within {LIMIT} s"]
                if got != wanted:
                    lines = difflib.unified_diff(wanted, got, lineterm="", n=1)
                    failed.append((way, "\n".join(list(lines)[2:])))
    finally:
        shutil.rmtree(run.work, ignore_errors=True)
    return failed


def canary(emu):
    """Nothing that was not bound is there: a file in the home directory of who runs it, by each path that leads there."""
    failed = []
    for uid in 0, NOBODY:
        run = Run(emu, "canary", set(), "")
        home = tempfile.mkdtemp(prefix="emu-home-", dir="/tmp")
        try:
            secret = os.path.join(home, "secret")
            pathlib.Path(secret).write_text("canary\n")
            os.chmod(home, 0o755)
            pathlib.Path(run.work, "script").write_text(
                f"cat {secret} /proc/self/root{secret} /proc/1/root{secret} /proc/$$/cwd/../../..{secret} "
                f"../../../..{secret} /proc/self/fd/0/../..{secret} /dev/fd/../../..{secret}\n"
                "for f in /etc/shadow /root /boot; do [ -e $f ] && echo $f; done; exit 0\n")
            said = "\n".join(run.inside(uid, True) + run.inside(uid, True, True))
            if "canary" in said.replace("emu-home-", "") or "\n/" in said.split("errors:")[0]:
                failed.append(("root" if uid == 0 else "user", said))
        finally:
            shutil.rmtree(run.work, ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
    return failed


def main():
    if len(sys.argv) < 2 or os.geteuid() != 0:
        sys.exit(__doc__ if len(sys.argv) < 2 else "run.py: users are changed and mounts are made: run it as root")
    subprocess.run([HERE.parent.parent / "run", "need", *PACKAGES], check=True)
    # Where the ordinary user finds it too.
    home = tempfile.mkdtemp(prefix="emu-bin-", dir="/tmp")
    os.chmod(home, 0o755)
    emu = shutil.copy(sys.argv[1], home + "/emu")
    jobs = [(name, compare, (emu, name, spared, script)) for name, spared, script in paragraphs()]
    jobs.append(("canary", canary, (emu,)))
    if sys.argv[2:]:
        jobs = [j for j in jobs if any(fnmatch.fnmatch(j[0], p) for p in sys.argv[2:])]
    bad = 0
    try:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for (name, _, _), failed in zip(jobs, pool.map(lambda j: j[1](*j[2]), jobs)):
                print(f"{'FAIL' if failed else 'ok  '} {name}")
                for text in dict.fromkeys(text for _, text in failed):
                    ways = "; ".join(way for way, other in failed if other == text)
                    print(f"---- {name}: -the host +emu as {ways}\n{text}")
                bad += bool(failed)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"{len(jobs)} scripts, each as root and as a user, with /dev/fuse and without, and by --sandbox: {bad} differ")
    sys.exit(bad != 0 or not jobs)


main()
