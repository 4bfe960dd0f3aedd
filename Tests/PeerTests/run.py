#!/usr/bin/env python3
"""run.py EMU [PATTERN...] [-PATTERN...]: emu's 9P with the programs of others at the other end; one table: peer,
direction, dialect, step.

Needs root (a network name space and a tap of its own for each guest) and PyPI, from which p9fs and python-9p come; what
is missing of PACKAGES is installed. PATTERNs select rows by name, as `linux*`; those with a - leave rows out. A step
that a peer is known to get wrong stands in FAULTS, with what is wrong with the peer; one that passes there fails the
run, so that the list stays true.
"""

import fnmatch
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import uml

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
VENVS = TOP / ".build" / "peers"
PACKAGES = "python3-venv gcc git diod nfs-ganesha nfs-ganesha-vfs user-mode-linux kmod iproute2".split()

# (row, step): what the peer gets wrong, whoever is at the other end.
FAULTS = {
    ("linux>emu 2000", "git"): "git renames files over others, for which 9P2000 has no message",
    ("linux>emu 2000", "git-fsck"): "there is no clone",
    ("linux>emu L", "nanoseconds"): "the Linux client keeps whole seconds",
    ("p9fs>emu 2000", "absent"): "p9fs takes no sentence but 'file not found' for a file that is not there",
    ("p9fs>emu L", "rmdir"): "p9fs unlinks a directory as if it were a file",
    ("emu>ganesha L", "lock"): "ganesha takes the name by which a client tells its locks apart for that of a host",
    ("emu>p9fs 2000", "stat"): "p9fs' server sets no times, and says that it has",
}


def venv(package):
    """A Python that has `package`; each has its own, since they install modules of one name."""
    python = VENVS / package / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENVS / package], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=True)
    return str(python)


def compiled(scratch):
    binary = scratch / "client"
    subprocess.run(["gcc", "-O1", "-static", "-o", binary, HERE / "client.c"], check=True)
    return binary


