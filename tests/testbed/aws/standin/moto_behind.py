"""moto, in this process, for every action that has no handler here. It is imported when first needed."""

import io
import threading

_LOCK = threading.Lock()
_APP = None


def _app():
    global _APP
    with _LOCK:
        if _APP is None:
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

            _APP = DomainDispatcherApplication(create_backend_app)
        return _APP


def import_backends(services):
    """Imports moto and these of its backends before they are needed."""
    from moto.backends import get_backend

    _app()
    for name in services:
        get_backend(name)


def forward(request):
    """(status, content type, body, headers) as moto answers."""
    environ = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": request.path,
        "QUERY_STRING": request.query, "RAW_URI": request.target, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body), "wsgi.errors": io.StringIO(), "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False, "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("HTTP_CONTENT_TYPE", ""), **request.headers,
    }
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    said = {}

    def start_response(status, headers, _=None):
        said["status"], said["headers"] = int(status.split()[0]), headers

    body = b"".join(_app()(environ, start_response))
    content_type = next((v for k, v in said["headers"] if k.lower() == "content-type"), "text/plain")
    return said["status"], content_type, body, said["headers"]


def reset():
    """Empties all of moto's backends."""
    if _APP is not None:
        from moto.moto_api._internal.models import moto_api_backend

        moto_api_backend.reset()
