"""as_torch: an unconditional functional network of the zoo as a plain `torch.nn.Module` with the same weights.

Channels come first, float32. The layers are those a PyTorch user would write, so `torch.compile` and `torch.autocast`
see nothing unusual; under autocast the last layer too computes in half precision, where the zoo's stays float32. Two
states move otherwise than in Keras, as PyTorch's layers have it: batch normalization's running variance is unbiased,
and spectral normalization's power iteration is half an iteration ahead. Needs PyTorch; any backend of Keras will do.
"""

import keras
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class Twin(nn.Module):
    """The graph of a functional model, flattened: part after part reads slots and writes one."""

    def __init__(self, parts, routes, slots):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.routes, self.slots = routes, slots

    def forward(self, x):
        slots = [x] + [None] * (self.slots - 1)
        for part, (inputs, output) in zip(self.parts, self.routes, strict=True):
            slots[output] = part(*[slots[i] for i in inputs])
        return slots[self.routes[-1][1]]


class Add(nn.Module):
    def forward(self, *xs):
        return sum(xs[1:], xs[0])


class Concatenate(nn.Module):
    """Of vectors, or of images' channels."""

    def forward(self, *xs):
        return torch.cat(xs, 1)


class SumOverPositions(nn.Module):
    def forward(self, x):
        return x.sum((2, 3))


def as_torch(model: keras.Model) -> Twin:
    """The twin of a functional model with one input and one output: on the CPU, in training mode."""
    nodes = [n for depth in sorted(model._nodes_by_depth, reverse=True) for n in model._nodes_by_depth[depth]]
    nodes = [n for n in nodes if not n.is_input]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len({id(n.operation) for n in nodes}) < len(nodes):
        raise NotImplementedError(f"{model.name!r} must have one input and one output, and use every layer once.")
    last_reader = {id(x): node for node in nodes for x in node.arguments.keras_tensors}
    slot_of, free, count = {id(model.inputs[0]): 0}, [], 1
    parts, routes, makers = [], [], {}
    for node in nodes:
        inputs, (output,) = node.arguments.keras_tensors, node.outputs
        parts.append(_part(node.operation, inputs[0].shape, *makers.get(id(inputs[0]), (None, None))))
        makers[id(output)] = node.operation, parts[-1]
        read = [slot_of[id(x)] for x in inputs]
        # A slot that nobody reads any more is written again: activations are freed as in a network written by hand.
        free += {slot_of[id(x)] for x in inputs if last_reader[id(x)] is node}
        if not free:
            free, count = [count], count + 1
        slot_of[id(output)] = free.pop()
        routes.append((read, slot_of[id(output)]))
    return Twin(parts, routes, count)


def _part(layer, shape, before, part_before):
    """The module of one layer, given its input's shape and what made that input."""
    kind = type(layer).__name__
    if kind == "Activation":
        kind = f"Activation({layer.activation.__name__})"
    if kind not in PARTS:
        raise NotImplementedError(f"as_torch knows no layer {kind} ({layer.name!r}). It knows: {', '.join(PARTS)}.")
    for name, value in EXPECTED.items():
        if kind[:10] != "Activation" and (found := getattr(layer, name, value)) != value:
            raise NotImplementedError(f"as_torch knows no {kind} with {name}={found!r} ({layer.name!r}).")
    flattened = isinstance(before, keras.layers.Flatten)
    if flattened > kind.endswith("Dense") or (kind == "Reshape") > (type(before) is keras.layers.Dense):
        raise NotImplementedError(f"as_torch knows Flatten before and Reshape after Dense only ({layer.name!r}).")
    return PARTS[kind](layer, before.input.shape if flattened else shape, part_before)


def _filled(part, layer, kernel):
    """The part with the layer's weights; torch's power iteration starts at a spectral layer's u."""
    with torch.no_grad():
        part.weight.copy_(torch.tensor(kernel.copy()))
        if layer.use_bias:
            part.bias.copy_(_tensor(layer.bias))
    if hasattr(layer, "u"):
        matrix = part.weight.detach().flatten(1)
        norm = spectral_norm(part).parametrizations.weight[0]
        norm._u.copy_(nn.functional.normalize(_tensor(layer.u), dim=0))
        norm._v.copy_(nn.functional.normalize(matrix.T @ norm._u, dim=0))
    return part


def _numpy(variable):
    return keras.ops.convert_to_numpy(variable)


def _tensor(variable):
    return torch.tensor(_numpy(variable))


