"""The zoo: known GANs as recipes, built for any image shape.

`names()` lists the entries, `show(name)` gives the recipe of one, `build(name, ...)` a compiled model, `load(name)` a
trained generator, `record(name)` what is known of it, and `register(recipe)` adds one's own (`register_file(path)`
those of a file).
"""

from kerasgan.zoo import (  # noqa: F401  each registers its recipes
    acgan,
    cdcgan,
    dcgan,
    gan,
    infogan,
    lsgan,
    r3gan,
    sagan,
    sngan,
    sngan_projection,
    wgan,
    wgan_gp,
)
from kerasgan.zoo.build import build, networks
from kerasgan.zoo.manifest import find as record
from kerasgan.zoo.published import load
from kerasgan.zoo.registry import names, register, register_file, show

__all__ = ["build", "load", "names", "networks", "record", "register", "register_file", "show"]
