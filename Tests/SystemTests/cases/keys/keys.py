"""One emu serves a tree over tls to those whose keys it knows, others call it; print what they are let."""

import os
import re
import socket
import subprocess
import time

EMU = os.environ["EMU"]
HERE = os.getcwd()


def home(name):
    return os.environ | {"HOME": f"{HERE}/{name}"}


def keys(name, file=""):
    return f"{HERE}/{name}/.local/share/emu/home/lib/keys/{file}"


def keygen(name):
    os.makedirs(name, exist_ok=True)
    return subprocess.run([EMU, "keygen"], env=home(name), capture_output=True, text=True, check=True).stdout.strip()


def masked(text):
    return re.sub(r"(ed25519|sha256):[A-Za-z0-9+/]{43}", "KEY", re.sub(r"!\d{4,5}\b", "!PORT", text)).rstrip("\n")


def run(name, command):
    p = subprocess.run([EMU, "-c", command], env=home(name), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=40)
    return masked(p.stdout + p.stderr)


class Server:
    """An emu of the home `server`; `command` has the words before and after the address."""

    def __init__(self, before, after):
        self.emu = subprocess.Popen([EMU], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    env=home("server"))
        self.say("mkdir -p /tmp/tree/pub/more /tmp/tree/own; echo public > /tmp/tree/pub/file; echo mine > /tmp/tree/own/file")
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        self.address = f"tls!127.0.0.1!{self.port}"
        self.say(f"{before} {self.address} {after}")
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.02)
        for name in "reader", "owner", "stranger":
            with open(keys(name, "known"), "a") as f:
                f.write(f"127.0.0.1!{self.port} {key['server']}\n")

    def say(self, command):
        self.emu.stdin.write(command + "\n")
        self.emu.stdin.flush()

    def log(self):
        """What it says of whom it refused, other than of the first call, which is our own and says nothing."""
        self.say("dd if=/dev/kprint bs=65536 count=1 >[2] /dev/null; echo end")
        lines = []
        while (line := self.emu.stdout.readline()) not in ("end\n", ""):
            lines.append(masked(line))
        return "\n".join(line for line in lines if "hung up" not in line)

    def end(self):
        return masked("".join(self.emu.communicate(timeout=20)))


key = {name: keygen(name) for name in ("server", "reader", "owner", "stranger")}
with open(keys("server", "authorized"), "w") as f:
    f.write(f"""# who may call
reader {key["reader"]} r-x /tmp/tree/pub  # one who reads
owner\t{key["owner"]}
owner {key["stranger"]} rwx ../../etc
""")

look = ("mkdir /n/remote; mount {0} /n/remote; ls /n/remote; cat /n/remote/file; touch /n/remote/new; rm /n/remote/file; mkdir /n/remote/d; "
        "mount {0} /n/remote /own")
for name, before, after in (("listen", "listen", "export /tmp/tree"), ("export -l", "export -l", "/tmp/tree &")):
    print(f"== {name}")
    server = Server(before, after)
    print("reader:", run("reader", look.format(server.address)), sep="\n")
    print("owner:", run("owner", f"mkdir /n/remote; mount {server.address} /n/remote; cd /n/remote; ls; echo new > own/more; cat own/*; rm own/more"),
          sep="\n")
    print("stranger:", run("stranger", f"mkdir /n/remote; mount {server.address} /n/remote"), sep="\n")
    os.rename(keys("stranger", "key"), "aside")
    print("nobody:", run("stranger", f"mkdir /n/remote; mount {server.address} /n/remote"), sep="\n")
    os.rename("aside", keys("stranger", "key"))
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
    silent[0].sendall(b"no tls")
    print("while others say nothing:", run("owner", f"mkdir /n/remote; mount {server.address} /n/remote; ls /n/remote"), sep="\n")
    for s in silent:
        s.close()
    print("its log:", server.log(), sep="\n")
    print(server.end(), end="")

print("== who it is")
server = Server("listen", "{echo $peer $peermask $peertree; ls / | wc -l}")
for name in "reader", "owner", "stranger":
    print(run(name, f"dial {server.address}").partition("\n")[0])
server.end()
server = Server("listen -A", "{echo nobody is asked: $#peer; cat $net/peer}")
for name in "reader", "stranger":
    print(run(name, f"dial {server.address}"))
print(server.log())
server.end()

print("== what is refused")
print(run("server", "listen tcp!*!0 cat"))
print(run("server", "export -l tcp!*!0 /tmp"))
print(run("server", "listen tls!*!0 cat"))
os.chmod(keys("server", "key"), 0o644)
print(run("server", "listen tls!127.0.0.1!0 cat"))
os.remove(keys("server", "key"))
print(run("server", "listen tls!127.0.0.1!0 cat"))
print(run("server", "env peer=x export /tmp < /dev/null"))
