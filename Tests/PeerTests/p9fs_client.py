"""p9fs_client.py HOST PORT VERSION ANAME: what p9fs, an fsspec file system, does with files; a step a line."""

import sys

import p9fs

host, port, version, aname = sys.argv[1:5]
fs = p9fs.P9FileSystem(host=host, port=int(port), username="root", version=version, aname=aname)
bad = 0


def step(name):
    def run(body):
        global bad
        try:
            body()
            print(name, "ok", flush=True)
        except Exception as error:  # whatever it is, it is what the table tells
            bad = 1
            print(f"{name} FAIL: {type(error).__name__}: {error}", flush=True)
    return run


def names(directory):
    return sorted(path.rsplit("/", 1)[-1] for path in fs.ls(directory, detail=False))


@step("create")
def create():
    fs.mkdir("p")
    with fs.open("p/f", "wb") as f:
        f.write(b"hello")
    assert fs.cat("p/f") == b"hello"
    assert names("p") == ["f"]


@step("list")
def listing():
    fs.mkdir("many")
    for i in range(100):
        with fs.open(f"many/{i:03}", "wb") as f:
            f.write(b"x" * i)
    assert names("many") == [f"{i:03}" for i in range(100)]
    assert fs.info("many/042")["size"] == 42
    assert fs.info("many")["type"] == "directory"


@step("transfer")
def transfer():
    data = bytes((i * i >> 3) & 255 for i in range(1 << 16)) * 320
    with fs.open("big", "wb") as f:
        f.write(data)
    assert fs.info("big")["size"] == len(data)
    assert fs.cat("big") == data
    assert fs.cat_file("big", 70000, 70100) == data[70000:70100]


@step("rename")
def rename():
    fs.mv("p/f", "p/g")
    fs.mv("p/g", "p/f")
    fs.mv("big", "p/big")
    assert names("p") == ["big", "f"] and "big" not in names("")
    assert fs.info("p/big")["size"] == 320 << 16
    fs.rm("p/big")


@step("remove")
def remove():
    fs.rm("p/f")
    assert names("p") == []


@step("absent")
def absent():
    assert fs.exists("many") and not fs.exists("absent")


@step("rmdir")
def rmdir():
    fs.rmdir("p")
    assert "p" not in names("")


@step("refuse")
def refuse():
    for path in ("absent", "absent/below", "many/001/below"):
        try:
            fs.cat(path)
        except Exception:
            continue
        raise AssertionError(f"{path} was read")


sys.exit(bad)
