"""Calls held back until a test releases them or their client goes away."""

import select
import socket
import threading

_LOCK = threading.Lock()
_HELD = {}


def hold(call, phase, connection):
    """Waits; whether the client is still there."""
    released = threading.Event()
    with _LOCK:
        _HELD[call.n] = {"call": call, "phase": phase, "released": released}
    try:
        while not released.wait(0.02):
            if gone(connection):
                return False
        return not gone(connection)
    finally:
        with _LOCK:
            _HELD.pop(call.n, None)


def gone(connection):
    """Whether the client has closed its end."""
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def shown():
    with _LOCK:
        return [{"phase": held["phase"], **held["call"].shown()} for held in _HELD.values()]


def release():
    """Lets all go; how many."""
    with _LOCK:
        held = list(_HELD.values())
    for each in held:
        each["released"].set()
    return len(held)
