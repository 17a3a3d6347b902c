"""What keeps the server upright and visible: a bounded queue, a limit on requests' size, and metrics."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import prometheus_client
from fastapi import HTTPException
from prometheus_client import Counter, Gauge, Histogram, Info
from starlette.types import ASGIApp, Message, Receive, Scope, Send

T = TypeVar("T")


class Metrics:
    """The server's own Prometheus registry."""

    media_type = prometheus_client.CONTENT_TYPE_LATEST

    def __init__(self):
        self.registry = registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=registry)
        self.requests = Counter("kerasgan_requests", "HTTP requests answered.", ["path", "status"], registry=registry)
        self.seconds = Histogram("kerasgan_request_seconds", "From request to reply.", ["path"], registry=registry)
        self.images = Counter("kerasgan_images", "Images generated.", registry=registry)
        self.work = Histogram("kerasgan_generate_seconds", "Work on one request, without its wait.", registry=registry)
        self.queue = Gauge("kerasgan_queue", "Requests accepted and not finished yet.", registry=registry)
        self.model = Info("kerasgan_model", "What is served.", registry=registry)

    def text(self) -> bytes:
        return prometheus_client.generate_latest(self.registry)


class Queue:
    """One thread at work, and a bounded number of requests that wait for it.

    Args:
        longest: how many may wait while one is at work.
        metrics: told about length and times.
    """

    def __init__(self, longest: int, metrics: Metrics):
        self.longest = longest
        self.length = 0
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(1, "kerasgan")
        self._usual = 0.0  # seconds of one job, a moving average

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, once its turn has come.

        Raises:
            HTTPException: 503 with Retry-After, because too many wait already.
        """
        if self.length > self.longest:
            seconds = max(1, math.ceil(self.length * self._usual))
            raise HTTPException(503, "The queue is full. Try again later.", {"Retry-After": str(seconds)})
        self._count(1)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, work)
        finally:
            self._count(-1)

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    def _count(self, change: int) -> None:
        self.length += change
        self._metrics.queue.set(self.length)

    def _timed(self, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        try:
            return work()
        finally:
            seconds = time.perf_counter() - start
            self._metrics.work.observe(seconds)
            self._usual = seconds if not self._usual else 0.9 * self._usual + 0.1 * seconds


class Measured:
    """ASGI middleware: counts and times every reply, under its route and never under what a stranger asked for."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            return await self.app(scope, receive, noted)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(path, status).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - start)


class LimitedBody:
    """ASGI middleware: a request's body may not be larger than `most` bytes, whatever its header says of it."""

    def __init__(self, app: ASGIApp, most: int):
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most:
                raise HTTPException(413, f"A request may have {self.most} bytes at most.", {"Connection": "close"})
            return message

        await self.app(scope, limited, send)
