"""HTTP on loopback: one thread per connection, answers in one write."""

import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from . import control, front, rules


class Request:
    """What was sent."""

    def __init__(self, method, target, headers, body, connection):
        self.method, self.target, self.headers, self.body, self.connection = method, target, headers, body, connection
        parts = urlsplit(target)
        self.path, self.query = parts.path, parts.query


class Answer:
    """What goes back; no answer at all when the connection is to be cut."""

    def __init__(self, status, content_type, body, headers=()):
        self.status, self.content_type, self.body, self.headers = status, content_type, body, headers


class Handler(BaseHTTPRequestHandler):
    """Reads a request whole, then asks `control` or `front`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _serve(self):
        environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, environ, self._read_body(), self.connection)
        if request.path.startswith("/truth/"):
            answer = Answer(*control.answer(request))
        else:
            given = front.answer(request)
            if given is None:
                self.close_connection = True
                return
            answer = Answer(*given)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            if name.lower() not in ("content-type", "content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve

    def date_time_string(self, timestamp=None):
        """The header by which a caller sees that its clock is wrong."""
        return super().date_time_string(time.time() + rules.skew() if timestamp is None else timestamp)

    def log_message(self, *_):
        """Says nothing; GET /truth/calls tells."""

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            pass


class Server(ThreadingHTTPServer):
    """Many clients at once, none of whom keeps the process alive."""

    daemon_threads = True
    request_queue_size = 512

    def server_bind(self):
        # HTTPServer's own asks a name server for this machine's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]


def listen(port):
    """Bound to loopback and nothing else."""
    return Server(("127.0.0.1", port), Handler)
