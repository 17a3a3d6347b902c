"""The dtype policy that networks of ours are built under, whatever a user's own."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def built_in(policy: str) -> Iterator[None]:
    """Layers made inside have this policy, for instance "float32"; the global one is as it was afterwards."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
