"""Where a contender's time goes: one turn under its framework's profiler, its operations by their share.

    python bench/gpu_profile.py kerasgan-jax sngan 64 bfloat16 64 --to profiles

The arguments are those of `gpu_contenders.py`. The folder is for TensorBoard or https://ui.perfetto.dev. On JAX only a
GPU's table names every kernel: a processor's operations overlap, so that their shares are of the operations' sum.
"""

import collections
import gzip
import json
import re
from pathlib import Path

import gpu_contenders as contenders
import keras

SHOWN = 15


def main():
    parser = contenders.arguments()
    parser.description = __doc__
    parser.add_argument("--to", type=Path, default=Path("profiles"), help="folder")
    options = parser.parse_args()
    contender, images = contenders.prepared(options)
    for _ in range(2):  # these compile and warm up
        print(f"{contenders.speed(contender, images):,.0f} images/s without the profiler")
    options.to.mkdir(parents=True, exist_ok=True)
    (on_jax if keras.backend.backend() == "jax" else on_torch)(contender, options.to)


def on_torch(contender, folder):
    from torch.profiler import profile

    with profile() as profiler:
        contender.turn()
        contender.synchronise()
    profiler.export_chrome_trace(str(folder / "trace.json"))
    by = "self_device_time_total" if contenders.torch.cuda.is_available() else "self_cpu_time_total"
    print(profiler.key_averages().table(sort_by=by, row_limit=SHOWN, max_name_column_width=70))


def on_jax(contender, folder):
    import jax

    with jax.profiler.trace(str(folder)):
        contender.turn()
        contender.synchronise()
    newest = max(folder.rglob("*.trace.json.gz"), key=lambda path: path.stat().st_mtime)
    spent = by_operation(json.loads(gzip.decompress(newest.read_bytes()))["traceEvents"])
    total = sum(spent.values())
    print(f"{total / 1e3:,.1f} ms of operations")
    for name, microseconds in spent.most_common(SHOWN):
        print(f"{100 * microseconds / total:6.1f}% {microseconds / 1e3:10,.2f} ms  {name}")


def by_operation(events):
    """Microseconds by what runs: a GPU's kernels, as its streams have them, or a processor's operations."""
    threads = {
        (event["pid"], event["tid"]): event["args"]["name"] for event in events if event.get("name") == "thread_name"
    }
    streams = {thread for thread, name in threads.items() if name.startswith("Stream #")}
    spent = collections.Counter()
    for event in events:
        thread = (event.get("pid"), event.get("tid"))
        if "hlo_op" in event.get("args", {}) and (thread in streams or not streams):
            spent[re.sub(r"[._]?\d+$", "", event["name"])] += event["dur"]
    return spent


if __name__ == "__main__":
    main()
