"""`aws-standin --port 0`: listens on loopback, says where, ends with SIGTERM or with its standard input."""

import argparse
import gc
import os
import signal
import sys
import threading

# It reads megabytes of JSON that stay: a collector that looks through them is a third of its time.
gc.set_threshold(100_000, 50, 50)
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from . import nursery, server  # noqa: E402
from .state import Settings  # noqa: E402


def _end(*_):
    os._exit(0)


def _end_with_input():
    while sys.stdin.buffer.read(4096):
        pass
    _end()


def _options(arguments=None):
    parser = argparse.ArgumentParser(prog="aws-standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--nursery", action="store_true", help=nursery.__doc__)
    for name in Settings.names():
        parser.add_argument("--" + name.replace("_", "-"), type=float, default=getattr(Settings, name))
    return parser.parse_args(arguments)


def _serve(options):
    Settings.begin({name: getattr(options, name) for name in Settings.names()})
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    listening = server.listen(options.port)
    print(f"ready http://127.0.0.1:{listening.server_address[1]} {os.getpid()}", flush=True)
    if options.until_stdin_closes:
        threading.Thread(target=_end_with_input, daemon=True).start()
    listening.serve_forever()


def main():
    options = _options()
    if options.nursery:
        nursery.serve(_options, _serve)
    else:
        _serve(options)


if __name__ == "__main__":
    main()
