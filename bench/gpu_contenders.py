"""One contender of a race on an accelerator: trains a recipe of the zoo its own way and answers every line it reads.

    python bench/gpu_contenders.py CONTENDER NETWORK BATCH PRECISION STEPS [--width 8]

Lines: `go` trains STEPS steps and prints `images/s X`, images the discriminator sees; `memory` prints `peak MiB X`, of
the last turn on PyTorch, of the whole process on JAX, which cannot forget; `flops` prints `flop/image X`, that of
convolutions and matrix products as PyTorch counts them, averaged over the interval of lazy penalties (torch-eager).

The `kerasgan-*` train through `fit`; on PyTorch it feeds data from the host. The `torch-*` are plain loops over the
same networks (`as_torch.py`), their data on the device: the recipe's loss, penalties, Adam and n_critic, one draw for
both players where n_critic is 1, one batch of real and fake for D, and no gradient for D's weights in G's update. They
keep no average of the generator's weights and no metrics. `torch-compile` compiles both networks, but its penalties
take the plain D: torch.compile knows no double backward. cudnn may search for its fastest algorithms, as XLA does by
default. The data are noise. Without a GPU all run on the CPU. Needs no TensorFlow, and for `kerasgan-jax` no PyTorch.
"""

import argparse
import os
import sys
import time

import numpy as np

os.environ["KERAS_BACKEND"] = "jax" if "kerasgan-jax" in sys.argv else "torch"
# Contenders wait for their turns side by side: none may take most of the memory in advance.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import keras

import kerasgan as kg
from kerasgan import zoo

if keras.backend.backend() == "jax":
    import jax
else:
    import torch
    from as_torch import as_torch
    from torch.nn.functional import relu, softplus
    from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

RECIPES = {"dcgan": "dcgan_mnist", "sngan": "sngan_cifar10", "r3gan": "r3gan_cifar10"}
D_LOSSES = {
    "non_saturating": lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
    "hinge": lambda real, fake: relu(1.0 - real).mean() + relu(1.0 + fake).mean(),
    "relativistic": lambda real, fake: softplus(fake - real).mean(),
}
G_LOSSES = {
    "non_saturating": lambda fake, _: softplus(-fake).mean(),
    "hinge": lambda fake, _: -fake.mean(),
    "relativistic": lambda fake, real: softplus(real - fake).mean(),
}


class Kerasgan:
    def __init__(self, options, recipe, x):
        precision = "mixed_bfloat16" if options.precision == "bfloat16" else "float32"
        several = min(options.steps, options.steps_per_execution) if keras.backend.backend() == "jax" else 1
        self.gan = zoo.build(recipe.replace(precision=precision), steps_per_execution=several)
        self.images, self.batch = kg.data.from_arrays(x), options.batch

    def turn(self):
        self.gan.fit(self.images, batch_size=self.batch, epochs=1, verbose=0)

    def synchronise(self):
        if keras.backend.backend() == "jax":
            jax.block_until_ready([v.value for v in self.gan.variables])
        elif torch.cuda.is_available():
            torch.cuda.synchronize()


