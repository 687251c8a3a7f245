"""Evaluation: predictions on chips, scores, what a chain of versions has learned and forgotten, and reports.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
Data goes one way through the room:

    metrics       scores of pixels, of landslides as objects, and of continual learning; standard errors; the threshold
    chip_pictures small pictures of chips, labels and predictions
    predictions   probabilities of a network on chips, and their pixel counts
    history       every version on every region's test chips: the R matrix of a workspace
    report        the history for people: a table, report.html and report.json

Example:
    >>> from tsmu.evaluate import PixelCounts
    >>> probability, mask = np.array([[0.9, 0.2]], np.float32), np.array([[1, 1]])
    >>> PixelCounts.from_probability(probability, mask).recall(percent=50)
    0.5
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.evaluate.chip_pictures import captioned_sheet, label_picture, outcome_picture
    from tsmu.evaluate.history import History, ServedRegion, evaluate_history
    from tsmu.evaluate.metrics.continual_scores import ContinualScores
    from tsmu.evaluate.metrics.jackknife import Floats, confusion_iou, jackknife_error
    from tsmu.evaluate.metrics.object_counts import EIGHT_CONNECTED, ObjectCounts, count_objects
    from tsmu.evaluate.metrics.overlap import (
        SAME_LANDSLIDE_SHARE,
        OverlappingPairs,
        Positions,
        intersecting_pairs,
        overlapping_pairs,
        show_same_landslide,
    )
    from tsmu.evaluate.metrics.pixel_counts import PERCENTS, PixelCounts
    from tsmu.evaluate.metrics.threshold import NEUTRAL_PERCENT, choose_threshold
    from tsmu.evaluate.predictions import (
        count_pixels,
        count_pixels_by_chip,
        iterate_pixel_counts,
        predict_chips,
        predict_logits,
    )
    from tsmu.evaluate.report.figures import BLUE, ORANGE, figure_svg
    from tsmu.evaluate.report.report import score_table, write_report

__all__ = [
    "BLUE",
    "EIGHT_CONNECTED",
    "NEUTRAL_PERCENT",
    "ORANGE",
    "PERCENTS",
    "SAME_LANDSLIDE_SHARE",
    "ContinualScores",
    "Floats",
    "History",
    "ObjectCounts",
    "OverlappingPairs",
    "PixelCounts",
    "Positions",
    "ServedRegion",
    "captioned_sheet",
    "choose_threshold",
    "confusion_iou",
    "count_objects",
    "count_pixels",
    "count_pixels_by_chip",
    "evaluate_history",
    "figure_svg",
    "intersecting_pairs",
    "iterate_pixel_counts",
    "jackknife_error",
    "label_picture",
    "outcome_picture",
    "overlapping_pairs",
    "predict_chips",
    "predict_logits",
    "score_table",
    "show_same_landslide",
    "write_report",
]

_NAMES = {  # by the module that has them; the database uses some, and must not load scipy or matplotlib with them
    "chip_pictures": "captioned_sheet label_picture outcome_picture",
    "history": "History ServedRegion evaluate_history",
    "metrics.continual_scores": "ContinualScores",
    "metrics.jackknife": "Floats confusion_iou jackknife_error",
    "metrics.object_counts": "EIGHT_CONNECTED ObjectCounts count_objects",
    "metrics.overlap": (
        "SAME_LANDSLIDE_SHARE OverlappingPairs Positions intersecting_pairs overlapping_pairs show_same_landslide"
    ),
    "metrics.pixel_counts": "PERCENTS PixelCounts",
    "metrics.threshold": "NEUTRAL_PERCENT choose_threshold",
    "predictions": "count_pixels count_pixels_by_chip iterate_pixel_counts predict_chips predict_logits",
    "report.figures": "BLUE ORANGE figure_svg",
    "report.report": "score_table write_report",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
