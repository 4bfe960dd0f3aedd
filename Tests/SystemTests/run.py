#!/usr/bin/env python3
"""run.py EMU [PATTERN...]: run the system cases, the terminal cases and the man pages' examples through the binary EMU.

A case is a directory of Tests/SystemTests/cases:
    in      a script, run as `emu in`; or instead
    cmd     a host command line for sh, in which $EMU is the binary; or instead
    keys    a talk with `emu` on a terminal (see `talk`)
    out     what standard output must be; the standard error must be `err`, or empty where there is none
    status  what the exit status must be, where it is not 0
    limit   seconds, where 30 are not right
Other files of the directory lie beside the script. Each case has a directory and a home of its own, and must leave no
process behind. PATTERNs select cases by name. EMU_BLESS=1 rewrites out, err and status: review the difference as code.
"""

import concurrent.futures
import difflib
import fcntl
import fnmatch
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
MAN = TOP / "Lib" / "man"
BLESS = os.environ.get("EMU_BLESS") == "1"
LIMIT = 30
OWN = {"cmd", "keys", "out", "err", "status", "limit"}


class Failure(Exception):
    pass


def environment(emu, home):
    path = os.environ.get("PATH", "/usr/bin:/bin")
    return {"PATH": path, "EMU": emu, "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC0", "TERM": "dumb"}


def difference(name, want, got):
    lines = difflib.unified_diff(want.splitlines(), got.splitlines(), f"{name}: wanted", f"{name}: got", lineterm="")
    return "\n".join(lines) or f"{name}: only the last newline differs"


def end_group(leader):
    """Kill what is left of a process group; say whether anything was."""
    try:
        os.killpg(leader, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def run(command, cwd, env, limit, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE):
    """Run in a session of its own; give (status, out, err). Fails where time is up or a process stays behind."""
    p = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
                         stdout=subprocess.PIPE, stderr=stderr, start_new_session=True)
    try:
        out, err = p.communicate(stdin if isinstance(stdin, bytes) else None, timeout=limit)
    except subprocess.TimeoutExpired:
        end_group(p.pid)
        out, err = p.communicate()
        text = (out + (err or b"")).decode(errors="replace")
        raise Failure(f"time is up after {limit} s; output so far:\n{text[-2000:]}") from None
    if end_group(p.pid):
        raise Failure("it left a process behind")
    return p.returncode, out.decode(errors="replace"), (err or b"").decode(errors="replace")


def read(path, otherwise=""):
    return path.read_text() if path.exists() else otherwise


def bless(path, text, nothing):
    if text != nothing:
        path.write_text(text)
    elif path.exists():
        path.unlink()


def script(case, emu):
    with tempfile.TemporaryDirectory(prefix="emu-case.") as tmp:
        work, home = pathlib.Path(tmp, "work"), pathlib.Path(tmp, "home")
        home.mkdir()
        shutil.copytree(case, work, ignore=lambda _, names: OWN & set(names))
        command = ["sh", str(case / "cmd")] if (case / "cmd").exists() else [emu, "in"]
        limit = float(read(case / "limit", str(LIMIT)))
        status, out, err = run(command, work, environment(emu, home), limit)
    if BLESS:
        (case / "out").write_text(out)
        bless(case / "err", err, "")
        bless(case / "status", f"{status}\n", "0\n")
        return
    wrong = [difference(name, want, got) for name, want, got in (
        ("out", (case / "out").read_text(), out),
        ("err", read(case / "err"), err),
        ("status", read(case / "status", "0\n"), f"{status}\n")) if want != got]
    if wrong:
        raise Failure("\n".join(wrong))


