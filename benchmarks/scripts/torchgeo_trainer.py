"""Train a TorchGeo task on a workspace's chips, to show that other tools can use them without conversion.

TorchGeo is no dependency of tsmu, so it must be installed first: pip install torchgeo. Then run:

    python benchmarks/scripts/torchgeo_trainer.py WORKSPACE REGION [EPOCHS]
"""

import sys
from pathlib import Path

import lightning
import torch
from torch.utils.data import DataLoader
from torchgeo.trainers import SemanticSegmentationTask

from tsmu.chips import Augment, ChipDataset, band_statistics, read_index, select_chips
from tsmu.workspace_folder import WorkspaceFolder


def main(workspace: str, region: str, epochs: str = "10") -> None:
    """Train a U-Net of TorchGeo, and print its validation metrics before and after the training."""
    lightning.seed_everything(0)
    index = read_index(WorkspaceFolder.open(Path(workspace)))
    train, val = (select_chips(index, region, split) for split in ("train", "val"))
    mean, std = band_statistics(train)
    size = int(train["width"].max())
    loaders = [
        DataLoader(ChipDataset(rows, transform), batch_size=8, shuffle=shuffle)
        for rows, transform, shuffle in ((train, Augment(size, mean, std), True), (val, None, False))
    ]
    task = SemanticSegmentationTask(
        model="unet", backbone="resnet18", in_channels=len(mean), num_classes=2, num_filters=3, loss="ce",
        class_weights=torch.tensor([1.0, 5.0]), ignore_index=255, lr=1e-3,
    )  # fmt: skip
    centre = torch.tensor(mean).view(-1, 1, 1), torch.tensor(std).view(-1, 1, 1)

    def normalise(batch: dict[str, object], *_: object) -> dict[str, object]:
        image = batch["image"]
        assert isinstance(image, torch.Tensor)
        return {"image": ((image - centre[0]) / centre[1]).nan_to_num(), "mask": batch["mask"]}

    task.on_after_batch_transfer = normalise
    trainer = lightning.Trainer(
        max_epochs=int(epochs), accelerator="cpu", logger=False, enable_checkpointing=False, log_every_n_steps=1
    )
    before = trainer.validate(task, loaders[1], verbose=False)[0]
    trainer.fit(task, loaders[0], loaders[1])
    after = trainer.validate(task, loaders[1], verbose=False)[0]
    for name in before:
        print(f"{name}: {before[name]:.3f} -> {after[name]:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
