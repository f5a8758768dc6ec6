"""`aws-standin --port 0`: listens on loopback, says where, ends with SIGTERM or with its standard input."""

import argparse
import os
import signal
import sys
import threading

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from . import server  # noqa: E402
from .state import Settings  # noqa: E402


def _end(*_):
    os._exit(0)


def _end_with_input():
    while sys.stdin.buffer.read(4096):
        pass
    _end()


def main():
    parser = argparse.ArgumentParser(prog="aws-standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--until-stdin-closes", action="store_true")
    for name in Settings.names():
        parser.add_argument("--" + name.replace("_", "-"), type=float, default=getattr(Settings, name))
    arguments = parser.parse_args()
    Settings.begin({name: getattr(arguments, name) for name in Settings.names()})
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    listening = server.listen(arguments.port)
    print(f"ready http://127.0.0.1:{listening.server_address[1]}", flush=True)
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_input, daemon=True).start()
    listening.serve_forever()


if __name__ == "__main__":
    main()
