"""Layers that Keras lacks: spectral and conditional batch normalization, self-attention, as in their papers."""

from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.conditional import ConditionalBatchNormalization
from kerasgan.layers.grouped import GroupedConv2D
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense, SpectralEmbedding, spectral_norm

__all__ = [
    "ConditionalBatchNormalization",
    "GroupedConv2D",
    "SelfAttention",
    "SpectralConv2D",
    "SpectralDense",
    "SpectralEmbedding",
    "spectral_norm",
]
