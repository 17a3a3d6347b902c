"""How far an image of any shape is halved on the way through a network."""


def halvings(image_shape: tuple[int, int, int], until: int = 7) -> list[tuple[int, int]]:
    """(height, width) at every stage, from the full size down.

    Sides are halved, odd ones rounded up as a strided convolution with "same" padding does, as long as the shorter one
    is at least `until`.

    Example:
        >>> halvings((28, 28, 1)), halvings((40, 24, 4), until=8)
        ([(28, 28), (14, 14), (7, 7), (4, 4)], [(40, 24), (20, 12), (10, 6)])
    """
    height, width, _ = image_shape
    sizes = [(height, width)]
    while min(height, width) >= until:
        height, width = -(-height // 2), -(-width // 2)
        sizes.append((height, width))
    return sizes
