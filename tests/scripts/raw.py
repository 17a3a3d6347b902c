"""A server on a bare socket, which may say what no HTTP library would."""

import contextlib
import socket
import threading
import time


class Raw:
    """Answers each request by the next of `answers`, called with the connection; then by `then`."""

    def __init__(self, then=None):
        self.answers, self.then, self.asked, self.connections = [], then, [], []
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def close(self):
        for one in (self.socket, *self.connections):
            with contextlib.suppress(OSError):  # closed already
                one.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.connections.append(self.socket.accept()[0])
                threading.Thread(target=self._answer, args=self.connections[-1:], daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(2**16)
                if not piece:
                    return
                head += piece
            self.asked.append(head)
            (self.answers.pop(0) if self.answers else self.then)(connection)


def answer(status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status} Status", *headers, "Connection: close"]
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    content = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    return lambda connection: connection.sendall(content)


def dripping(start, piece=b"a", seconds=0.02):
    """`start`, and then a piece now and then until the other side has had enough."""

    def answer(connection):
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(seconds)

    return answer
