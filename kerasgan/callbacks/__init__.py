"""What a run leaves behind while it trains: checkpoints, logs, sample grids, a progress line, its health."""

from kerasgan.callbacks.best import BestGenerator
from kerasgan.callbacks.checkpoint import Checkpoint
from kerasgan.callbacks.grid import SampleGrid
from kerasgan.callbacks.health import HealthMonitor
from kerasgan.callbacks.log import JsonLog
from kerasgan.callbacks.progress import Progress

__all__ = ["BestGenerator", "Checkpoint", "HealthMonitor", "JsonLog", "Progress", "SampleGrid"]