def wait_for_port(network, address, port, process, limit=20):
    """Until somebody listens there."""
    end = time.monotonic() + limit
    probe = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()"
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        words = [sys.executable, "-c", probe, address, str(port)]
        if subprocess.run(network.command(words) if network else words, stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens on {address}:{port}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """A server as a process group, stopped at the end."""

    def __init__(self, words, **options):
        self.process = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Table:
    def __init__(self, patterns):
        self.wanted = [p for p in patterns if not p.startswith("-")]
        self.unwanted = [p[1:] for p in patterns if p.startswith("-")]
        self.passed = self.failed = 0

    def wants(self, row):
        if any(fnmatch.fnmatch(row, p) for p in self.unwanted):
            print(f"{row:24} left out, as was asked", flush=True)
            return False
        return not self.wanted or any(fnmatch.fnmatch(row, p) for p in self.wanted)

    def add(self, row, text, least=1):
        """Lines `STEP ok` and `STEP FAIL: why` of a client; any other line is a failure, and so are fewer than `least`."""
        lines = [line for line in text.splitlines() if line.strip()]
        for line in lines:
            step, _, verdict = line.partition(" ")
            fault = FAULTS.get((row, step))
            good = verdict == "ok"
            if good != (fault is None):
                self.failed += 1
                print(f"{row:24} {line}" if not good else f"{row:24} {step} passes: it is no fault any more")
            else:
                self.passed += 1
                print(f"{row:24} {step:16} {'ok' if good else 'fault of the peer: ' + fault}")
        if len(lines) < least:
            self.failed += 1
            print(f"{row:24} FAIL: {len(lines)} steps, not {least}: the client ended early")
        sys.stdout.flush()


def emu_server(emu, address, tree, beyond_loopback=False):
    if beyond_loopback:
        return [emu, "--net", "-c", f"export -A -l '{address}' /n/host"], {"cwd": tree}
    return [emu, "--serve", address, "/n/host"], {"cwd": tree}


# What a guest does with the tools of its system, a step a line.
TOOLS = """
try() {{ step=$1; shift; if why=$("$@" 2>&1); then echo "$step ok"; else echo "$step FAIL: $why" | head -n 1; fi; }}
cd /mnt/9
try tar tar -xf {tar} -C /mnt/9
try diff diff -r {tree} /mnt/9/{name}
try git git clone -q /mnt/9/{name}/repository /mnt/9/clone
try git-fsck git -C /mnt/9/clone fsck --strict
try cp cp -r /mnt/9/{name} /mnt/9/copy
try rm rm -rf /mnt/9/copy /mnt/9/clone /mnt/9/{name}
"""


def tree_for_tools(scratch):
    """A small tree of files with a git repository in it, and a tar of it."""
    tree = scratch / "tree"
    (tree / "repository").mkdir(parents=True)
    for i in range(40):
        directory = tree / f"d{i % 4}"
        directory.mkdir(exist_ok=True)
        (directory / f"file{i}").write_bytes(bytes(range(256)) * i)
    git = ["git", "-C", tree / "repository", "-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run(["git", "init", "-q", tree / "repository"], check=True)
    for i in range(5):
        (tree / "repository" / f"f{i}").write_text(f"line {i}\n" * 100)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", f"change {i}"], check=True)
    subprocess.run(["tar", "-cf", scratch / "tree.tar", "-C", scratch, "tree"], check=True)
    return tree


def linux_to_emu(emu, scratch, table):
    """The Linux client against our server."""
    client = compiled(scratch)
    tree = tree_for_tools(scratch)
    for dialect in ("2000", "L"):
        row = f"linux>emu {dialect}"
        if not table.wants(row):
            continue
        export = scratch / f"linux-{dialect}"
        export.mkdir()
        with uml.Network() as network:
            words, options = emu_server(emu, f"tcp!{uml.SERVER}!5640", export, beyond_loopback=True)
            server = network.start(words, **options)
            wait_for_port(network, uml.SERVER, 5640, server)
            tools = TOOLS.format(tar=scratch / "tree.tar", tree=tree, name="tree")
            job = f"{uml.mount(dialect, 5640)} && {client} /mnt/9 {dialect}\n{tools}\ncd /\numount /mnt/9"
            table.add(row, "\n".join(line for line in uml.guest(network, job).splitlines() if is_step(line)), 10)


def is_step(line):
    words = line.split(" ", 2)
    return len(words) >= 2 and (words[1] == "ok" and len(words) == 2 or words[1] == "FAIL:")


def python_to_emu(emu, scratch, table):
    for row, package, script, arguments in (
        ("p9fs>emu 2000", "p9fs", "p9fs_client.py", ["9P2000", ""]),
        ("p9fs>emu L", "p9fs", "p9fs_client.py", ["9P2000.L", ""]),
        ("python-9p>emu 2000", "python-9p", "py9p_client.py", [""]),
    ):
        if not table.wants(row):
            continue
        export = scratch / row.replace(">", "-").replace(" ", "-")
        export.mkdir()
        port = free_port()
        words, options = emu_server(emu, f"tcp!127.0.0.1!{port}", export)
        with Process(words, **options) as server:
            wait_for_port(None, "127.0.0.1", port, server)
            done = subprocess.run([venv(package), HERE / script, "127.0.0.1", str(port), *arguments],
                                  stdout=subprocess.PIPE, text=True, timeout=300)
            table.add(row, done.stdout, 5)


def diod_to_emu(emu, scratch, table):
    """diod's own clients."""
    row = "diod>emu L"
    if not table.wants(row):
        return
    export = scratch / "diod-client"
    (export / "d").mkdir(parents=True)
    data = os.urandom(20 << 20)
    (export / "d" / "big").write_bytes(data)
    for i in range(200):
        (export / "d" / f"{i:03}").write_text("x")
    port = free_port()
    words, options = emu_server(emu, f"tcp!127.0.0.1!{port}", export)
    with Process(words, **options) as server:
        wait_for_port(None, "127.0.0.1", port, server)
        def run(*words):
            return subprocess.run([words[0], "-s", f"127.0.0.1:{port}", "-a", "/", *words[1:]], capture_output=True, timeout=60)
        listed = run("diodls", "-l", "/d")
        names = [line.split()[-1] for line in listed.stdout.decode().splitlines() if line.split()]
        want = sorted(["big", *(f"{i:03}" for i in range(200))])
        good = sorted(n for n in names if n not in (".", "..")) == want
        lines = [f"list {'ok' if good else 'FAIL: ' + listed.stderr.decode()[:200] + ' '.join(names)[:200]}"]
        read = run("diodcat", "d/big")
        lines.append(f"transfer {'ok' if read.stdout == data else 'FAIL: ' + read.stderr.decode()[:200]}")
        table.add(row, "\n".join(lines), 2)


def servers(scratch):
    """Servers of others: row, dialect, aname, command."""
    for name in ("diod", "ganesha", "p9fs"):
        export = scratch / f"{name}-server"
        export.mkdir()
        port = free_port()
        if name == "diod":
            words = ["diod", "-f", "-n", "-L", "stderr", "-c", "/dev/null", "-l", f"127.0.0.1:{port}", "-e", export]
            yield name, "9p2000.L", str(export), port, words
        elif name == "ganesha":
            # Where it keeps what it knows of clients, and does not start without.
            pathlib.Path("/var/run/ganesha").mkdir(exist_ok=True)
            conf = scratch / "ganesha.conf"
            conf.write_text(GANESHA.format(port=port, export=export))
            words = ["ganesha.nfsd", "-F", "-f", conf, "-L", scratch / "ganesha.log", "-p", scratch / "ganesha.pid"]
            yield name, "9p2000.L", str(export), port, words
        else:
            words = [venv("p9fs"), "-m", "py9p", "-w", "-p", port, "-r", export, "-a", "127.0.0.1", "root"]
            yield name, "9p2000", "", port, words


GANESHA = """
NFS_CORE_PARAM {{ Protocols = 9P; Bind_addr = 127.0.0.1; }}
_9P {{ _9P_TCP_Port = {port}; _9P_TCP_Msize = 65536; }}
EXPORT {{ Export_Id = 1; Path = {export}; Pseudo = {export}; Access_Type = RW; Squash = No_Root_Squash;
         Protocols = 9P; Transports = TCP; FSAL {{ Name = VFS; }} }}
"""


def short(dialect):
    return "L" if dialect.endswith("L") else "2000"


def emu_to_others(emu, scratch, table):
    """Our client against servers of others, and against ours."""
    script = HERE / "client.sh"
    own = scratch / "emu-server"
    own.mkdir()
    rows = [(f"emu>{name} {short(dialect)}", dialect, aname, port, words, {})
            for name, dialect, aname, port, words in servers(scratch)]
    for dialect in ("9p2000", "9p2000.L"):
        port = free_port()
        words, options = emu_server(emu, f"tcp!127.0.0.1!{port}", own)
        rows.append((f"emu>emu {short(dialect)}", dialect, "", port, words, options))
    for row, dialect, aname, port, words, options in rows:
        if not table.wants(row):
            continue
        with Process(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options) as server:
            wait_for_port(None, "127.0.0.1", port, server)
            address = f"tcp!127.0.0.1!{port}"
            done = subprocess.run([emu, script, dialect, address, aname], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, text=True, timeout=300, cwd=scratch)
            table.add(row, done.stdout, 8)
        shutil.rmtree(own)
        own.mkdir()


def main():
    emu = str(pathlib.Path(sys.argv[1]).resolve())
    table = Table(sys.argv[2:])
    subprocess.run([TOP / "run", "need", *PACKAGES], check=True)
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        scratch = pathlib.Path(name)
        scratch.chmod(0o755)
        os.environ["XDG_DATA_HOME"] = str(scratch / "data")
        for part in (linux_to_emu, python_to_emu, diod_to_emu, emu_to_others):
            try:
                part(emu, scratch, table)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                table.failed += 1
                print(f"{part.__name__} FAIL: {error}")
    print(f"{table.passed} passed, {table.failed} failed")
    sys.exit(table.failed > 0 or table.passed == 0)


if __name__ == "__main__":
    main()
