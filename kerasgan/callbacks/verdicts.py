"""Verdicts: what rows of measurements say about a training. Pure rules, no Keras, so a log can be judged again.

Every generator begins undiverse, and early figures jump. So nothing but NaN is called before a warm-up, everything has
to last for several checks, and what is still getting better is left alone.
"""

import collections
import math
import statistics
from collections.abc import Mapping
from typing import Any, NamedTuple

Row = Mapping[str, Any]
WINDOWED = (
    "d_loss",
    "g_loss",
    "d_real_accuracy",
    "d_fake_accuracy",
    "d_mismatched_accuracy",
    "d_grad_norm",
    "g_grad_norm",
)
"""Recorded as means since the epoch began, judged as means since the check before."""

LOW = 0.25  # diversity beside the real data's, below which it is a collapse ...
FALLEN = 0.5  # ... and beside its own best ...
FEW = 0.4  # ... and for a long time's median
RISING = 1.2  # what grew by this factor within `patience` checks is still getting better
SHRINKING = 1.1  # a distance that fell by this factor within `patience` checks still shrinks
FAR = 0.5  # distance to the data, in their own deviations, at which samples are plainly not like them
OUTSIDE = 3.0  # the same, at which they are not even near; an untrained generator is at about 1
EXPLODED = 100.0  # gradient norm beside its median so far
HUGE = 1e4  # of a loss
VANISHED = 1e-3  # gradient norm beside its median so far
NOTHING = 1e-7  # gradient norm


class Trouble(NamedTuple):
    """A verdict: the kind of trouble, and what was seen."""

    kind: str
    saw: str


