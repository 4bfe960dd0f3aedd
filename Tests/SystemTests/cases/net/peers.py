"""Talk with emu over the host's sockets, as server and as client; print what was seen."""

import os
import resource
import socket
import struct
import subprocess
import threading
import time

EMU = os.environ["EMU"]


class Shell:
    """An emu that reads commands."""

    def __init__(self, *flags, descriptors=0):
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))) if descriptors else None
        self.emu = subprocess.Popen([EMU, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, preexec_fn=limit)

    def say(self, command):
        self.emu.stdin.write(command + "\n")
        self.emu.stdin.flush()

    def line(self):
        return self.emu.stdout.readline().rstrip("\n")

    def listen(self, network, address, command, flags=""):
        """Announce; give what a socket connects to."""
        self.say(f"listen {flags} -i {{cat $net/local}} {network}!{address} {command}")
        local = self.line()
        if network == "unix":
            return local
        host, _, port = local.rpartition("!")
        return host, int(port)

    def count(self):
        """How many conversations are left."""
        self.say("netstat | wc -l")
        return int(self.line())

    def settle(self, wanted):
        for _ in range(500):
            if (n := self.count()) == wanted:
                return n
            time.sleep(0.01)
        return n

    def end(self):
        out, err = self.emu.communicate(timeout=20)
        return out, err


def everything(s):
    data = b""
    while part := s.recv(1 << 16):
        data += part
    return data


def talk(address, data, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.connect(address)

        def send():
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        got = everything(s)
        sender.join()
    return got


def echo_server(family, kind, address):
    """Serve one caller, or one datagram."""
    s = socket.socket(family, kind)
    s.bind(address)
    if kind == socket.SOCK_STREAM:
        s.listen()

    def serve():
        if kind == socket.SOCK_DGRAM:
            data, caller = s.recvfrom(2000)
            s.sendto(data.upper(), caller)
        else:
            c, _ = s.accept()
            c.sendall(everything(c).upper())
            c.close()
        s.close()

    threading.Thread(target=serve, daemon=True).start()
    return s.getsockname()


def run(command, *flags):
    p = subprocess.run([EMU, *flags, "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return (p.stdout + p.stderr).rstrip("\n")


big = os.urandom(1 << 20)
server = Shell()
address = server.listen("tcp", "127.0.0.1!0", "cat")
print("a megabyte there and back:", talk(address, big) == big)

callers = [socket.create_connection(address) for _ in range(100)]
for n, c in enumerate(callers):
    c.sendall(b"%d" % n)
    c.shutdown(socket.SHUT_WR)
print("a hundred at once:", all(everything(c) == b"%d" % n for n, c in enumerate(callers)))
for c in callers:
    c.close()

for _ in range(50):
    c = socket.create_connection(address)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
print("after fifty resets:", talk(address, b"still there"), server.settle(1))

six = server.listen("tcp", "::1!0", "{sed 's/^/six /'}")
print("version 6:", talk(six, b"yes\n", socket.AF_INET6))
left = server.settle(2)
_, err = server.end()
print("left:", left, set(err.splitlines()))
print("an emu that has ended:", run(f"dial tcp!127.0.0.1!{address[1]}").split("' ")[-1])

_, port = echo_server(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
print(run(f"echo to a server | dial tcp!localhost!{port}"))
port = echo_server(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))[1]
print(run(f"echo to the other version | dial net!localhost!{port}"))
_, port = echo_server(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
print(run(f"dial udp!127.0.0.1!{port} {{echo -n datagram; read -c 8 >[1=2]}}"))

path = os.path.abspath("socket")
echo_server(socket.AF_UNIX, socket.SOCK_STREAM, path)
print(run(f"echo refused | dial unix!{path}").replace(path, "path"))
print(run(f"echo let | dial unix!{path}", f"--net=unix!{path}"))
os.unlink(path)
server = Shell("--net")
print("unix:", talk(server.listen("unix", path, "tr a-z A-Z"), b"shout", socket.AF_UNIX), os.path.exists(path))
server.end()
print("its file is gone:", not os.path.exists(path))

print(run("dial tcp!192.0.2.2!80", "--net=tcp!192.0.2.1!80,udp!*!53"))
print(run("listen -A tcp!*!0 cat", "--net=tcp!192.0.2.1!80"))
print(run("", "--net=tcp!80").splitlines()[0])

server = Shell()
server.listen("tcp", "127.0.0.1!0", "cat")
server.say("echo hangup > /net/tcp/0/ctl")
print("listeners after a hangup:", server.settle(0), server.end())

server = Shell(descriptors=64)
address = server.listen("tcp", "127.0.0.1!0", "cat")
callers = [socket.create_connection(address) for _ in range(100)]
print(server.emu.stderr.readline().rstrip("\n"))
ticks = lambda: sum(map(int, open(f"/proc/{server.emu.pid}/stat").read().rpartition(")")[2].split()[11:13]))
before = ticks()
time.sleep(1)
print("it does not spin:", (ticks() - before) / os.sysconf("SC_CLK_TCK") < 0.5)
for c in callers:
    c.close()
print("and goes on:", talk(address, b"hello"))
server.end()
