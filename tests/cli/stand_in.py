"""A process for the Procfiles of these tests: answers 200 on the port that a variable names.

    python stand_in.py NAME PORT_VARIABLE

It says its pid, ends on SIGTERM, and with exit code 7 when somebody asks for /die.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Any path is healthy."""

    def do_GET(self) -> None:
        if self.path == "/die":
            os._exit(7)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Nothing: the lines of these tests are few and known."""


def main() -> None:
    name, variable = sys.argv[1:]
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ[variable])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"{name} runs as {os.getpid()}", flush=True)
    server.serve_forever()
    server.server_close()
    print(f"{name} says goodbye", flush=True)


if __name__ == "__main__":
    main()
