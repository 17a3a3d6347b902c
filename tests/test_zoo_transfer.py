"""Downloads from a server that breaks every rule: an end to each wait, a `requests` error for each fault."""

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


def test_the_thread_left_behind_ends_with_the_next_byte(server):
    before = listening()
    server.answers = [dripping(OK + b"\r\n")]
    with pytest.raises(requests.Timeout, match="bytes in 0 seconds"):
        get(server.url)
    deadline = time.monotonic() + 3
    while listening() - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not listening() - before


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
     (answer(404), False), (answer(401), False), (lambda connection: time.sleep(5), False)],
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


@pytest.mark.parametrize("closed", [False, True])
def test_where_there_is_no_standard_error(server, monkeypatch, closed):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream if closed else None)
    assert get(server.url) == b"whole"


def test_the_bar_counts_what_came(server, monkeypatch):
    drawn = io.StringIO()
    monkeypatch.setattr(sys, "stderr", drawn)
    server.answers = [answer(200, bytes(2**20))]
    assert len(get(server.url + "/file.keras")) == 2**20
    assert "file.keras" in drawn.getvalue() and "/1.05M" in drawn.getvalue()


@pytest.mark.parametrize("address", ["http://me:secret@host/x", "https://me:se@cret@host", "ftp://secret@host"])
def test_no_password_is_shown(address):
    assert "cret" not in transfer.shown(f"Could not read {address} (it is {address}).")