class Verdicts:
    """Judges checks in their order, each new trouble once; it may come again after a recovery.

    Args:
        warmup: steps before which only NaN counts.
        patience: checks in a row that must agree.

    Attributes:
        active: the kinds of trouble seen and not yet over.
        doubtful: whether the last check gave any sign of trouble, be it for the first time or in the warm-up.
    """

    def __init__(self, warmup: int = 300, patience: int = 4):
        self.warmup, self.patience = warmup, patience
        self.began = 0
        self.before: Row = {}
        self.history: dict[str, list[float]] = collections.defaultdict(list)
        self.streaks: collections.Counter[str] = collections.Counter()
        self.calm: collections.Counter[str] = collections.Counter()
        self.active: set[str] = set()
        self.doubtful = False

    def restart(self, step: int) -> None:
        """Forgets troubles and streaks, after a rollback, and warms up again; what was normal stays known."""
        self.began, self.doubtful = step, False
        self.streaks.clear()
        self.calm.clear()
        self.active.clear()
        self.before = {}
        self.history["diversity"].clear()

    def observe(self, row: Row) -> list[Trouble]:
        """The troubles this check brings to light.

        Args:
            row: "step", "epoch", the means named in `WINDOWED` and "over" how many steps they are, and where they were
                measured "spread", "modes", "classes", "distance"; `None` for what is not finite.
        """
        now = {**{k: v for k, v in row.items() if v is not None}, **window(row, self.before)}
        self.before = row
        late = row["step"] - self.began >= self.warmup
        found = []
        seen = {"nan": _nan(row), **self._seen(now)}
        for kind, saw in seen.items():
            self.streaks[kind] = self.streaks[kind] + 1 if saw and (late or kind == "nan") else 0
            if self.streaks[kind] >= (1 if kind == "nan" else self.patience) and kind not in self.active:
                self.active.add(kind)
                found.append(Trouble(kind, saw))
            self.calm[kind] = 0 if saw else self.calm[kind] + 1
            if self.calm[kind] >= self.patience:
                self.active.discard(kind)
        self.doubtful = any(seen.values())
        self._remember(now)
        return found

    def _seen(self, now) -> dict[str, str]:
        return {
            "collapse": self._collapse(now),
            "low_diversity": self._low(now),
            "divergence": self._divergence(now),
            "dead_discriminator": self._dead(now),
            "perfect_discriminator": self._perfect(now),
            "exploding_gradients": self._exploding(now),
            "vanishing_gradients": self._vanishing(now),
        }

    def _collapse(self, now):
        value = diversity(now)
        if value is None:
            return ""
        past = [*self.history["diversity"], value]
        recent, earlier = past[-self.patience :], past[-2 * self.patience : -self.patience]
        if earlier and statistics.mean(recent) > RISING * statistics.mean(earlier):
            return ""
        figures = ", ".join(
            f"{100 * now[name]:.0f} % of {what}" for name, what in MEASURES.items() if now.get(name) is not None
        )
        best = _best(past[:-1])
        # Never diverse so far, and now and then not low: it may only just begin.
        beginning = max(past) < FALLEN and max(past[-2 * self.patience :]) >= LOW
        if value < LOW and not beginning:
            return f"samples show {figures} of the real data"
        if value < FALLEN * best:
            return f"samples show {figures} of the real data; it was {100 * best:.0f} % before"
        return ""

    def _low(self, now):
        """Also of samples that jump from mode to mode, where single checks may look well and half of many do not."""
        value, long = diversity(now), 2 * self.patience
        if value is None or "collapse" in self.active:
            return ""
        past = [*self.history["diversity"], value]
        if len(past) < 2 * long or statistics.median(self.history["distance"][-long:] or [0.0]) < FAR:
            return ""
        usual, before = statistics.median(past[-long:]), statistics.median(past[-2 * long : -long])
        if usual > FEW or usual > RISING * before:
            return ""
        return (
            f"in half of the last {long} checks, samples showed less than {100 * usual:.0f} % of the data's diversity"
        )

    def _divergence(self, now):
        if now.get("distance", 0.0) > OUTSIDE and not self._approaching(now):
            return f"samples lie far outside the real data: {now['distance']:.1f} of its deviations away"
        return ""

    def _dead(self, now):
        if math.isfinite(now["d_mismatched_accuracy"]):
            return ""  # beside wrong labels fakes weigh less, and a D in balance takes most of them for real
        skill = now["d_real_accuracy"] + now["d_fake_accuracy"] - 1.0
        if skill < 0.02 and now.get("distance", 0.0) > FAR and not self._approaching(now):
            return (
                f"the discriminator tells real from generated no better than chance (accuracies "
                f"{now['d_real_accuracy']:.2f} and {now['d_fake_accuracy']:.2f}), though they differ plainly"
            )
        return ""

    def _perfect(self, now):
        skill = now["d_real_accuracy"] + now["d_fake_accuracy"] - 1.0
        if skill > 0.99 and now.get("distance", 0.0) > FAR and not self._approaching(now):
            return (
                f"the discriminator is never wrong (accuracies {now['d_real_accuracy']:.2f} and "
                f"{now['d_fake_accuracy']:.2f}), and the generator makes no progress"
            )
        return ""

    def _approaching(self, now):
        """Whether the samples' distance to the data still shrinks."""
        past = [*self.history["distance"], now.get("distance", math.inf)]
        recent, earlier = past[-self.patience :], past[-2 * self.patience : -self.patience]
        return not earlier or statistics.mean(recent) * SHRINKING < statistics.mean(earlier)

    def _exploding(self, now):
        for player, name in PLAYERS.items():
            norm, usual = now[f"{player}_grad_norm"], self._usual(f"{player}_grad_norm")
            if usual and norm > EXPLODED * usual:
                return f"the gradients of the {name} have a norm of {norm:.3g}, {norm / usual:.0f} times their median"
            if abs(now[f"{player}_loss"]) > HUGE:
                return f"the loss of the {name} has grown to {now[f'{player}_loss']:.3g}"
        return ""

    def _vanishing(self, now):
        for player, name in PLAYERS.items():
            norm, usual = now[f"{player}_grad_norm"], self._usual(f"{player}_grad_norm")
            if norm < NOTHING or (usual and norm < VANISHED * usual):
                return f"the gradients of the {name} have vanished: their norm is {norm:.2g}"
        return ""

    def _usual(self, name):
        past = self.history[name][-500:]
        return statistics.median(past) if len(past) >= self.patience else 0.0

    def _remember(self, now):
        for name in ("d_grad_norm", "g_grad_norm", "distance"):
            if math.isfinite(now.get(name, math.nan)):
                self.history[name].append(now[name])
        value = diversity(now)
        if value is not None:
            self.history["diversity"].append(value)


PLAYERS = {"g": "generator", "d": "discriminator"}
MEASURES = {"spread": "the spread", "modes": "the clusters", "classes": "the classes"}


def diversity(row: Row) -> float | None:
    """The least of the measures of diversity, each beside the real data's."""
    values = [row[name] for name in MEASURES if row.get(name) is not None]
    return min(values) if values else None


def _best(past):
    """The best value that was held for three checks."""
    return max((min(past[i : i + 3]) for i in range(len(past) - 2)), default=0.0)


def _nan(row):
    bad = [name for name, value in row.items() if value is None]
    return f"{', '.join(bad)} {'is' if len(bad) == 1 else 'are'} not a finite number" if bad else ""


def window(row: Row, before: Row) -> dict[str, float]:
    """Means of the steps between two checks, from the means since the epoch began."""
    n, m = row["over"], before.get("over", 0) if before.get("epoch") == row["epoch"] else 0
    means = {}
    for name in WINDOWED:
        now, then = row.get(name), before.get(name) if m else 0.0
        means[name] = math.nan if now is None or then is None or n <= m else (n * now - m * then) / (n - m)
    return means