def talk(case, emu):
    """Play `keys` on terminals of 80 by 24; where it does not begin with `start`, the first has an emu. Its lines:

    send TEXT       type TEXT; \\r is the return key, \\t tab, \\x03 ^C, \\x04 ^D
    expect TEXT     wait until TEXT stands in the output, after what was expected before
    never TEXT      TEXT does not stand in the output so far
    size ROWS COLS  the window changes
    modes own       wait until the terminal's modes are those of the line editor; `modes found`: as before the program
    signal NAME     the program gets a signal, as TERM
    hangup          the terminal is gone
    status N        the program has ended, with status N (or `any`), and left the modes as it found them
    start [COMMAND] a new terminal, on which `emu` or a command line of the host runs, in the same home and directory;
                    the lines that follow are for it
    on N            the lines that follow are for terminal N; the first is 1
    """
    with tempfile.TemporaryDirectory(prefix="emu-case.") as tmp:
        work, home = pathlib.Path(tmp, "work"), pathlib.Path(tmp, "home")
        home.mkdir()
        shutil.copytree(case, work, ignore=lambda _, names: OWN & set(names))
        end = time.monotonic() + float(read(case / "limit", str(LIMIT)))
        terminals = []

        def start(command):
            arguments = ["/bin/sh", "-c", command] if command else [emu]
            terminals.append(Terminal(arguments, work, environment(emu, home), end))
            return terminals[-1]

        try:
            for number, line in enumerate((case / "keys").read_text().splitlines(), 1):
                verb, _, text = line.partition(" ")
                if not line or line.startswith("#"):
                    continue
                if not terminals and verb != "start":
                    now = start("")
                try:
                    if verb == "start":
                        now = start(text)
                    elif verb == "on":
                        now = terminals[int(text) - 1]
                    else:
                        now.play(verb, text.encode().decode("unicode_escape").encode("latin-1").decode())
                except Failure as why:
                    raise Failure(f"keys:{number}: {line}\n{why}; the terminal shows:\n{now.seen[-2000:]}") from None
            for t in terminals:
                if t.pid:
                    raise Failure("keys: a program has no `status`")
        finally:
            for t in terminals:
                t.close()


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, arguments, work, env, end):
        self.end, self.seen, self.at = end, "", 0
        # Nobody writes to the terminal before its modes are known.
        ready, go = os.pipe()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.read(ready, 1)
                os.chdir(work)
                # A runner in the background ignores them; who sits at a terminal does not.
                for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                    signal.signal(number, signal.SIG_DFL)
                os.execve(arguments[0], arguments, env)
            finally:
                os._exit(127)
        self.found = self.modes()
        self.play("size", "24 80")
        os.write(go, b"x")
        os.close(ready)
        os.close(go)

    def modes(self):
        return termios.tcgetattr(self.terminal)

    def more(self):
        """Read once; False at the end or when time is up."""
        ready, _, _ = select.select([self.terminal], [], [], max(0, self.end - time.monotonic()))
        if not ready:
            return False
        try:
            got = os.read(self.terminal, 65536)
        except OSError:
            got = b""
        self.seen += got.decode(errors="replace")
        return bool(got)

    def play(self, verb, text):
        if verb == "send":
            os.write(self.terminal, text.encode())
        elif verb == "expect":
            while (found := self.seen.find(text, self.at)) < 0:
                if not self.more():
                    raise Failure("it did not come")
            self.at = found + len(text)
        elif verb == "never":
            if text in self.seen:
                raise Failure("it came")
        elif verb == "size":
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *map(int, text.split()), 0, 0))
        elif verb == "modes":
            while (self.modes() == self.found) != (text == "found"):
                if time.monotonic() >= self.end:
                    raise Failure("they are not")
                time.sleep(0.01)
        elif verb == "signal":
            os.kill(self.pid, signal.Signals["SIG" + text])
        elif verb == "hangup":
            os.close(self.terminal)
            self.terminal = None
        elif verb == "status":
            self.ended(text)
        else:
            raise Failure("not a verb of keys")

    def ended(self, wanted):
        while self.terminal and self.more():
            pass
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            if time.monotonic() >= self.end:
                raise Failure("it does not end")
            time.sleep(0.01)
        left, self.pid = end_group(self.pid), None
        if left:
            raise Failure("it left a process behind")
        status = os.waitstatus_to_exitcode(ended[1])
        if wanted not in (str(status), "any"):
            raise Failure(f"the status is {status}")
        if self.terminal and self.modes() != self.found:
            raise Failure("the terminal has other modes than before")

    def close(self):
        if self.terminal:
            os.close(self.terminal)
        if self.pid:
            end_group(self.pid)
            os.waitpid(self.pid, 0)


