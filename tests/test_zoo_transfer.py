"""Downloads from a server that breaks every rule: an end to each wait, a `requests` error for each fault."""

import contextlib
import gzip
import io
import socket
import struct
import sys
import threading
import time

import pytest
import requests
from raw import Raw, answer, dripping
from tqdm import tqdm

from kerasgan.zoo import transfer

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(transfer, "SILENCE", 0.3)
    server = Raw(then=answer(200, b"whole"))
    yield server
    server.close()


def get(url, limit=2**20):
    return b"".join(transfer.pieces(url, limit))


def listening():
    return {thread for thread in threading.enumerate() if thread.name == "kerasgan-download"}


SILENT = {
    "nothing": lambda connection: time.sleep(5),
    "head": dripping(OK + b"X-Long: "),
    "continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": dripping(OK + b"\r\n"),
    "body that stands still": dripping(OK + b"Content-Length: 900\r\n\r\nsome", b""),
    "size of a chunk": dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n1;"),
    "what unpacks to nothing": dripping(
        OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\0\0\0\xff\xff" * 50
    ),
}


@pytest.mark.parametrize("said", SILENT.values(), ids=SILENT)
def test_silence_has_an_end_whatever_is_dripped(server, said):
    server.answers = [said]
    start = time.monotonic()
    with pytest.raises(requests.Timeout):
        get(server.url)
    assert 0.2 < time.monotonic() - start < 3


@pytest.mark.parametrize("said", ["body", "size of a chunk", "what unpacks to nothing"])
def test_the_thread_left_behind_ends(server, said):
    before = listening()
    server.answers = [SILENT[said]]
    with pytest.raises(requests.Timeout):
        get(server.url)
    deadline = time.monotonic() + 5
    while listening() - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not listening() - before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue of connections is of another length")
def test_the_second_address_of_a_host_is_tried_in_time(server, monkeypatch):
    """As where IPv6 leads nowhere: here to a socket that has no room for one more connection."""
    monkeypatch.setattr(transfer, "SILENCE", 1.5)
    with contextlib.ExitStack() as sockets:
        full = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", place)
            for place in (full.getsockname(), server.socket.getsockname())
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: addresses)
        start = time.monotonic()
        assert get("http://host/file") == b"whole"
        assert time.monotonic() - start > 0.4, "the first address did answer"


def test_a_process_that_was_stopped_does_not_blame_the_server(server, monkeypatch):
    clock, start = time.monotonic, time.monotonic()
    calls = []

    def jumped():
        calls.append(1)
        return clock() + (60 if len(calls) > 1 else 0)

    def late(connection):
        time.sleep(0.1)
        answer(200, b"late")(connection)

    server.answers = [late]
    monkeypatch.setattr(transfer.time, "monotonic", jumped)
    assert get(server.url) == b"late"
    assert clock() - start < 5


@pytest.mark.parametrize("status", [302, 500])
def test_bodies_that_nobody_asked_for_are_not_read(server, status):
    poured = []

    def pour(connection):
        connection.sendall(f"HTTP/1.1 {status} Status\r\nLocation: /there\r\n\r\n".encode())
        for _ in range(2**10):
            connection.sendall(bytes(2**16))
            poured.append(2**16)

    server.answers = [pour]
    if status == 302:
        assert get(server.url) == b"whole"
    else:
        with pytest.raises(requests.HTTPError, match="500"):
            get(server.url)
    assert sum(poured) < 2**25  # what was in flight


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_with_its_password_only_to_the_same_server(server, status):
    other = Raw(then=answer(200, b"elsewhere"))
    mine = server.url.replace("//", "//me:secret@")
    server.answers = [answer(status, b"", "Location: /there")]
    assert get(mine) == b"whole"
    assert b"GET /there " in server.asked[1] and b"Authorization: Basic" in server.asked[1]
    server.answers = [answer(status, b"", f"Location: {server.url}/there")]
    assert get(mine) == b"whole"
    assert b"Authorization: Basic" in server.asked[3]
    kept = transfer._target(requests.Session(), "http://me:secret@host/x", "https://host/x")
    assert kept == "https://me:secret@host/x"
    server.answers = [answer(status, b"", f"Location: {other.url}/there")]
    assert get(mine) == b"elsewhere"
    assert b"Authorization" in server.asked[4] and b"Authorization" not in other.asked[0]
    other.close()


def test_redirects_without_an_end(server):
    server.then = answer(302, b"", "Location: /again")
    with pytest.raises(requests.TooManyRedirects, match="more than 10 times"):
        get(server.url)
    assert len(server.asked) == 11


