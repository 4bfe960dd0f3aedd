"""client.py EMU: talk 9P to emu as a stranger would: over its standard input and output, and to an address."""

import hashlib
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

EMU = sys.argv[1]
NOFID = 0xFFFFFFFF


def string(s):
    b = s.encode()
    return struct.pack("<H", len(b)) + b


class Refused(Exception):
    pass


class Client:
    """One connection; `rpc` sends a request and gives the body of its reply."""

    def __init__(self, read, write, dialect, msize=65536):
        self.read, self.write, self.buffer, self.fids = read, write, b"", 10
        body = self.rpc(100, struct.pack("<I", msize) + string(dialect), 0xFFFF)
        self.msize, = struct.unpack_from("<I", body)
        assert body[4:] == string(dialect), body
        self.linux = dialect.endswith(".L")
        extra = struct.pack("<I", 0) if self.linux else b""
        self.rpc(104, struct.pack("<II", 0, NOFID) + string("me") + string("") + extra)

    def frame(self):
        while len(self.buffer) < 4 or len(self.buffer) < struct.unpack_from("<I", self.buffer)[0]:
            more = self.read(1 << 20)
            if not more:
                raise EOFError("hung up")
            self.buffer += more
        size, kind, tag = struct.unpack_from("<IBH", self.buffer)
        body, self.buffer = self.buffer[7:size], self.buffer[size:]
        return kind, tag, body

    def ask(self, kind, body, tag=1):
        self.write(struct.pack("<IBH", 7 + len(body), kind, tag) + body)

    def answer(self):
        kind, tag, body = self.frame()
        if kind == 107:
            raise Refused(body[2:].decode())
        if kind == 7:
            raise Refused(os.strerror(struct.unpack("<I", body)[0]))
        return tag, body

    def rpc(self, kind, body, tag=1):
        self.ask(kind, body, tag)
        got, reply = self.answer()
        assert got == tag
        return reply

    def walk(self, path, fid=0):
        names = [n for n in path.split("/") if n]
        self.fids += 1
        body = self.rpc(110, struct.pack("<IIH", fid, self.fids, len(names)) + b"".join(map(string, names)))
        if struct.unpack_from("<H", body)[0] != len(names):
            raise Refused("No such file or directory" if self.linux else "file does not exist")
        return self.fids

    def open(self, path, mode):
        fid = self.walk(path)
        self.rpc(12 if self.linux else 112, struct.pack("<II" if self.linux else "<IB", fid, mode))
        return fid

    def create(self, name, directory=""):
        fid = self.walk(directory)
        if self.linux:
            self.rpc(14, struct.pack("<I", fid) + string(name) + struct.pack("<III", 0o302, 0o644, 0))
        else:
            self.rpc(114, struct.pack("<I", fid) + string(name) + struct.pack("<IB", 0o644, 2))
        return fid

    def mkdir(self, name):
        if self.linux:
            self.rpc(72, struct.pack("<I", 0) + string(name) + struct.pack("<II", 0o755, 0))
        else:
            fid = self.walk("")
            self.rpc(114, struct.pack("<I", fid) + string(name) + struct.pack("<IB", 0x800001ED, 0))
            self.clunk(fid)

    def rename(self, path, name):
        fid = self.walk(path)
        if self.linux:
            self.rpc(20, struct.pack("<II", fid, 0) + string(name))
        else:
            stat = b"\xff" * 39 + string(name) + string("") * 3
            self.rpc(126, struct.pack("<IHH", fid, len(stat) + 2, len(stat)) + stat)
        self.clunk(fid)

    def clunk(self, fid):
        self.rpc(120, struct.pack("<I", fid))

    def remove(self, path):
        self.rpc(122, struct.pack("<I", self.walk(path)))

    def transfer(self, fid, data=None, depth=4):
        """Writes `data`, or reads to the end, with some requests in flight; the bytes, in order."""
        step = self.msize - 24
        got, asked, heard, end = {}, 0, 0, None if data is None else -(-len(data) // step)
        while end is None or heard < end:
            while asked - heard < depth and (end is None or asked < end):
                if data is None:
                    self.ask(116, struct.pack("<IQI", fid, asked * step, step), asked % 60000 + 1)
                else:
                    part = data[asked * step:(asked + 1) * step]
                    self.ask(118, struct.pack("<IQI", fid, asked * step, len(part)) + part, asked % 60000 + 1)
                asked += 1
            tag, body = self.answer()
            heard += 1
            if data is None:
                n = (tag - 1)
                got[n] = body[4:]
                if len(body) - 4 < step and end is None:
                    end = asked
        return b"".join(got[n] for n in sorted(got))

    def names(self):
        fid = self.open("", 0)
        offset, names = 0, []
        while True:
            data = self.rpc(40 if self.linux else 116, struct.pack("<IQI", fid, offset, 8000))[4:]
            if not data:
                self.clunk(fid)
                return sorted(n for n in names if n not in (".", ".."))
            at = 0
            while at < len(data):
                if self.linux:
                    offset, n = struct.unpack_from("<Q", data, at + 13)[0], struct.unpack_from("<H", data, at + 22)[0]
                    names.append(data[at + 24:at + 24 + n].decode())
                    at += 24 + n
                else:
                    size, n = struct.unpack_from("<H", data, at)[0], struct.unpack_from("<H", data, at + 41)[0]
                    names.append(data[at + 43:at + 43 + n].decode())
                    at += 2 + size
            if not self.linux:
                offset += len(data)


def piped(command, dialect):
    p = subprocess.Popen([EMU, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def write(data):
        while data:
            data = data[p.stdin.write(data):]

    return p, Client(p.stdout.read, write, dialect)


def everything(dialect):
    p, c = piped("export /n/host/served", dialect)
    blob = os.urandom(1 << 20) * 20
    fid = c.create("large")
    c.transfer(fid, blob)
    c.clunk(fid)
    there = pathlib.Path("served/large").read_bytes()
    print("20 MB written:", hashlib.sha256(there).digest() == hashlib.sha256(blob).digest())
    fid = c.open("large", 0)
    print("20 MB read:", c.transfer(fid) == blob)
    c.clunk(fid)
    c.mkdir("sub")
    c.rename("large", "renamed")
    c.clunk(c.create("other", "sub"))
    print("names:", *c.names())
    for path in ("no/such", "renamed/x"):
        try:
            c.walk(path)
        except Refused as why:
            print(f"{path}: {why}")
    for path in ("sub/other", "sub", "renamed"):
        c.remove(path)
    print("left:", *os.listdir("served"))
    p.stdin.close()
    print("status at hangup:", p.wait(10))


def masked():
    p, c = piped("export -p r /n/host/served", "9P2000")
    for what in (lambda: c.create("new"), lambda: c.walk("file")):
        try:
            what()
            print("granted")
        except Refused as why:
            print("refused:", why)
    p.kill()
    p.wait()


def hostile():
    p, c = piped("export /n/host/served", "9P2000")
    c.write(b"\x03\0\0\0\0\0\0")
    try:
        c.frame()
        print("answered")
    except EOFError:
        print("hung up; status:", p.wait(10))


def killed():
    """A client that is killed with a file open that was to be removed leaves none."""
    p, c = piped("export /n/host/served", "9P2000")
    fid = c.walk("")
    c.rpc(114, struct.pack("<I", fid) + string("temporary") + struct.pack("<IB", 0o644, 0x41))
    print("while it is open:", *sorted(os.listdir("served")))
    p.stdin.close()
    p.wait(10)
    print("afterwards:", *sorted(os.listdir("served")))


def served():
    """emu --serve: several clients of one process, and a Debian client where there is one."""
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    p = subprocess.Popen([EMU, "--serve", f"tcp!127.0.0.1!{port}", "/n/host/served"])
    clients = []
    for _ in range(50):
        for _ in range(200):
            try:
                s = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        clients.append(Client(s.recv, s.sendall, "9P2000.L"))
    print("connections:", sum(c.names() == ["file"] for c in clients))
    if shutil.which("diodls"):
        base = ["-s", f"127.0.0.1:{port}", "-a", "/"]
        listed = subprocess.run(["diodls", *base, "/"], capture_output=True, text=True).stdout.split()
        text = subprocess.run(["diodcat", *base, "file"], capture_output=True, text=True).stdout
        if listed != ["file"] or text != "text\n":
            print("diod's clients:", listed, text)
    p.send_signal(signal.SIGTERM)
    p.wait(10)
    print("hung up on:", sum(not s.read(1) for s in clients))


os.mkdir("served")
for spoken in ("9P2000", "9P2000.L"):
    print(f"{spoken}:")
    everything(spoken)
pathlib.Path("served/file").write_text("text\n")
masked()
hostile()
killed()
served()