def transcript(lines):
    """What a transcript types, and what is then shown. Outside is prose: a transcript goes from a line that starts with
    the prompt `; ` to an empty line; a command goes on, after two blanks, where the shell would ask for more.
    """
    typed, shown, inside, margin, command = [], [], False, 0, ""
    for line in lines:
        text = line[margin:] if inside and not line[:margin].strip() else line.strip()
        if inside and unfinished(command):
            typed.append(text.removeprefix("  "))
            command += "\n" + text
        elif line.lstrip().startswith("; "):
            inside, margin = True, len(line) - len(line.lstrip())
            command = line[margin + 2:]
            typed.append(command)
        elif not line.strip():
            inside = False
        elif inside:
            shown.append(text)
    return typed, shown


def unfinished(command):
    """Whether the shell asks for more: an open quote, brace or parenthesis, or an operator at the end."""
    bare = re.sub(r"'[^']*'", "", command)
    return ("'" in bare or bare.count("{") > bare.count("}") or bare.count("(") > bare.count(")")
            or re.search(r"(\||&&|\\)\s*$", bare) is not None)


def replay(lines, emu):
    """Type a transcript to a fresh emu, with the flags that a line `In emu FLAGS:` before it names, and compare."""
    flags = [flag for line in lines if (said := re.fullmatch(r"\s*In emu (-.*):", line)) for flag in said[1].split()]
    typed, shown = transcript(lines)
    if not typed:
        raise Failure("no example: its lines start with `; `")
    with tempfile.TemporaryDirectory(prefix="emu-man.") as tmp:
        work, home = pathlib.Path(tmp, "work"), pathlib.Path(tmp, "home")
        work.mkdir(), home.mkdir()
        text = "".join(line + "\n" for line in typed).encode()
        _, got, _ = run([emu, *flags], work, environment(emu, home), LIMIT, stdin=text, stderr=subprocess.STDOUT)
    want = "".join(line + "\n" for line in shown)
    if got != want:
        raise Failure(difference("example", want, got))


def manual(emu):
    """What the manual shows under EXAMPLES, and the blocks of README.md that are marked emu."""
    todo = {}
    for page in sorted(MAN.glob("*/*")):
        section = re.search(r"^EXAMPLES?\n(.*?)(?=^[A-Z]|\Z)", page.read_text(), re.M | re.S)
        lines = section.group(1).splitlines() if section else []
        todo[f"man/{page.parent.name}/{page.name}"] = (replay, lines)
    for n, block in enumerate(re.findall(r"^```emu\n(.*?)^```", (TOP / "README.md").read_text(), re.M | re.S), 1):
        todo[f"README/{n}"] = (replay, block.splitlines())
    return todo


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    emu, patterns = os.path.abspath(arguments[0]), arguments[1:]
    todo = {}
    for case in sorted((HERE / "cases").iterdir()):
        todo[case.name] = (talk if (case / "keys").exists() else script, case)
    # There is nobody to type the examples to before there is a shell.
    if "/bin/sh" in (TOP / "emu.conf").read_text():
        todo |= manual(emu)
    if patterns:
        todo = {name: work for name, work in todo.items() if any(fnmatch.fnmatch(name, p) for p in patterns)}
    failed, start = 0, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {name: pool.submit(kind, path, emu) for name, (kind, path) in todo.items()}
        for name, result in runs.items():
            try:
                result.result()
            except (Failure, OSError, ValueError) as why:
                failed += 1
                print(f"FAIL {name}: {why}", flush=True)
    print(f"{len(todo) - failed} passed, {failed} failed ({time.monotonic() - start:.1f} s)")
    sys.exit(1 if failed or not todo else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