def reset(connection):
    connection.sendall(OK + b"Content-Length: 900\r\n\r\nsome")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "said",
    [
        answer(302, b"", "Location: http://[::1"),
        answer(302, b"", "Location: http://h:99999/"),
        answer(302, b"", "Location: file:///etc/passwd"),
        answer(302, b"", "Location: http://127.0.0.1:9/"),
        lambda connection: connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /\xe9\xff\r\n\r\n"),
        answer(200, b"some", "Content-Length: 9"),
        answer(200, b"some", "Content-Encoding: gzip"),
        answer(200, b"zz\r\nsome", "Transfer-Encoding: chunked"),
        answer(200, b"4\r\nsome\r\n", "Transfer-Encoding: chunked"),
        answer(404),
        reset,
        lambda connection: None,
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"),
        lambda connection: connection.sendall(OK + b"A: b\r\n" * 500 + b"\r\n"),
        lambda connection: connection.sendall(OK + b"A: " + b"a" * 100_000 + b"\r\n\r\n"),
    ],
)
def test_every_fault_is_one_of_requests(server, said):
    server.answers = [said] * 9
    with pytest.raises(requests.RequestException):
        get(server.url)


@pytest.mark.parametrize("length", ["9" * 5000, "many", "-5"])
def test_a_length_that_is_none_does_not_matter_where_the_body_is_whole(server, length):
    """To us: the HTTP library may see a fault in it, which is one of `requests`."""
    server.answers = [answer(200, b"whole", f"Content-Length: {length}")]
    try:
        assert get(server.url) == b"whole"
    except requests.RequestException as error:
        assert "digits" in str(error) or "IncompleteRead" in str(error)


def test_certificates_that_are_not_there_are_a_fault_of_the_connection(server, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/certificates.pem")
    with pytest.raises(requests.ConnectionError, match=r"/nowhere/certificates.pem"):
        get(server.url.replace("http:", "https:"))


@pytest.mark.parametrize(
    "said, passes",
    [(answer(500), True), (answer(429), True), (answer(408), True), (lambda connection: None, True), (reset, True),
     (answer(404), False), (answer(401), False), (answer(302, b"", "Location: file:///etc/passwd"), False),
     (answer(302, b"", "Location: http://a b/"), False), (lambda connection: time.sleep(5), False)],
)  # fmt: skip
def test_what_is_worth_asking_again(server, said, passes):
    server.answers = [said]
    with pytest.raises(requests.RequestException) as raised:
        get(server.url)
    assert transfer.may_pass(raised.value) == passes


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "http://no-such-host.invalid/"])
def test_nobody_there_is_not_asked_again(address):
    with pytest.raises(requests.RequestException) as raised:
        get(address)
    assert not transfer.may_pass(raised.value)


def test_a_proxy_that_is_not_there_is_not_asked_again(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(requests.exceptions.ProxyError) as raised:
        get("http://host.example/")
    assert not transfer.may_pass(raised.value)


@pytest.mark.parametrize("closed", [False, True])
def test_where_there_is_no_standard_error(server, monkeypatch, closed):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream if closed else None)
    assert get(server.url) == b"whole"


def test_the_bar_counts_what_came(server, monkeypatch):
    class Screen:
        """What programs put in the place of standard error: it writes, and that is all."""

        def __init__(self):
            self.drawn = ""

        def write(self, text):
            self.drawn += text

        def flush(self):
            pass

    counted = []
    update = tqdm.update
    monkeypatch.setattr(tqdm, "update", lambda bar, n: counted.append((n, bar.total)) or update(bar, n))
    monkeypatch.setattr(sys, "stderr", Screen())
    server.answers = [answer(302, b"elsewhere", "Location: /file.keras"), answer(200, bytes(2**20))]
    assert len(get(server.url + "/file.keras")) == 2**20
    assert sum(n for n, _ in counted) == 2**20 and {total for _, total in counted} == {2**20}
    assert "file.keras" in sys.stderr.drawn and "/1.05M" in sys.stderr.drawn


def test_no_thread_to_be_had_is_a_fault_of_the_connection(server, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(requests.ConnectionError, match="can't start new thread"):
        get(server.url)


@pytest.mark.parametrize("address", ["http://me:secret@host/x", "https://me:se@cret@host", "ftp://secret@host"])
def test_no_password_is_shown(address):
    assert "cret" not in transfer.shown(f"Could not read {address} (it is {address}).")
