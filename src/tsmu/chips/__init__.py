"""The training set: chips, their index, splits that do not leak, and a torch dataset of them.

A chip is a window of an image pair with its mask. The chips index says where its pixels are; they are read from the
source rasters when they are needed. What others use of this room is named here and loaded when it is first asked for;
nobody imports past this face. Data goes one way through it:

    index                  the columns of the index, and questions to it
    splits                 which chips are for training, validation and test: contiguous runs, spatial groups, blocks of
                           divided ground, and the splits of all earlier builds
    building               chips out of a folder, chips out of labelled pairs, and adding them to the index
    dataset, augmentation  chips as samples for training
    chip_files             a digest of chips' contents, and a check that they can be read
    dataset_statistics     mean and standard deviation per band, pixel sizes
    image_descriptors      what images look like, and images in another region's colours; image_statistics stores it
    retained_chips         validation chips that stay when a region's images are removed

Example:
    >>> chips = select_chips(read_index(workspace), "andes", "train")
    >>> ChipDataset(chips)[0]["image"].shape  # bands, rows, columns
    torch.Size([3, 32, 32])
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.chips.augmentation import Augment
    from tsmu.chips.building.chip_folder import chips_from_folder, read_groups
    from tsmu.chips.building.index_update import add_to_index
    from tsmu.chips.building.pair_chips import PairChips, chips_from_pairs
    from tsmu.chips.building.pair_requirements import (
        advise_on_regions,
        bands_to_keep,
        check_terrain_bands,
        require_usable_pairs,
    )
    from tsmu.chips.building.windows import ChipOptions
    from tsmu.chips.chip_files import contents_digest, require_files
    from tsmu.chips.dataset import ChipDataset, Sample
    from tsmu.chips.dataset_statistics import band_statistics, pixel_size_range, value_types
    from tsmu.chips.image_descriptors import (
        image_features,
        measure_image_statistics,
        summarise_features,
        transfer_colours,
    )
    from tsmu.chips.image_statistics import ImageStatistics
    from tsmu.chips.index import (
        IMAGE_ROLES,
        available_chips,
        bands_of_other_sources,
        read_index,
        regions_without_evaluation,
        select_chips,
        shared_bands,
    )
    from tsmu.chips.retained_chips import retain_chips, validation_chips
    from tsmu.chips.splits.block_table import block_groups, blocks_of_ground, read_blocks, write_blocks
    from tsmu.chips.splits.blocks import Block
    from tsmu.chips.splits.contiguous import GAP, SPLITS, fold_split, landslide_free_series, series_name, split_parts
    from tsmu.chips.splits.split_history import drop_from_history, earlier_splits_of_pairs, read_split_history

__all__ = [
    "GAP",
    "IMAGE_ROLES",
    "SPLITS",
    "Augment",
    "Block",
    "ChipDataset",
    "ChipOptions",
    "ImageStatistics",
    "PairChips",
    "Sample",
    "add_to_index",
    "advise_on_regions",
    "available_chips",
    "band_statistics",
    "bands_of_other_sources",
    "bands_to_keep",
    "block_groups",
    "blocks_of_ground",
    "check_terrain_bands",
    "chips_from_folder",
    "chips_from_pairs",
    "contents_digest",
    "drop_from_history",
    "earlier_splits_of_pairs",
    "fold_split",
    "image_features",
    "landslide_free_series",
    "measure_image_statistics",
    "pixel_size_range",
    "read_blocks",
    "read_groups",
    "read_index",
    "read_split_history",
    "regions_without_evaluation",
    "require_files",
    "require_usable_pairs",
    "retain_chips",
    "select_chips",
    "series_name",
    "shared_bands",
    "split_parts",
    "summarise_features",
    "transfer_colours",
    "validation_chips",
    "value_types",
    "write_blocks",
]

_NAMES = {  # by the module that has them
    "augmentation": "Augment",
    "building.chip_folder": "chips_from_folder read_groups",
    "building.index_update": "add_to_index",
    "building.pair_chips": "PairChips chips_from_pairs",
    "building.pair_requirements": "advise_on_regions bands_to_keep check_terrain_bands require_usable_pairs",
    "building.windows": "ChipOptions",
    "chip_files": "contents_digest require_files",
    "dataset": "ChipDataset Sample",
    "dataset_statistics": "band_statistics pixel_size_range value_types",
    "image_descriptors": "image_features measure_image_statistics summarise_features transfer_colours",
    "image_statistics": "ImageStatistics",
    "index": (
        "IMAGE_ROLES available_chips bands_of_other_sources read_index "
        "regions_without_evaluation select_chips shared_bands"
    ),
    "retained_chips": "retain_chips validation_chips",
    "splits.block_table": "block_groups blocks_of_ground read_blocks write_blocks",
    "splits.blocks": "Block",
    "splits.contiguous": "GAP SPLITS fold_split landslide_free_series series_name split_parts",
    "splits.split_history": "drop_from_history earlier_splits_of_pairs read_split_history",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
