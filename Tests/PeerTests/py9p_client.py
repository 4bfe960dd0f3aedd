"""py9p_client.py HOST PORT ANAME: what python-9p, another codec and client of 9P2000, does; a step a line."""

import sys

from py9p import OREAD, ORDWR, Client, RemoteError

host, port, aname = sys.argv[1:4]
bad = 0
DMDIR = 1 << 31


def step(name):
    def run(body):
        global bad
        try:
            with Client.connect_tcp(host, int(port), timeout=60) as c:
                c.negotiate()
                c.attach(fid=0, uname="root", aname=aname)
                body(c)
            print(name, "ok", flush=True)
        except Exception as error:  # whatever it is, it is what the table tells
            bad = 1
            print(f"{name} FAIL: {type(error).__name__}: {error}", flush=True)
    return run


def refused(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except RemoteError as error:
        return str(error)
    raise AssertionError("it was not refused")


@step("create")
def create(c):
    c.walk(fid=0, newfid=1, path="")
    c.create(fid=1, name="dir", perm=DMDIR | 0o755, mode=int(OREAD))
    c.clunk(fid=1)
    c.walk(fid=0, newfid=1, path="dir")
    c.create(fid=1, name="file", perm=0o644, mode=int(ORDWR))
    c.write(fid=1, offset=0, data=b"some bytes")
    c.clunk(fid=1)
    c.walk(fid=0, newfid=1, path="dir/file")
    c.open(fid=1, mode=int(OREAD))
    assert bytes(getattr(d := c.read(fid=1, count=100), "data", d)) == b"some bytes"
    c.clunk(fid=1)


@step("stat")
def stat(c):
    c.walk(fid=0, newfid=1, path="dir/file")
    reply = c.stat(fid=1)
    status = getattr(reply, "stat", reply)
    assert status.name == "file" and status.length == 10, status
    c.clunk(fid=1)


@step("transfer")
def transfer(c):
    data = bytes((i * 7 + (i >> 8)) & 255 for i in range(1 << 16)) * 32
    c.walk(fid=0, newfid=1, path="")
    c.create(fid=1, name="big9", perm=0o644, mode=int(ORDWR))
    step = 8192 - 24
    for at in range(0, len(data), step):
        c.write(fid=1, offset=at, data=data[at:at + step])
    back = bytearray()
    while True:
        d = c.read(fid=1, count=step, offset=len(back))
        d = bytes(getattr(d, "data", d))
        if not d:
            break
        back += d
    assert back == data
    c.clunk(fid=1)


@step("remove")
def remove(c):
    c.walk(fid=0, newfid=1, path="dir/file")
    c.remove(fid=1)
    c.walk(fid=0, newfid=2, path="dir")
    refused(c.walk, fid=2, newfid=1, path="file")
    c.remove(fid=2)


@step("refuse")
def refuse(c):
    assert "exist" in refused(c.walk, fid=0, newfid=1, path="absent")
    refused(c.clunk, fid=77)
    refused(c.walk, fid=77, newfid=78, path="")
    refused(c.attach, fid=0, uname="root", aname=aname)


sys.exit(bad)
