"""Scores of generators, each with the protocol it was taken by."""
