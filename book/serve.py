"""Serve the built book on this machine only."""

from __future__ import annotations

import argparse
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"


class QuietHandler(SimpleHTTPRequestHandler):
    """Answers without a line of log for every file."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default 8000)")
    options = parser.parse_args()
    if not (HTML / "index.html").exists():
        parser.exit(1, "there is no built book yet: run `make book` first\n")
    try:
        server = ThreadingHTTPServer(
            ("127.0.0.1", options.port), partial(QuietHandler, directory=str(HTML))
        )
    except OSError as error:
        parser.exit(1, f"port {options.port} cannot be used ({error.strerror}): try PORT=8001\n")
    print(f"the book is at http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
