"""The script with which one contestant of `python -m benchmarks peers` learns one region, in a process of its own.

It is run as a file, `python -P training.py JOB.json`, so that an interpreter with TorchGeo and GeoAI does not need
tsmu; only the contestant `tsmu` imports it. `comparison` writes the job, see `Job`. The last line on stdout is JSON:
time and peak memory of the training, settings, versions, and the files with the predictions, one for each state of the
network that the contestant's documentation keeps.

The peers (TorchGeo and GeoAI) are called as in their documentation, with its defaults, except for what has to be equal
in a comparison: the encoder and the weights from which it starts, the number of steps and the batch size, the chips for
validation, and that pixels marked 255 (unknown) do not count.

TorchGeo: the tutorial `trainers` (best checkpoint by validation loss, tested with the last weights) without its
early stopping, and the normalisation and augmentation of its `LandCoverAIDataModule`, the data module for RGB
chips that its tutorial on segmentation trains with.
GeoAI: the example `train_segmentation_model` (Adam at 1e-3, cross-entropy, its own augmentation; the best state by
validation IoU is what it maps with).
"""

import json
import math
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torchgeo.datamodules import NonGeoDataModule

UNKNOWN = 255  # label of pixels that are neither trained on nor counted
MULTIPLE = 32  # a U-Net with five stages needs images whose sides are multiples of so many pixels
LAST, BEST = "last", "best"  # names of the states of the network that a training keeps
PACKAGES = ("torch", "segmentation-models-pytorch", "timm", "lightning", "tsmu", "torchgeo", "kornia", "geoai-py")

