"""Verdict: whether generated pictures help a classifier, with a confidence interval."""

from kerasgan.verdict.judging import judge
from kerasgan.verdict.result import Comparison, Verdict, compare

__all__ = ["Comparison", "Verdict", "compare", "judge"]
