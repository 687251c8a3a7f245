"""Labels: labelme JSON, vector polygons and mask rasters, onto the post image's grid and back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsmu.labels.label_import import import_labels
    from tsmu.labels.label_table import read_labels, require_labels, store_labels, with_masks
    from tsmu.labels.labelme_export import draft_polygons, export_labelme
    from tsmu.labels.mask_conventions import (
        BACKGROUND,
        CONVENTIONS,
        LANDSLIDE,
        TRANSPARENT_IS_BACKGROUND,
        UNKNOWN,
        ZERO_ONE,
        MaskConvention,
        detect_convention,
        lacks_background,
    )
    from tsmu.labels.mask_writer import MaskWriter
    from tsmu.labels.pair_pictures import pair_picture
    from tsmu.labels.review_labels import REVIEW_FOLDER, REVIEW_MARGIN_M, ReviewedOutlines, is_review_mask, review_mask

__all__ = [
    "BACKGROUND",
    "CONVENTIONS",
    "LANDSLIDE",
    "REVIEW_FOLDER",
    "REVIEW_MARGIN_M",
    "TRANSPARENT_IS_BACKGROUND",
    "UNKNOWN",
    "ZERO_ONE",
    "MaskConvention",
    "MaskWriter",
    "ReviewedOutlines",
    "detect_convention",
    "draft_polygons",
    "export_labelme",
    "import_labels",
    "is_review_mask",
    "lacks_background",
    "pair_picture",
    "read_labels",
    "require_labels",
    "review_mask",
    "store_labels",
    "with_masks",
]

_NAMES = {  # by the module that has them
    "label_import": "import_labels",
    "label_table": "read_labels require_labels store_labels with_masks",
    "labelme_export": "draft_polygons export_labelme",
    "mask_conventions": (
        "BACKGROUND CONVENTIONS LANDSLIDE TRANSPARENT_IS_BACKGROUND UNKNOWN "
        "ZERO_ONE MaskConvention detect_convention lacks_background"
    ),
    "mask_writer": "MaskWriter",
    "pair_pictures": "pair_picture",
    "review_labels": "REVIEW_FOLDER REVIEW_MARGIN_M ReviewedOutlines is_review_mask review_mask",
}
_PLACES = {name: place for place, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a name of the face when it is first asked for, so that importing the room costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