Results = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One training: the contestant, its tiles, weights and settings.

    Attributes:
        contestant: `tsmu`, `torchgeo` or `geoai`.
        folder: the folder with `images/NAME.tif` (uint8) and `labels/NAME.tif` (0 background, 1 landslide, 255
            unknown).
        names: the names of the chips of the splits `train`, `val` and `test`.
        bands: number of bands of an image.
        side: the smallest multiple of 32 px that is not smaller than any side of a chip.
        padded: whether chips have to be padded to this side, because one of them is smaller.
        encoder: name of the encoder in segmentation_models_pytorch.
        weights: the weights from which the encoder starts, as `tsmu` names them: `auto`, a name, a file or `none`.
        encoder_state: for the peers, a .safetensors file with these weights as the state of an encoder for these bands;
            None for random weights.
        steps: optimisation steps.
        batch_size: chips per step.
        seed: seed of the decoder's first weights, the order of the chips and the augmentation.
        out: folder for the predictions.
        chips: for the contestant `tsmu`, a parquet file of the same chips as rows of tsmu's chips index.
        region: for the contestant `tsmu`, the region of these chips.
    """

    contestant: str
    folder: str
    names: dict[str, list[str]]
    bands: int
    side: int
    padded: bool
    encoder: str
    weights: str
    encoder_state: str | None
    steps: int
    batch_size: int
    seed: int
    out: str
    chips: str
    region: str

    @property
    def path(self) -> Path:
        """The folder for the predictions."""
        return Path(self.out)


def train_torchgeo(job: Job) -> Results:
    """Train TorchGeo's SemanticSegmentationTask by a Lightning Trainer."""
    import torch
    from lightning.pytorch import Trainer, seed_everything
    from lightning.pytorch.callbacks import ModelCheckpoint
    from torchgeo.trainers import SemanticSegmentationTask

    seed_everything(job.seed)
    weights = None if job.encoder_state is None else str(_write_torchgeo_checkpoint(job, job.path / "encoder.ckpt"))
    batch_size = min(job.batch_size, len(job.names["train"]))  # TorchGeo's loader drops chips that do not fill a batch
    settings: Results = {
        "model": "unet",
        "task": "multiclass",
        "num_classes": 2,
        "loss": "ce",
        "lr": 1e-3,
        "patience": 10,
    }
    with _timed() as results:
        task = SemanticSegmentationTask(
            backbone=job.encoder, weights=weights, in_channels=job.bands, ignore_index=UNKNOWN, **settings
        )
        kept = ModelCheckpoint(monitor="val_loss", dirpath=job.path / "checkpoints", save_top_k=1)
        trainer = Trainer(
            max_steps=job.steps, callbacks=[kept], log_every_n_steps=1, logger=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(model=task, datamodule=_torchgeo_data_module(job, batch_size))
    results |= {"settings": settings | {"batch_size": batch_size}, "steps": trainer.global_step}
    results["epochs"] = trainer.current_epoch
    answers = {LAST: _write_answers(job, task.model, LAST)}
    if kept.best_model_path:
        task.load_state_dict(torch.load(kept.best_model_path, weights_only=True)["state_dict"])
        answers[BEST] = _write_answers(job, task.model, BEST)
    return results | {"answers": answers, "documented": LAST}


def _torchgeo_data_module(job: Job, batch_size: int) -> "NonGeoDataModule":
    """The chips of the job as TorchGeo's data module."""
    import kornia.augmentation as kornia
    import torch
    from torchgeo.datamodules import NonGeoDataModule
    from torchgeo.datasets import NonGeoDataset

    class Chips(NonGeoDataset):
        """The chips of a split, padded to one size."""

        def __init__(self, split: str) -> None:
            self._names = job.names[split]

        def __len__(self) -> int:
            return len(self._names)

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            image, mask = _read(job, self._names[index])
            return {"image": _pad(image, job.side, 0), "mask": _pad(mask, job.side, UNKNOWN).long()}

    class ChipsDataModule(NonGeoDataModule):
        """Batches of these chips, with the augmentation of torchgeo.datamodules.LandCoverAIDataModule."""

        def __init__(self, batch_size: int) -> None:
            super().__init__(Chips, batch_size)
            self.train_aug = kornia.AugmentationSequential(
                kornia.Normalize(mean=self.mean, std=self.std),
                kornia.RandomRotation(p=0.5, degrees=90),
                kornia.RandomHorizontalFlip(p=0.5),
                kornia.RandomVerticalFlip(p=0.5),
                kornia.RandomSharpness(p=0.5),
                kornia.ColorJitter(p=0.5, brightness=0.1, contrast=0.1, saturation=0.1, hue=0.1),
                data_keys=None,
                keepdim=True,
            )

    return ChipsDataModule(batch_size)


def _write_torchgeo_checkpoint(job: Job, file: Path) -> Path:
    """Write the encoder's weights as the backbone in a checkpoint that TorchGeo can load."""
    import torch

    state = {f"model.backbone.model.{name}": tensor for name, tensor in _encoder_state(job).items()}
    torch.save({"hyper_parameters": {"backbone": job.encoder}, "state_dict": state}, file)
    return file


def train_geoai(job: Job) -> Results:
    """Train by GeoAI's train_segmentation_model, in whole epochs, so that the steps are at least those of the job."""
    import geoai as peer
    import torch
    from geoai.train import get_smp_model

    train, val = job.names["train"], job.names["val"]
    share = (len(val) - 0.5) / len(train + val)  # scikit-learn rounds up to the number of validation chips
    tiles = _link_geoai_tiles(job, share)
    batch_size = min(job.batch_size, len(train))
    epochs = math.ceil(job.steps / math.ceil(len(train) / batch_size))
    unet = {"architecture": "unet", "encoder_name": job.encoder, "encoder_weights": None}
    weights = None if job.encoder_state is None else str(_write_geoai_checkpoint(job, unet, job.path / "unet.pth"))
    settings: Results = {"num_epochs": epochs, "batch_size": batch_size, "learning_rate": 0.001, "num_workers": 0}
    if job.padded:
        settings |= {"target_size": (job.side, job.side), "resize_mode": "pad"}
    models = job.path / "models"
    with _timed() as results:
        peer.train_segmentation_model(
            images_dir=str(tiles / "images"), labels_dir=str(tiles / "labels"), output_dir=str(models),
            num_channels=job.bands, num_classes=2, val_split=share, seed=job.seed, ignore_index=UNKNOWN,
            checkpoint_path=weights, verbose=False, **unet, **settings,
        )  # fmt: skip
    results |= {"settings": settings, "steps": epochs * math.ceil(len(train) / batch_size), "epochs": epochs}
    answers = {}
    for kept, name in ((LAST, "final_model.pth"), (BEST, "best_model.pth")):
        if (models / name).exists():
            model = get_smp_model(in_channels=job.bands, classes=2, **unet)
            model.load_state_dict(torch.load(models / name, weights_only=True))
            answers[kept] = _write_answers(job, model, kept)
    return results | {"answers": answers, "documented": BEST}


def _link_geoai_tiles(job: Job, share: float) -> Path:
    """Link the chips as tiles, named so that GeoAI's random split is the split of the job.

    GeoAI sorts the names of the files and lets scikit-learn split them with the seed, so that a tile's position decides
    in which split it is.
    """
    from sklearn.model_selection import train_test_split

    sides = train_test_split(range(sum(map(len, (job.names["train"], job.names["val"])))),
                             test_size=share, random_state=job.seed)  # fmt: skip
    for split, positions in zip(("train", "val"), sides, strict=True):
        for name, position in zip(job.names[split], positions, strict=True):
            for kind in ("images", "labels"):
                tile = job.path / "tiles" / kind / f"tile_{position:06d}.tif"
                tile.parent.mkdir(parents=True, exist_ok=True)
                tile.symlink_to((Path(job.folder) / kind / f"{name}.tif").resolve())
    return job.path / "tiles"


def _write_geoai_checkpoint(job: Job, unet: Results, file: Path) -> Path:
    """Write a U-Net with the encoder's weights and a new decoder, from which GeoAI starts (`checkpoint_path`)."""
    import torch
    from geoai.train import get_smp_model

    torch.manual_seed(job.seed)
    model = get_smp_model(in_channels=job.bands, classes=2, **unet)
    model.encoder.load_state_dict(_encoder_state(job))
    torch.save(model.state_dict(), file)
    return file


def train_tsmu(job: Job) -> Results:
    """Train a network of tsmu on this region alone, as the strategy `separate` of the continual benchmark does."""
    import geopandas
    import numpy as np
    import torch

    from tsmu.chips import band_statistics, select_chips, shared_bands
    from tsmu.evaluate import predict_chips
    from tsmu.model import RegionNet, find_weights, precision_in_use
    from tsmu.update import TrainingSettings, derive_seed, strategy_named, train_region

    chips = geopandas.read_parquet(job.chips)
    train = select_chips(chips, job.region, "train")
    with _timed() as results:
        torch.manual_seed(derive_seed(job.seed, -1))
        pretrained = find_weights(job.encoder, job.weights)
        network = RegionNet(job.encoder, *band_statistics(train), weights=pretrained, bands=shared_bands(train))
        training = TrainingSettings(job.steps, job.batch_size, job.seed)
        learned = train_region(network, job.region, train, strategy_named("separate"), training)
    file = job.path / f"{LAST}.npz"
    answers: Results = {}
    for split in ("val", "test"):
        predicted = predict_chips(network, learned.decoder, select_chips(chips, job.region, split))
        answers |= zip(job.names[split], (probability for probability, _ in predicted), strict=True)
    np.savez(file, **answers)
    kept = {"answers": {LAST: str(file)}, "documented": LAST}
    settings = {"strategy": "separate", "batch_size": job.batch_size, "precision": precision_in_use()}
    return results | kept | {"settings": settings, "steps": job.steps, "epochs": None}


def _encoder_state(job: Job) -> dict[str, "torch.Tensor"]:
    from safetensors.torch import load_file

    assert job.encoder_state is not None
    return load_file(job.encoder_state)


def _read(job: Job, name: str) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Read a chip's image, float32 (C, H, W) from 0 to 255, and its mask (H, W)."""
    import rasterio
    import torch

    with rasterio.open(Path(job.folder) / "images" / f"{name}.tif") as dataset:
        image = torch.from_numpy(dataset.read()).float()
    with rasterio.open(Path(job.folder) / "labels" / f"{name}.tif") as dataset:
        return image, torch.from_numpy(dataset.read(1))


def _pad(pixels: "torch.Tensor", side: int, value: int) -> "torch.Tensor":
    """Pad images (..., H, W) with a value to squares of this side, below and on the right."""
    from torch.nn.functional import pad

    height, width = pixels.shape[-2:]
    return pad(pixels, (0, side - width, 0, side - height), value=value)


def _write_answers(job: Job, model: "torch.nn.Module", kept: str) -> str:
    """Predict the probability of landslide on each validation and test chip, and write it as an .npz file.

    The file has an array (H, W) for each chip under its name. Both peers divide images by 255 and apply the softmax to
    two classes; GeoAI also pads a window in this way.

    Args:
        job: the job.
        model: the network.
        kept: name of the state of the network, which becomes the file's name.

    Returns:
        The path of the file.
    """
    import numpy as np
    import torch

    model = model.cpu().eval()
    answers = {}
    with torch.inference_mode():
        for name in (*job.names["val"], *job.names["test"]):
            image, mask = _read(job, name)
            logits = model(_pad(image / 255, job.side, 0)[None])
            height, width = mask.shape
            answers[name] = logits.softmax(dim=1)[0, 1, :height, :width].numpy()
    file = job.path / f"{kept}.npz"
    np.savez(file, **answers)
    return str(file)


@contextmanager
def _timed() -> Iterator[Results]:
    """Measure the block of a `with` statement.

    Yields:
        A dictionary that gets `seconds`, `cpu_seconds` and `peak_rss_mb`, the peak memory of this process so far.
    """
    results: Results = {}
    before, started = os.times(), time.perf_counter()
    yield results
    results["seconds"] = time.perf_counter() - started
    after = os.times()
    used = after.user + after.system - before.user - before.system
    results["cpu_seconds"] = used
    results["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    results = {"python": sys.version.split()[0]}
    for package in packages:
        try:
            results[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return results


CONTESTANTS: dict[str, Callable[[Job], Results]] = {
    "tsmu": train_tsmu,
    "torchgeo": train_torchgeo,
    "geoai": train_geoai,
}


def main(file: str) -> None:
    """Read the job file named on the command line, train, and print the result as JSON."""
    job = Job(**json.loads(Path(file).read_text(encoding="utf-8")))
    random.seed(job.seed)
    results = CONTESTANTS[job.contestant](job)
    import torch

    device = {"kind": "cuda" if torch.cuda.is_available() else "cpu", "threads": torch.get_num_threads()}
    print(json.dumps(results | {"versions": _versions(), "device": device}))


if __name__ == "__main__":
    main(sys.argv[1])
