"""What every room shares: the errors a user can mend, that of an export, and the one for a name nobody knows."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave cannot be used; the message says what was expected, what came and what to do.

    The command line prints it as one line, without a traceback.

    Example:
        >>> try:
        ...     kg.zoo.show("dcgan_digit")
        ... except kg.InputError as error:
        ...     print(error)
        Unknown zoo entry 'dcgan_digit'. Did you mean 'dcgan_digits'...
    """


class DivergedError(InputError):
    """A generator gives NaN or infinity: its training has diverged, and no picture can be made of it."""


class ParityError(RuntimeError):
    """The written artifact does not give Keras' images; it was removed.

    In float32 this is a fault of the conversion; a smaller dtype may lose more than `loss.measure` allows.

    Example:
        >>> try:
        ...     artifact = kg.export.to_onnx(sampler, "small.onnx", dtype="int8")
        ... except kg.export.ParityError:  # it would lose too much
        ...     artifact = kg.export.to_onnx(sampler, "small.onnx", dtype="float16")
        >>> artifact.path.exists()
        True
    """


def unknown_name(kind: str, name: object, known: Iterable[str]) -> InputError:
    """The error for a name that is not in a registry, with the closest matches.

    Example:
        >>> unknown_name("zoo entry", "dcgan_mnst", ["dcgan_mnist", "dcgan_digits"])
        InputError("Unknown zoo entry 'dcgan_mnst'. Did you mean 'dcgan_mnist'? Known: dcgan_digits, dcgan_mnist.")
    """
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
    return InputError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(known) or 'none'}.")
