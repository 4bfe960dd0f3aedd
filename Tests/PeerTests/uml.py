"""The Linux 9P client: a user-mode Linux guest, joined by a tap to a network name space in which the server runs."""

import itertools
import os
import pathlib
import signal
import subprocess
import tempfile
import textwrap

SERVER, GUEST = "192.168.77.1", "192.168.77.2"
_serial = itertools.count()


class Network:
    """A network name space of its own, with a tap for the guest. What was started in it is stopped at the end."""

    def __init__(self):
        self.name = f"emu9p-{os.getpid()}-{next(_serial)}"
        self.started = []

    def __enter__(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        for line in ("link set lo up", "tuntap add dev tap0 mode tap", f"addr add {SERVER}/24 dev tap0",
                     "link set tap0 up"):
            subprocess.run(["ip", "-n", self.name, *line.split()], check=True)
        # Some servers ask who calls.
        hosts = pathlib.Path("/etc/netns") / self.name
        hosts.mkdir(parents=True)
        (hosts / "hosts").write_text(f"127.0.0.1 localhost\n{SERVER} server\n{GUEST} guest\n")
        return self

    def __exit__(self, *_):
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        subprocess.run(["ip", "netns", "del", self.name], check=True)
        hosts = pathlib.Path("/etc/netns") / self.name
        (hosts / "hosts").unlink()
        hosts.rmdir()

    def command(self, words):
        return ["ip", "netns", "exec", self.name, *words]

    def start(self, words, **options):
        process = subprocess.Popen(self.command(words), stdin=subprocess.DEVNULL, start_new_session=True, **options)
        self.started.append(process)
        return process


INIT = """\
    #!/bin/sh
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/mnt TMPDIR=/mnt LANG=C.UTF-8
    mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /mnt;
    mkdir /mnt/9
    m=/usr/lib/uml/modules/$(uname -r)/kernel
    for k in fs/netfs/netfs fs/fscache/fscache net/9p/9pnet net/9p/9pnet_fd fs/9p/9p; do insmod $m/$k.ko; done
    ip link set lo up; ip addr add {guest}/24 dev eth0; ip link set eth0 up
    {job}
    echo guest done
    echo o >/proc/sysrq-trigger
    sleep 10
    """


def guest(network, job, limit=300):
    """Runs the shell lines `job` in a guest; gives what they print. Raises where it does not come to its end."""
    with tempfile.TemporaryDirectory() as scratch:
        init = pathlib.Path(scratch) / "init"
        init.write_text(textwrap.dedent(INIT).format(guest=GUEST, job=textwrap.dedent(job)))
        init.chmod(0o755)
        os.chmod(scratch, 0o755)
        words = ["linux.uml", "mem=256M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={init}",
                 "eth0=tuntap,tap0,,", "con=null", "con0=fd:0,fd:1", "quiet", f"uml_dir={scratch}/"]
        process = subprocess.Popen(network.command(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, "TMPDIR": scratch})
        try:
            out, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
            raise RuntimeError(f"the guest did not end in {limit} s:\n{out.decode(errors='replace')}") from None
    text = out.decode(errors="replace").replace("\r", "")
    if "guest done" not in text:
        raise RuntimeError("the guest ended early:\n" + text)
    return text.split("guest done")[0]


def mount(dialect, port, aname="", msize=131072):
    """The guest's command that mounts the server's tree on /mnt/9."""
    if dialect == "L":
        options = f"version=9p2000.L,access=user,aname={aname}"
    else:
        options = "version=9p2000,access=any,noextend"
    return f"mount -t 9p -o trans=tcp,port={port},{options},msize={msize},uname=root,cache=none {SERVER} /mnt/9"
