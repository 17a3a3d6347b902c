"""The server under load: requests per second and waits, over loopback, against a `kerasgan serve` of its own.

    pip install aiohttp
    python bench/serve.py dcgan_digits --clients 1 8 32

Clients ask again as soon as they are answered, for `--seconds`, and every round gives each line its turn. The first
lines, `/health`, are what HTTP and the client itself cost on this machine. The last part overfills a short queue on
purpose: there 503 is the right answer, and anything else but 200 is an error. Clients and server share the processors.
"""

import argparse
import asyncio
import contextlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import aiohttp


@contextlib.contextmanager
def served(model, *options):
    """The server's address."""
    command = [sys.executable, "-u", "-m", "kerasgan", "serve", str(model), "--port", "0", *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        yield re.search(r"http://\S+/", line)[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


async def load(url, path, clients, seconds):
    """(seconds of each request that was answered 200, how often each other thing happened, requests per second)."""
    waits, others = [], Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        end = time.perf_counter() + seconds

        async def client(number):
            seed = number
            while time.perf_counter() < end:
                seed += clients
                start = time.perf_counter()
                try:
                    async with session.get(url + path.format(seed=seed)) as reply:
                        body = await reply.read()
                except aiohttp.ClientError as error:
                    others[type(error).__name__] += 1
                    continue
                if reply.status == 200 and body:
                    waits.append(time.perf_counter() - start)
                elif reply.status == 503 and int(reply.headers.get("Retry-After", 0)) > 0:
                    others["503 with Retry-After"] += 1
                    await asyncio.sleep(0.01)  # a client in a hurry
                else:
                    others[reply.status] += 1

        start = time.perf_counter()
        await asyncio.gather(*(client(k) for k in range(clients)))
        took = time.perf_counter() - start
    return waits, others, len(waits) / took


def percentile(values, percent):
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(values):
    return f"{statistics.median(values):7.0f} ({min(values):.0f}-{max(values):.0f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="dcgan_digits", help="a zoo entry, or an exported .onnx")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16], help="images in one request")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(options.source)
        if model.suffix != ".onnx":
            from kerasgan import export, zoo

            model = export.to_onnx(zoo.load(options.source), Path(folder) / "generator.onnx").path
        paths = {"/health": "health"}
        paths |= {f"n={n}": f"generate.png?n={n}&seed={{seed}}" for n in options.batches}
        lines = [(name, clients) for name in paths for clients in options.clients]
        rates, waits, others = ({line: [] for line in lines} for _ in range(3))
        with served(model) as url:
            asyncio.run(load(url, paths["/health"], 4, 1))
            for _ in range(options.rounds):
                for name, clients in lines:
                    found = asyncio.run(load(url, paths[name], clients, options.seconds))
                    waits[name, clients] += found[0]
                    others[name, clients] += [found[1]]
                    rates[name, clients] += [found[2]]
        print(
            f"{'':10}{'clients':>8} {'requests/s, median (min-max)':>30} {'p50':>8} {'p95':>8} {'p99':>8} ms   errors"
        )
        for line in lines:
            ms = " ".join(f"{percentile(waits[line], p):8.1f}" for p in (50, 95, 99))
            print(f"{line[0]:10}{line[1]:8} {spread(rates[line]):>30} {ms}      {dict(sum(others[line], Counter()))}")
        with served(model, "--max-queue", 2) as url:
            found, refused, rate = asyncio.run(load(url, paths[f"n={options.batches[-1]}"], 32, options.seconds))
        ms = f"p50 {percentile(found, 50):.1f} ms, p99 {percentile(found, 99):.1f} ms"
        print(f"\n32 clients, --max-queue 2: {len(found)} answered ({rate:.0f}/s, {ms}), else {dict(refused)}")


if __name__ == "__main__":
    main()
