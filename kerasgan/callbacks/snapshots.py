"""Snapshots: states of a training in memory, to go back to."""

from typing import Any

import numpy as np

from kerasgan import checkpoint


class Snapshots:
    """The newest two states known to be healthy, some time apart.

    Args:
        steps: between two of them, at least.
    """

    def __init__(self, steps: int):
        self.steps = steps
        self.kept: dict[int, list[np.ndarray]] = {}
        self.used = -1

    def take_if_due(self, model: Any, step: int) -> None:
        if not self.kept or step - max(self.kept) >= self.steps:
            self.take(model, step)

    def take(self, model: Any, step: int) -> None:
        """Keeps the state of now, unless there is NaN in it."""
        values = checkpoint.values(model.all_state)
        if all(np.isfinite(v.astype("float32")).all() for v in values):
            self.kept[step] = values
            for old in sorted(self.kept)[:-2]:
                del self.kept[old]

    def before(self, step: int) -> int | None:
        """The newest snapshot of `step` or before, else the oldest; not the one of last time, if there is an older."""
        if len(self.kept) > 1 and max(self.kept) in (self.used, *(s for s in self.kept if s > step)):
            del self.kept[max(self.kept)]
        return max(self.kept, default=None)

    def restore(self, model: Any, step: int, factor: float) -> str:
        """Brings a snapshot back, but for the noise, the count of steps and the running means, which go on.

        Returns:
            What the learning rates, `factor` times what they were before, are now. A schedule goes back to the
            snapshot's place in it, and is `factor` times as high from there on.
        """
        pair = model.optimizer
        going_on = {id(v) for v in (*model.random_state, *model.metrics_variables, *pair.factors, model.steps)}
        pairs = [p for p in zip(model.all_state, self.kept[step], strict=True) if id(p[0]) not in going_on]
        checkpoint.restore([v for v, _ in pairs], [value for _, value in pairs])
        if not all(np.isfinite(v).all() for v in checkpoint.values(model.metrics_variables)):
            model.reset_metrics()
        self.used = step
        pair.lower(factor)
        g, d = (float(v) for v in checkpoint.values([pair.g.learning_rate, pair.d.learning_rate]))
        return f"now {g:.3g} (G) and {d:.3g} (D)"
