#!/usr/bin/env python3
"""rules.py [PEER...]: which rules of 9P the servers of others keep, for orientation: diod and ganesha.

The rules are those of Tests/MntTests, which ours is held to. A server that dies or hangs is started again. Needs what
run.py needs, and the tests built. (p9fs has one tree for all rules, and makes no file that can be read and written at once:
to most it does not come.)
"""

import pathlib
import subprocess
import sys
import tempfile
import threading

import run

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def keep_running(words, directory, is_over, deaths):
    """Starts it again when it has died."""
    while not is_over.is_set():
        with run.Process(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=directory) as server:
            while server.poll() is None and not is_over.wait(0.1):
                pass
            if not is_over.is_set():
                deaths.append(server.returncode)


def main():
    with tempfile.TemporaryDirectory(prefix="rules-") as name:
        for peer, _, aname, port, words in run.servers(pathlib.Path(name)):
            if peer not in (sys.argv[1:] or ("diod", "ganesha")):
                continue
            is_over, deaths = threading.Event(), []
            keeper = threading.Thread(target=keep_running, args=(words, name, is_over, deaths))
            keeper.start()
            try:
                done = subprocess.run(["swift", "test", "--skip-build", "--filter", "PeerTests/other"], cwd=TOP, text=True,
                                      env={**run.os.environ, "EMU_9P": f"tcp!127.0.0.1!{port} {aname}"},
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1500)
            finally:
                is_over.set()
                keeper.join()
            lines = [line for line in done.stdout.splitlines() if "not kept: " in line or "rules are kept" in line]
            for line in lines or done.stdout.splitlines()[-20:]:
                print(f"{peer:10} {line}")
            print(f"{peer:10} died {len(deaths)} times", flush=True)


if __name__ == "__main__":
    main()