def _dense(layer, shape, _):
    """Columns go to the order channels, height, width where those of a flattened (height, width, channels) came."""
    kernel = _numpy(layer.kernel).T
    if len(shape) == 4:
        kernel = kernel.reshape(-1, *shape[1:]).transpose(0, 3, 1, 2).reshape(kernel.shape)
    return _filled(nn.Linear(*kernel.shape[::-1], bias=layer.use_bias), layer, kernel)


def _reshape(layer, _, linear):
    """A view, because the rows of the dense layer before it go to the order channels, height, width."""
    height, width, channels = layer.target_shape
    with torch.no_grad():
        for weight in linear.parameters():
            rows = weight.clone().reshape(height, width, channels, -1).permute(2, 0, 1, 3)
            weight.copy_(rows.reshape(weight.shape))
    return nn.Unflatten(1, (channels, height, width))


def _convolution(layer, shape, _):
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    kernel = _numpy(layer.kernel).transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    kernel = kernel.reshape(-1, 1, *kernel.shape[2:]) if depthwise else kernel
    sizes = zip(shape[1:3], kernel.shape[2:], layer.strides, strict=True)
    spare = [max((-(-n // s) - 1) * s + k - n, 0) if layer.padding == "same" else 0 for n, k, s in sizes]
    (above, left), (below, right) = [n // 2 for n in spare], [n - n // 2 for n in spare]
    even = (above, left) == (below, right)
    options = {"groups": shape[3] // kernel.shape[1], "bias": layer.use_bias, "padding": (above, left) if even else 0}
    part = nn.Conv2d(shape[3], kernel.shape[0], kernel.shape[2:], layer.strides, **options)
    part = _filled(part, layer, kernel)
    part = part if even else nn.Sequential(nn.ZeroPad2d((left, right, above, below)), part)
    return nn.Sequential(part, nn.AvgPool2d(2, ceil_mode=True)) if getattr(layer, "halved", False) else part


def _transposed(layer, shape, _):
    kernel = _numpy(layer.kernel).transpose(3, 2, 0, 1)
    spare = [k - s if layer.padding == "same" else 0 for k, s in zip(kernel.shape[2:], layer.strides, strict=True)]
    if any(n < 0 or n % 2 for n in spare):
        raise NotImplementedError(f"as_torch knows no Conv2DTranspose that is padded unevenly ({layer.name!r}).")
    options = {"padding": [n // 2 for n in spare], "bias": layer.use_bias}
    return _filled(nn.ConvTranspose2d(*kernel.shape[:2], kernel.shape[2:], layer.strides, **options), layer, kernel)


def _batch_norm(layer, shape, _):
    kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    part = kind(shape[-1], eps=layer.epsilon, momentum=1 - layer.momentum)
    names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    part.load_state_dict({ours: _tensor(getattr(layer, name)) for ours, name in names.items()}, strict=False)
    return part


def _concatenate(layer, shape, _):
    if layer.axis not in (-1, len(shape) - 1):
        raise NotImplementedError(f"as_torch knows no Concatenate with axis={layer.axis} ({layer.name!r}).")
    return Concatenate()


def _relu(layer, *_):
    return nn.LeakyReLU(layer.negative_slope) if layer.negative_slope else nn.ReLU()


# What the parts below take for granted of layers that could have it otherwise.
EXPECTED = {"activation": keras.activations.linear, "center": True, "scale": True, "data_format": "channels_last"}
EXPECTED |= {"dilation_rate": (1, 1), "output_padding": None, "pool_size": (2, 2), "max_value": None, "threshold": 0.0}
PARTS = {
    **dict.fromkeys(("Dense", "SpectralDense"), _dense),
    **dict.fromkeys(("Conv2D", "GroupedConv2D", "DepthwiseConv2D", "SpectralConv2D"), _convolution),
    **dict.fromkeys(("ReLU", "LeakyReLU"), _relu),
    "Conv2DTranspose": _transposed,
    "BatchNormalization": _batch_norm,
    "Activation(tanh)": lambda *_: nn.Tanh(),
    "Activation(linear)": lambda *_: nn.Identity(),
    "UpSampling2D": lambda layer, *_: nn.Upsample(scale_factor=layer.size, mode=layer.interpolation),
    # ceil_mode: the mean of what lies inside, as in TensorFlow.
    "AveragePooling2D": lambda layer, *_: nn.AvgPool2d(2, layer.strides, ceil_mode=layer.padding == "same"),
    "Reshape": _reshape,
    "Flatten": lambda *_: nn.Flatten(),
    "Sum": lambda *_: SumOverPositions(),
    "Add": lambda *_: Add(),
    "Concatenate": _concatenate,
}
