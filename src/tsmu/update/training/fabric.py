"""The parts of Lightning Fabric that trainings use, loaded without torchmetrics.

Fabric imports torchmetrics, and with it SciPy's signal processing and more, only to learn its version, which matters
to a callback that tsmu does not use: 1.1 of the 3.8 processor seconds that torch, the encoders and Fabric take to load
(AMD EPYC). Fabric also works where torchmetrics cannot be imported, so it cannot while Fabric is loaded.

The package is `lightning_fabric` of pytorch-lightning, not `lightning.fabric`, which loads Lightning's trainer too.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _not_importable(package: str) -> Iterator[None]:
    """Make `import package` fail while the block runs, unless the package is loaded already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # documented: makes `import` raise ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules[package]


with _not_importable("torchmetrics"):
    from lightning_fabric import Fabric
    from lightning_fabric.loggers.csv_logs import CSVLogger
    from lightning_fabric.loggers.logger import Logger
    from lightning_fabric.loggers.tensorboard import TensorBoardLogger
    from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
    from lightning_fabric.plugins.environments.lightning import find_free_network_port
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

__all__ = [
    "CSVLogger",
    "ClusterEnvironment",
    "DDPStrategy",
    "Fabric",
    "Logger",
    "SLURMEnvironment",
    "TensorBoardLogger",
    "TorchElasticEnvironment",
    "find_free_network_port",
]
