"""`aws-standin --nursery`: each line of standard input, a list of options in JSON, starts one stand-in as a copy of
this process, which has read the service models and moto already. It answers `ready http://127.0.0.1:PORT PID`; the copy
ends by its process id, or with this process."""

import ctypes
import gc
import json
import os
import signal
import sys

from . import models, moto_behind

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_OF_MOTO = ("ec2", "s3")


def _read_everything():
    for name in models.names():
        models.service(name)
    moto_behind.import_backends(_OF_MOTO)
    # No copy looks through it again, and none pays for pages that are never written.
    gc.collect()
    gc.freeze()


def serve(parse, begin):
    """`parse` reads options, `begin` serves by them and does not come back."""
    _read_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    parent = os.getpid()
    for line in sys.stdin:
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            try:
                if os.getppid() == parent:
                    begin(parse(json.loads(line)))
            except BaseException as error:
                print(f"failed {error!r}", flush=True)
            os._exit(1)
