"""The finished site over http, for this machine alone."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mer_utils.errors import MerError

HOST = "127.0.0.1"


class _Quiet(SimpleHTTPRequestHandler):
    """Serve files without a line for each request."""

    def log_message(self, *_: object) -> None:
        pass


def server(site: Path, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of `site`, bound but not yet serving.

    Parameters
    ----------
    site : Path
        The folder with ``index.html``.
    port : int
        The port to take; 0 takes a free one.

    Raises
    ------
    MerError
        If there is no site, or the port is taken or not allowed.
    """
    if not (site / "index.html").exists():
        raise MerError("TODO", f"{site} holds no site", "an index.html", "build the book first: make book")
    if not 0 <= port <= 65535:
        raise MerError(
            "TODO", f"port {port} does not exist", "0 to 65535", "name another, or 0 for a free one"
        )
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Quiet, directory=str(site)))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        reason = "in use" if error.errno == errno.EADDRINUSE else "not allowed"
        raise MerError(
            "TODO", f"port {port} is {reason}", "a free port", "name another, or 0 for a free one"
        ) from error


def serve(site: Path, port: int = 0, log: Callable[[str], None] = print) -> None:
    """Serve `site` until interrupted (Ctrl-C), and say at which address.

    Parameters are those of `server`; `log` takes one line.
    """
    with server(site, port) as httpd:
        log(f"http://{HOST}:{httpd.server_address[1]}/  (Ctrl-C ends it)")
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            log("stopped")
