"""What a verdict says: accuracies, intervals, and the words for them."""

import dataclasses
import math
from typing import Any

import numpy as np

ARMS = ("real", "real + classic", "real + generated", "generated")
RIVALS = ("real", "real + classic")
"""What "real + generated" has to beat, both."""

LEAK = (
    "The generator was trained before, perhaps on all real pictures: what it learned from them reaches the classifier "
    "through the generated ones. --retrain trains it on each seed's real pictures alone."
)
NO_LEAK = "A generator was trained anew for each seed, on that seed's real pictures alone."
SCOPE = (
    "The interval covers other draws of real and generated pictures, other first weights and other test pictures of "
    "the same kind; not another generator, data set or classifier."
)
SCOPE_RETRAINED = (
    "The interval covers other draws of real pictures, other trainings of the generator, other first weights and other "
    "test pictures of the same kind; not another recipe, data set or classifier."
)
DISJOINT = 0.1
OVERLAP = (
    "All seeds draw from the same real pictures, {:g} % of them each, so that their draws overlap: of other real "
    "pictures the interval says too little."
)
ENOUGH_SEEDS = 4
FEW_SEEDS = (
    "Over {} seeds the interval may be too short: in simulations where seeds differed much, of those meant to be right "
    "95 times in 100, 87 were with two seeds, 92 with three, 94 with four, 95 with five."
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Accuracy of "real + generated" less that of a rival, over paired seeds and test pictures.

    Args:
        rival: the other arm.
        mean: of the differences.
        low: lower end of the confidence interval.
        high: upper end.
        confidence: of the interval, for instance 0.95.

    Example:
        >>> kg.verdict.Comparison("real", mean=0.02, low=-0.01, high=0.05, confidence=0.95).answer
        'not shown'
    """

    rival: str
    mean: float
    low: float
    high: float
    confidence: float

    @property
    def answer(self) -> str:
        """Is "yes" where the whole interval lies above zero, "no" where it lies below, else "not shown"."""
        return "yes" if self.low > 0 else "no" if self.high < 0 else "not shown"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What `judge` found.

    Args:
        accuracies: of each arm, one for each seed.
        comparisons: of "real + generated" with each of `RIVALS`.
        protocol: everything it was taken by, JSON-safe.

    Example:
        >>> alone = kg.verdict.Comparison("real", mean=0.03, low=0.01, high=0.05, confidence=0.95)
        >>> classic = kg.verdict.Comparison("real + classic", mean=0.0, low=-0.02, high=0.02, confidence=0.95)
        >>> print(kg.verdict.Verdict({}, (alone, classic), {}).sentence)
        Not shown: it cannot be said that generated pictures helped. Against real pictures alone: yes, +3.00 points of
        accuracy (95 % interval +1.00 to +5.00). Against real pictures with classic augmentation: not shown, ...
    """

    accuracies: dict[str, list[float]]
    comparisons: tuple[Comparison, ...]
    protocol: dict[str, Any]

    @property
    def answer(self) -> str:
        """Is "yes" only if generated pictures beat both rivals, "no" if they lose to either, else "not shown"."""
        answers = {comparison.answer for comparison in self.comparisons}
        return "no" if "no" in answers else "yes" if answers == {"yes"} else "not shown"

    @property
    def sentence(self) -> str:
        """The verdict in words, with both intervals."""
        start = {
            "yes": "Yes: generated pictures helped.",
            "no": "No: generated pictures did not help.",
            "not shown": "Not shown: it cannot be said that generated pictures helped.",
        }[self.answer]
        return " ".join([start, *map(_in_words, self.comparisons)])

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the verdict does not say."""
        said = [NO_LEAK, SCOPE_RETRAINED] if self.protocol["retrained"] else [LEAK, SCOPE]
        fraction, seeds = self.protocol["real_fraction"], len(self.accuracies["real"])
        if fraction > DISJOINT:
            said.append(OVERLAP.format(100 * fraction))
        if seeds < ENOUGH_SEEDS:
            said.append(FEW_SEEDS.format(seeds))
        return tuple(said)

    def table(self) -> str:
        """Accuracies by arm: mean, standard deviation over the seeds, lowest and highest."""
        rows: list[tuple[str, ...]] = [("trained on", "pictures", "accuracy", "std", "min", "max")]
        for arm, values in self.accuracies.items():
            of_all = (np.mean(values), np.std(values, ddof=1), min(values), max(values))
            rows.append((arm, f"{self.protocol['pictures'][arm]:,}", *(f"{100 * v:.2f}" for v in of_all)))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = []
        for row in rows:
            figures = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join([row[0].ljust(widths[0]), *figures]))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe: the answer, the sentence, accuracies, intervals and the whole protocol."""
        return {
            "answer": self.answer,
            "sentence": self.sentence,
            "caveats": list(self.caveats),
            "accuracies": self.accuracies,
            "comparisons": [{**dataclasses.asdict(c), "answer": c.answer} for c in self.comparisons],
            "protocol": self.protocol,
        }


def compare(rival: str, differences: np.ndarray, confidence: float = 0.95) -> Comparison:
    """Mean of paired differences, with an interval for other seeds and other test pictures at once.

    Both are drawn at random and crossed, so the variance of the mean is that of the seeds' means over their number
    plus that of the pictures' means over theirs; what seeds and pictures share is counted twice, never missed (Owen,
    2007, "The pigeonhole bootstrap"). Degrees of freedom after Welch and Satterthwaite.

    Args:
        rival: whom the differences are from.
        differences: (seeds, pictures), each 1 where only "real + generated" is right, -1 where only the rival, else 0.
        confidence: of the interval.

    Example:
        >>> differences = np.random.default_rng(0).choice([-1, 0, 1], (5, 297), p=[0.1, 0.6, 0.3])
        >>> kg.verdict.compare("real", differences).answer
        'yes'
    """
    from scipy import stats

    seeds, pictures = differences.shape
    parts = np.array([differences.mean(1).var(ddof=1) / seeds, differences.mean(0).var(ddof=1) / pictures])
    mean, variance = float(differences.mean()), float(parts.sum())
    if not variance:
        return Comparison(rival, mean, mean, mean, confidence)
    freedom = variance**2 / float((parts**2 / (seeds - 1, pictures - 1)).sum())
    reach = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * math.sqrt(variance)
    return Comparison(rival, mean, mean - reach, mean + reach, confidence)


def _in_words(comparison: Comparison) -> str:
    against = {"real": "real pictures alone", "real + classic": "real pictures with classic augmentation"}
    c, points = comparison, [f"{100 * v:+.2f}" for v in (comparison.mean, comparison.low, comparison.high)]
    return (
        f"Against {against[c.rival]}: {c.answer}, {points[0]} points of accuracy "
        f"({100 * c.confidence:g} % interval {points[1]} to {points[2]})."
    )
