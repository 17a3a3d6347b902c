"""A real HTTP server that fails as it is told to."""

import contextlib
import gzip
import http.server
import threading
import time


class Server:
    """Answers with the release's files, or `pages` by path; `faults` are used up first, one a request."""

    def __init__(self, folder):
        self.folder, self.pages, self.faults, self.asked, self.poured = folder, {}, [], 0, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                body = outer.pages.get(self.path) or (outer.folder / self.path.lstrip("/")).read_bytes()
                fault = outer.faults.pop(0) if outer.faults else None
                if isinstance(fault, int):
                    self.send_error(fault)
                    return
                if fault == "tomorrow":
                    self.send_response(503)
                    self.send_header("Retry-After", "86400")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(200)
                if fault in ("endless", "drip"):
                    self.end_headers()
                    self.pour(b"x" if fault == "drip" else body)
                    return
                if fault == "page":
                    body = b"<html>log in first</html>"
                if fault == "gzip":
                    body = gzip.compress(body)
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if fault == "wrong":
                    body = body[:-1] + bytes([body[-1] ^ 1])
                if fault == "truncated":
                    body = body[: len(body) // 2]
                for start in range(0, len(body), 4096):
                    self.wfile.write(body[start : start + 4096])
                    time.sleep(0.05 if fault == "slow" else 0.0)

            def pour(self, piece):
                with contextlib.suppress(OSError):  # until the other side has had enough
                    while True:
                        self.wfile.write(piece)
                        outer.poured += len(piece)
                        time.sleep(0.01)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_address[1]}"
