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
    """Serve files without a line per request."""

    def log_message(self, *_: object) -> None:
        pass


def server(site: Path, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of `site`, bound to `port` (0: any free one) but not yet serving.

    Raises
    ------
    MerError
        ``not built``, or ``invalid option`` for a port that is taken or not allowed.
    """
    if not (site / "index.html").exists():
        raise MerError("not built", f"{site} holds no site", "an index.html", "run make book first")
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Quiet, directory=str(site)))
    except (OSError, OverflowError) as error:
        reasons = {errno.EADDRINUSE: "is in use", errno.EACCES: "is not allowed"}
        reason = reasons.get(getattr(error, "errno", None) or 0, "does not exist")
        raise MerError(
            "invalid option",
            f"port {port} {reason}",
            "a free port from 0 to 65535",
            "name another, or 0 for any free one",
        ) from error


def serve(site: Path, port: int = 0, log: Callable[[str], None] = print) -> None:
    """Serve `site` until interrupted (Ctrl-C), and say at which address."""
    with server(site, port) as httpd:
        log(f"http://{HOST}:{httpd.server_address[1]}/  (Ctrl-C ends it)")
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            log("stopped")
