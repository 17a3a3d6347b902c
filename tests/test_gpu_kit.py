"""What `bench/gpu.py` promises of its calls, on a processor."""

import re
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "bench" / "gpu.py"


def test_the_same_call_leaves_what_is_trained(run_script, tmp_path):
    # Executions of 16 steps do not divide an epoch of 46: its checkpoint has to name its last step.
    command = ["train", "gan_digits", "--data", "none.npz", "--epochs", 2, "--out", tmp_path]
    calls = [re.search(r"step (\d+) of (\d+)", run_script(SCRIPT, *command, backend="jax")) for _ in range(2)]
    assert [call.groups() for call in calls] == [("92", "92")] * 2
