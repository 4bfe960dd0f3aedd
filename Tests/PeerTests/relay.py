#!/usr/bin/env python3
"""relay.py PORT HOST PORT MILLISECONDS: a slow way to HOST: what comes on the first PORT of loopback is there so much later,
and so is the answer. SIGUSR1 resets all connections.
"""

import queue
import signal
import socket
import struct
import sys
import threading
import time

connections = []


def pass_on(source, sink, delay):
    """What comes from `source` goes to `sink` when it is due. The rate is not limited, and the order is kept."""
    waiting = queue.Queue(256)

    def send():
        while (entry := waiting.get())[1]:
            time.sleep(max(0, entry[0] - time.monotonic()))
            try:
                sink.sendall(entry[1])
            except OSError:
                break
        try:
            time.sleep(max(0, entry[0] - time.monotonic()))
            sink.shutdown(socket.SHUT_WR)
            source.shutdown(socket.SHUT_RD)
        except OSError:
            pass  # it has gone
        while entry[1]:  # nobody is kept waiting to put something there
            entry = waiting.get()

    threading.Thread(target=send, daemon=True).start()
    data = b"x"
    while data:
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        waiting.put((time.monotonic() + delay, data))


def reset(*_):
    for s in connections:
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has gone
        s.close()
    connections.clear()


def main():
    port, host, to, delay = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) / 1000
    signal.signal(signal.SIGUSR1, reset)
    server = socket.create_server(("127.0.0.1", port))
    while True:
        ours, _ = server.accept()
        try:
            theirs = socket.create_connection((host, to), 20)
        except OSError:
            ours.close()
            continue
        theirs.settimeout(None)
        for s in (ours, theirs):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.append(s)
        for source, sink in ((ours, theirs), (theirs, ours)):
            threading.Thread(target=pass_on, args=(source, sink, delay), daemon=True).start()


if __name__ == "__main__":
    main()
