"""Labels: what people drew, as masks on the grids of the pairs' post images, and back.

A mask has one value per pixel: 0 background, 1 landslide, 255 unknown. What others use of this room is named here and
loaded when it is first asked for; nobody imports past this face. Data goes one way through its files:

    mask_values, mask_conventions   mask rasters of any convention read as one
    rasterization                   polygons onto a pixel grid
    labelme_files, label_layers     shapes of labelme files and polygons of map layers, in an image's pixels
    label_files, pair_matching      the label files of a folder or archive, and the pair that each belongs to
    mask_writer, label_import       one mask per pair, whatever its labels came as
    label_table                     the workspace's table of labels
    review_labels                   masks of scenes that people have reviewed in the database
    labelme_export, pair_pictures   drafts to correct in labelme, and pictures to look at

Example:
    >>> store_labels(workspace, import_labels(Path("drawn"), pairs, log, out=workspace.label_files))
    1
    >>> with_masks(pairs, read_labels(workspace)).set_index("id")["mask"].notna().to_dict()
    {'a': True, 'b': False}
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.labels.label_import import import_labels
    from tsmu.labels.label_layers import read_mapped_area
    from tsmu.labels.label_table import read_labels, require_labels, store_labels, with_masks
    from tsmu.labels.labelme_export import draft_polygons, export_labelme
    from tsmu.labels.mask_conventions import (
        BACKGROUND,
        CONVENTIONS,
        EXCHANGED,
        LANDSLIDE,
        MOSTLY_LANDSLIDE,
        TRANSPARENT_IS_BACKGROUND,
        UNKNOWN,
        ZERO_ONE,
        Mask,
        MaskConvention,
        detect_convention,
        lacks_background,
    )
    from tsmu.labels.mask_writer import LABEL_COLUMNS
    from tsmu.labels.pair_pictures import pair_picture
    from tsmu.labels.review_labels import (
        REVIEW_MARGIN_M,
        ReviewEvidence,
        ReviewLabels,
        count_outlines,
        is_review_mask,
        label_reviewed_scenes,
    )

__all__ = [
    "BACKGROUND",
    "CONVENTIONS",
    "EXCHANGED",
    "LABEL_COLUMNS",
    "LANDSLIDE",
    "MOSTLY_LANDSLIDE",
    "REVIEW_MARGIN_M",
    "TRANSPARENT_IS_BACKGROUND",
    "UNKNOWN",
    "ZERO_ONE",
    "Mask",
    "MaskConvention",
    "ReviewEvidence",
    "ReviewLabels",
    "count_outlines",
    "detect_convention",
    "draft_polygons",
    "export_labelme",
    "import_labels",
    "is_review_mask",
    "label_reviewed_scenes",
    "lacks_background",
    "pair_picture",
    "read_labels",
    "read_mapped_area",
    "require_labels",
    "store_labels",
    "with_masks",
]

_NAMES = {  # by the module that has them
    "label_import": "import_labels",
    "label_layers": "read_mapped_area",
    "label_table": "read_labels require_labels store_labels with_masks",
    "labelme_export": "draft_polygons export_labelme",
    "mask_conventions": (
        "BACKGROUND CONVENTIONS EXCHANGED LANDSLIDE MOSTLY_LANDSLIDE TRANSPARENT_IS_BACKGROUND UNKNOWN "
        "ZERO_ONE Mask MaskConvention detect_convention lacks_background"
    ),
    "mask_writer": "LABEL_COLUMNS",
    "pair_pictures": "pair_picture",
    "review_labels": (
        "REVIEW_MARGIN_M ReviewEvidence ReviewLabels count_outlines is_review_mask label_reviewed_scenes"
    ),
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
