"""The zoo: known GANs as recipes, built for any image shape.

`names()` lists the entries, `show(name)` gives the recipe of one, `build(name, ...)` a compiled model, and
`register(recipe)` adds one's own.
"""

from kerasgan.zoo import dcgan  # noqa: F401  registers its recipes
from kerasgan.zoo.build import build, networks
from kerasgan.zoo.registry import names, register, show

__all__ = ["build", "names", "networks", "register", "show"]
