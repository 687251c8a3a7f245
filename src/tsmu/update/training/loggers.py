"""Loggers that record losses and scores of a training while it runs (`--logger`): CSV, TensorBoard, MLflow, W&B.

Every version also stores them in its own `training.csv`, with or without a logger. The loggers are Lightning's, which
Fabric calls. All but the one for CSV files need a package that is an extra of tsmu. Only the leading process has one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tsmu.errors import UpdateError
from tsmu.update.training.fabric import CSVLogger, Fabric, Logger, TensorBoardLogger
from tsmu.update.training.settings import LossRecord, ScoreRecord

# By name, the package that must be installed; each is an extra of its own name.
LOGGERS: Mapping[str, str | None] = {"csv": None, "tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb"}
PROJECT = "tsmu"  # experiment or project under which services list the trainings
FLUSHED_STEPS = 10  # steps after each of which the CSV file is written, so that a training can be watched


def require_logger(name: str | None) -> None:
    """Refuse a logger that is not known, or whose package is not installed.

    Raises:
        UpdateError: it cannot be used.

    Example:
        >>> require_logger("csv")
        >>> require_logger("paper")
        Traceback (most recent call last):
        tsmu.errors.UpdateError: --logger paper: not known; choose one of: csv, tensorboard, mlflow, wandb
    """
    if name is None:
        return
    if name not in LOGGERS:
        raise UpdateError(f"--logger {name}: not known; choose one of: {', '.join(LOGGERS)}")
    package = LOGGERS[name]
    if package is not None and find_spec(package) is None:
        raise UpdateError(
            f"--logger {name}: the package {package} is not installed; in tsmu's folder: pip install '.[{name}]'"
        )


@contextmanager
def open_logger(name: str | None, folder: Path, run: str, parameters: Mapping[str, Any]) -> Iterator[Logger | None]:
    """Open a logger for a training, and close it when the block ends.

    MLflow and Weights & Biases follow their own environment variables (`MLFLOW_TRACKING_URI`, `WANDB_MODE`), so that
    they find a server of yours; whatever they store on this machine lies in the folder.

    Args:
        name: one of `LOGGERS`; None for no logger.
        folder: of all trainings' logs.
        run: name of the training.
        parameters: what decides the training, for the loggers that show such things.
    """
    logger = None if name is None else _logger(name, folder, run)
    if logger is None:
        yield None
        return
    with suppress(NotImplementedError):  # CSV files have no place for them
        logger.log_hyperparams(dict(parameters))
    status = "failed"
    try:
        yield logger
        status = "success"
    finally:
        logger.finalize(status)
        if name == "wandb":  # its run stays open until `finish`, and would record the next training of this process too
            import wandb

            wandb.finish(exit_code=int(status == "failed"))


def _logger(name: str, folder: Path, run: str) -> Logger:
    """The logger of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "csv":
        return CSVLogger(folder, run, flush_logs_every_n_steps=FLUSHED_STEPS)
    if name == "tensorboard":
        return TensorBoardLogger(folder, run, default_hp_metric=False)
    # They take seconds to load, with all of Lightning's trainer.
    from pytorch_lightning.loggers import MLFlowLogger, WandbLogger

    if name == "wandb":
        return WandbLogger(run, save_dir=folder, project=PROJECT)
    import mlflow

    address = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else f"sqlite:///{folder / 'mlflow.db'}"
    return MLFlowLogger(PROJECT, run, tracking_uri=address, artifact_location=str(folder / "mlflow"))


class CurveLog:
    """Gives losses and scores to the loggers of a Fabric as the training adds them to its lists.

    A resumed training logs those of its checkpoint first, so its log is complete.

    Args:
        fabric: of the process.
        losses: the training's list of losses, one record for each step so far; the training adds to it.
        scores: the training's list of scores, one record for each check so far; likewise.
    """

    def __init__(self, fabric: Fabric, losses: Sequence[LossRecord], scores: Sequence[ScoreRecord]) -> None:
        self._fabric, self._losses, self._scores = fabric, losses, scores
        self._logged_losses = self._logged_scores = 0

    def update(self) -> None:
        """Log what has come since the last call; nothing where there is no logger."""
        for record in self._losses[self._logged_losses :]:
            values = {f"loss/{name}": value for name, value in record.items() if name not in ("step", "stage")}
            self._fabric.log_dict(values, int(record["step"]))
        for scores in self._scores[self._logged_scores :]:
            values = {f"iou/{name}": value for name, value in scores.items() if name != "step"}
            self._fabric.log_dict(values, int(scores["step"]))
        self._logged_losses, self._logged_scores = len(self._losses), len(self._scores)
