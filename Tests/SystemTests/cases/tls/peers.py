"""Talk TLS with emu on loopback, by python's ssl module and by openssl, as server and as client; print what was seen."""

import base64
import hashlib
import os
import re
import socket
import ssl
import subprocess
import threading

EMU = os.environ["EMU"]


def openssl(*words, **more):
    return subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, capture_output=True, check=True, **more).stdout


def key(name, kind="ed25519"):
    """Make a key and a certificate that it signs itself; give the key as emu writes it."""
    more = ["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "EC" else []
    openssl("genpkey", "-algorithm", kind, *more, "-out", f"{name}.key")
    openssl("req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "30", "-out", f"{name}.pem")
    der = openssl("pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER")
    text = der[-32:] if kind == "ed25519" else hashlib.sha256(der).digest()
    return ("ed25519:" if kind == "ed25519" else "sha256:") + base64.b64encode(text).decode().rstrip("=")


def issued(name, host, *days):
    """Make a certificate of the host, by the authority; `days` are what is said of its time."""
    openssl("genpkey", "-algorithm", "ed25519", "-out", f"{name}.key")
    openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
            "-out", f"{name}.csr")
    os.makedirs(f"{name}.ca", exist_ok=True)
    open(f"{name}.ca/index", "w").close()
    with open(f"{name}.cnf", "w") as f:
        f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={name}.ca/index\nnew_certs_dir={name}.ca\nrand_serial=yes\n"
                "default_md=default\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n")
    openssl("ca", "-batch", "-config", f"{name}.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr",
            "-out", f"{name}.pem", "-notext", *days)


class Server:
    """Serves callers one after the other, by python's ssl."""

    def __init__(self, name, answer, clients=None, version=ssl.TLSVersion.TLSv1_3):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.maximum_version = version
        self.context.load_cert_chain(f"{name}.pem", f"{name}.key")
        if clients:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(clients)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            raw, _ = self.socket.accept()
            raw.settimeout(20)
            try:
                self.answer(self.context.wrap_socket(raw, server_side=True))
            except OSError:
                raw.close()


def everything(s):
    data = b""
    while part := s.recv(1 << 16):
        data += part
    return data


def echo(s):
    s.sendall(everything(s).upper())
    s.unwrap().close()


def cut(s):
    s.sendall(b"half\n")
    socket.socket(fileno=os.dup(s.fileno())).shutdown(socket.SHUT_RDWR)


def emu(command, *flags, **env):
    p = subprocess.run([EMU, *flags, "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                       env=os.environ | env)
    text = (p.stdout + p.stderr).rstrip("\n")
    return re.sub(r"(ed25519|sha256):[A-Za-z0-9+/]{43}", "KEY", re.sub(r"!\d{4,5}\b", "!PORT", text))


def known(port, key, host="127.0.0.1"):
    with open(f"{os.environ['HOME']}/.local/share/emu/home/lib/keys/known", "a") as f:
        f.write(f"{host}!{port} {key}\n")


class Emu:
    """An emu that serves."""

    def __init__(self, command, *flags):
        self.emu = subprocess.Popen([EMU], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.say(f"listen -i {{cat $net/local}} {' '.join(flags)} tls!127.0.0.1!0 {command}")
        self.port = int(self.emu.stdout.readline().rpartition("!")[2])

    def say(self, command):
        self.emu.stdin.write(command + "\n")
        self.emu.stdin.flush()

    def end(self):
        return self.emu.communicate(timeout=20)


emu("keygen")
key("ca")
first, second = key("first"), key("second", "EC")
issued("good", "localhost", "-days", "30")
issued("old", "localhost", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
issued("other", "other.example", "-days", "30")

print("as client of python's ssl")
server = Server("first", echo)
print(emu(f"echo nobody | dial tls!127.0.0.1!{server.port}"))
known(server.port, second)
print(emu(f"echo another | dial tls!127.0.0.1!{server.port}"))
known(server.port, first)
print(emu(f"echo pinned | dial tls!127.0.0.1!{server.port}"))
print(emu(f"echo by name | dial tls!localhost!{server.port}").partition(" (a line")[0])
print(emu(f"echo whoever | dial -A tls!localhost!{server.port}"))
server = Server("second", echo)
known(server.port, second)
print(emu(f"echo a key of another kind | dial tls!127.0.0.1!{server.port}"))

print("by an authority")
for name in "good", "old", "other":
    server = Server(name, echo)
    print(emu(f"echo {name} | dial tls!localhost!{server.port}", SSL_CERT_FILE="ca.pem").partition(" (a line")[0])
print(emu(f"echo unknown | dial tls!localhost!{server.port}", SSL_CERT_FILE="/dev/null").partition(" (a line")[0])

print("what goes wrong")
server = Server("first", cut)
known(server.port, first)
print(emu(f"dial tls!127.0.0.1!{server.port}"))
server = Server("first", echo, version=ssl.TLSVersion.TLSv1_2)
known(server.port, first)
print(emu(f"echo version 1.2 | dial tls!127.0.0.1!{server.port}"))
server = Server("first", echo, clients="first.pem")
known(server.port, first)
print(emu(f"dial tls!127.0.0.1!{server.port}"))

print("as client of openssl s_server")
for words in [], ["-Verify", "1"]:
    peer = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "first.pem", "-key", "first.key",
                             "-tls1_3", "-rev", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not (found := re.match(r"ACCEPT 127.0.0.1:(\d+)", line := peer.stdout.readline())) and line:
        pass
    known(found[1], first)
    print(emu(f"echo abc | dial tls!127.0.0.1!{found[1]}"))
    peer.kill()
    peer.communicate()

print("as server")
server = Emu("{cat $net/peer; cat}", "-A")


def call(data, certificate=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw, context.wrap_socket(raw) as s:
        threading.Thread(target=s.sendall, args=(data,)).start()
        got = b""
        while len(got) < len(data):
            got += s.recv(1 << 16)
        head, _, rest = got.partition(b"\n")
        while len(rest) < len(data):
            rest += s.recv(1 << 16)
        print(s.version(), rest == data, head.decode() == {None: "", "first": first, "second": second}[certificate])


call(b"anonymous")
call(os.urandom(1 << 18), "first")
call(b"of another kind", "second")
raws = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(3)]
raws[0].sendall(b"GET / HTTP/1.0\r\n\r\n")
raws[1].sendall(os.urandom(600))
print("garbage gets", [len(everything(r)) < 100 for r in raws[:2]], "and others", end=" ")
call(b"are served")
hello = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2"], input="",
                       capture_output=True, text=True)
print("version 1.2 is refused:", hello.returncode != 0)
hello = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-quiet", "-cert", "first.pem", "-key",
                          "first.key"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
hello.stdin.write("said by s_client\n")
hello.stdin.flush()
print(hello.stdout.readline().replace(first, "KEY") + hello.stdout.readline(), end="")
hello.kill()
hello.communicate()
raws[2].close()
server.end()
