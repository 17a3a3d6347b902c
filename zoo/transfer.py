"""What an HTTP server sends, piece by piece: bounded in size, in silence and in redirects."""

import contextlib
import io
import queue
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

SILENCE = 30.0
"""Seconds without an answer, or without a kilobyte of it, after which a server counts as gone; half to connect."""

REDIRECTS = 10


def pieces(url: str, limit: int) -> Iterator[bytes]:
    """The body of an answer, unpacked, as it comes.

    The server is listened to on a thread of its own, which may be left behind: a read that gets a byte now and then
    has no end, be it in the head, between two pieces, or in what unpacks to nothing. Its connection is shut then,
    unless the head has not ended.

    Raises:
        requests.RequestException: any fault; also more than `limit` bytes, or less than a kilobyte in `SILENCE`.
    """
    import requests
    from tqdm import tqdm

    sent: queue.Queue[Any] = queue.Queue(8)
    answers: list[requests.Response] = []
    left = threading.Event()
    listener = threading.Thread(target=_listen, args=(url, sent, answers, left), name="kerasgan-download", daemon=True)
    try:
        listener.start()
    except RuntimeError as error:
        raise requests.ConnectionError(str(error)) from error
    since, received, total = time.monotonic(), 0, 0
    no_screen = sys.stderr is None or getattr(sys.stderr, "closed", False)  # as under pythonw, or in a daemon
    shown_on = io.StringIO() if no_screen else sys.stderr
    try:
        with tqdm(desc=url.rpartition("/")[2], unit="B", unit_scale=True, leave=False, file=shown_on) as progress:
            while True:
                try:
                    item = sent.get(timeout=max(0.0, since + SILENCE - time.monotonic()))
                except queue.Empty:
                    if time.monotonic() - since > 1.1 * SILENCE:  # this process was stopped, not the server
                        since = time.monotonic()
                        continue
                    raise requests.Timeout(f"it sent {received} bytes in {SILENCE:.0f} seconds") from None
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                if isinstance(item, bytes):
                    progress.update(len(item))
                    received += len(item)
                    total += len(item)
                    if total > limit:
                        raise requests.ConnectionError(f"it sends more than the {limit:,} bytes it should")
                    yield item
                else:
                    progress.total = item or None
                    progress.refresh()
                if received >= 1024 or not total:
                    since, received = time.monotonic(), 0
    finally:
        left.set()
        for answer in answers:
            with contextlib.suppress(Exception):  # it has ended
                answer.raw.shutdown()
        with contextlib.suppress(queue.Empty):
            while True:
                sent.get_nowait()  # room for what the thread may be about to hand over


def may_pass(error: Exception) -> bool:
    """Whether it is worth asking again at once: not where nobody answers, or the answer is that there is no file."""
    import requests
    import urllib3

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    final = (
        requests.Timeout,
        requests.TooManyRedirects,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidURL,
    )
    reason = getattr(error.args[0], "reason", None) if error.args else None
    reason = getattr(reason, "original_error", reason)  # of a proxy
    return not isinstance(error, final) and not isinstance(reason, urllib3.exceptions.NewConnectionError)


def shown(text: object) -> str:
    """Without a user's name and password in an address."""
    return re.sub(r"(?<=://)[^/\s]*@", "", str(text))


def _listen(url, sent, answers, left):
    with contextlib.closing(_answer(url, answers)) as items:
        try:
            for item in items:
                sent.put(item)
                if left.is_set():
                    return
            sent.put(None)
        except Exception as error:
            sent.put(error)


def _answer(url, answers):
    """The length of each answer that was announced, 0 if none was, and then the pieces of the last one's body."""
    import requests
    import urllib3

    try:
        with requests.Session() as session:
            # requests would follow a redirect only once it has read that answer's body, whatever its size.
            location = session.get_redirect_target
            session.get_redirect_target = lambda response: None  # type: ignore[method-assign, assignment]
            for _ in range(1 + REDIRECTS):
                # A name may stand for several addresses, and the first be out of reach.
                with session.get(url, stream=True, timeout=(SILENCE / 2, SILENCE)) as response:
                    answers.append(response)
                    yield _announced(response)
                    if not response.is_redirect:
                        response.raise_for_status()
                        while piece := response.raw.read1(2**16, decode_content=True):
                            yield piece
                        return
                    url = _target(session, url, location(response))
            raise requests.TooManyRedirects(f"it redirects more than {REDIRECTS} times")
    except requests.RequestException:
        raise
    except urllib3.exceptions.TimeoutError as error:
        raise requests.Timeout(str(error)) from error
    except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:  # which requests lets through in some places
        raise requests.ConnectionError(str(error)) from error


def _target(session, url, location):
    """Where a redirect leads; a user's name and password go along where requests would let them."""
    target = urljoin(url, location)
    user, _, _ = urlsplit(url).netloc.rpartition("@")
    parts = urlsplit(target)
    if user and "@" not in parts.netloc and not session.should_strip_auth(url, target):
        parts = parts._replace(netloc=f"{user}@{parts.netloc}")
    return urlunsplit(parts)


def _announced(response):
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 19 else 0
