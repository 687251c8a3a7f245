"""A picture of the first batch of a training, by which a person sees whether images and masks fit."""

from pathlib import Path

from tsmu.evaluate import captioned_sheet, label_picture
from tsmu.files import atomic_write
from tsmu.update.training.batches import TrainingBatches

PICTURED_CHIPS = 16  # of the batch, at most
COLUMNS = 4


def draw_first_batch(batches: TrainingBatches, file: Path) -> None:
    """Draw the chips of the first step as the network will see them, landslides outlined.

    Args:
        batches: of the training.
        file: the PNG; one that is there stays, since a resumed training has the same first batch.
    """
    if file.exists():
        return
    rows = [
        (sample["region"], label_picture(sample["image"][batches.channels].numpy(), sample["mask"].numpy()))
        for sample in batches.first_samples(PICTURED_CHIPS)
    ]
    with atomic_write(file) as temporary:
        temporary.write_bytes(captioned_sheet(rows, COLUMNS))