class PlainLoop:
    def __init__(self, options, recipe, x):
        self.recipe, self.batch = recipe, options.batch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.half = options.precision == "bfloat16"
        with keras.device("cpu"):
            self.g, self.d = (as_torch(network).to(self.device) for network in zoo.networks(recipe))
        self.g_optimizer, self.d_optimizer = self.adam(self.g, "g"), self.adam(self.d, "d")
        self.plain_d = self.d
        if options.contender == "torch-compile":
            self.g, self.d = (torch.compile(network, dynamic=False) for network in (self.g, self.d))
        self.x = torch.from_numpy(x).to(self.device).permute(0, 3, 1, 2).contiguous()
        self.updates = 0

    def adam(self, network, player):
        settings = dict(getattr(self.recipe, f"{player}_optimizer"))
        options = {"lr": settings["learning_rate"], "betas": (settings["beta_1"], settings["beta_2"])}
        keras_epsilon = 1e-7
        return torch.optim.Adam(network.parameters(), **options, eps=keras_epsilon, fused=self.device == "cuda")

    def turn(self):
        order = torch.randperm(len(self.x), device=self.device)
        for chosen in order.split(self.batch * self.recipe.n_critic):
            self.step(self.x[chosen])

    def synchronise(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def step(self, x):
        parts = (x.float() / 127.5 - 1.0).split(self.batch)
        if len(parts) == 1:
            fake = self.draw()
            self.update_d(parts[0], fake.detach())
        else:
            for real in parts:
                with torch.no_grad():
                    fake = self.draw()
                self.update_d(real, fake)
            fake = self.draw()
        self.update_g(parts[-1], fake)

    def autocast(self):
        return torch.autocast(self.device, torch.bfloat16, enabled=self.half)

    def draw(self):
        with self.autocast():
            return self.g(torch.randn(self.batch, self.recipe.latent_dim, device=self.device)).float()

    def judge(self, network, images):
        with self.autocast():
            return network(images).float()

    def update_d(self, real, fake):
        self.d_optimizer.zero_grad()
        # One batch: compiled spectral norms overwrite in a second call what the first one's gradient needs.
        logits = self.judge(self.d, torch.cat([real, fake])).split(self.batch)
        D_LOSSES[self.recipe.loss](*logits).backward()
        for penalty in self.recipe.penalties:
            if self.updates % penalty["interval"] == 0:
                slopes = self.squared_slopes({"r1": real, "r2": fake}[penalty["name"]])
                (penalty["interval"] * penalty["gamma"] / 2 * slopes.mean()).backward()
        self.d_optimizer.step()
        self.updates += 1

    def squared_slopes(self, points):
        points = points.detach().requires_grad_(True)
        # A view, because FlopCounterMode's hooks cannot follow autograd.grad to a leaf.
        logits = self.judge(self.plain_d, points.view_as(points))
        (slopes,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
        return slopes.square().sum((1, 2, 3))

    def update_g(self, real, fake):
        self.plain_d.requires_grad_(False)
        self.g_optimizer.zero_grad()
        real_logits = self.judge(self.d, real) if self.recipe.loss == "relativistic" else None
        G_LOSSES[self.recipe.loss](self.judge(self.d, fake), real_logits).backward()
        self.g_optimizer.step()
        self.plain_d.requires_grad_(True)

    def flops(self):
        """Of one image, averaged over as many steps as the laziest penalty sleeps."""
        steps = max([penalty["interval"] for penalty in self.recipe.penalties], default=1)
        x = self.x[: self.batch * self.recipe.n_critic]
        mapping = {torch.ops.aten.convolution_backward: backward_flops}
        with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
            for _ in range(steps):
                self.step(x)
        return counter.get_total_flops() / (steps * len(x))


def backward_flops(slopes, x, kernel, *options, out_shape=None):
    """PyTorch's own count takes those of a grouped kernel's gradient times the groups."""
    transposed, wanted = options[4], options[-1]
    return sum(wanted[:2]) * conv_flop_count(x, kernel, slopes, transposed)


def peak():
    """MiB; nan where nobody counts, as on a CPU."""
    if keras.backend.backend() == "jax":
        found = (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", float("nan"))
    else:
        found = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else float("nan")
    return found / 2**20


def speed(contender, images):
    if keras.backend.backend() == "torch" and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    contender.synchronise()
    start = time.perf_counter()
    contender.turn()
    contender.synchronise()
    return images / (time.perf_counter() - start)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=["kerasgan-jax", "kerasgan-torch", "torch-eager", "torch-compile"])
    parser.add_argument("network", choices=RECIPES)
    parser.add_argument("batch", type=int, help="images per update of the discriminator")
    parser.add_argument("precision", choices=["float32", "bfloat16"])
    parser.add_argument("steps", type=int, help="of one turn")
    parser.add_argument("--width", type=int, help="of both networks in place of the recipe's, to rehearse on a CPU")
    parser.add_argument("--steps-per-execution", type=int, default=16, help="of kerasgan-jax")
    return parser


def prepared(options):
    """The contender, and the images of its turn."""
    recipe = zoo.show(RECIPES[options.network])
    if options.width:
        narrow = {
            player: {**getattr(recipe, player), "width": options.width} for player in ("generator", "discriminator")
        }
        recipe = recipe.replace(**narrow)
    if keras.backend.backend() == "torch":
        torch.backends.cudnn.benchmark = True
    images = options.steps * options.batch * recipe.n_critic
    x = np.random.default_rng(0).integers(0, 256, (images, *recipe.image_shape), "uint8")
    return (Kerasgan if options.contender.startswith("kerasgan") else PlainLoop)(options, recipe, x), images


def main():
    contender, images = prepared(arguments().parse_args())
    answers = {
        "go": lambda: ("images/s", speed(contender, images)),
        "memory": lambda: ("peak MiB", peak()),
        "flops": lambda: ("flop/image", contender.flops()),
    }
    for line in sys.stdin:
        print(*answers[line.strip()](), flush=True)


if __name__ == "__main__":
    main()
