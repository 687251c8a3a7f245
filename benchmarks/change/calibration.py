"""The calibration of mapping by change: fitted on pixels of real Sentinel-2 sites, and measured on sites left out.

A pixel's changes are given in robust standard deviations of its site (`tsmu.mapping`, folder `change`). The model is a
logistic regression on changes that are bounded by a hyperbolic tangent, because landslides rarely change by more than a
few standard deviations of their scene, and pixels that change by thirty are rarely landslides.

The shares of the kinds of pixels are assumed, because no data tell how much of an unknown scene is landslide: every
site has the same weight, a tenth of its pixels are landslides, and a fifth of the others are ground that confused the
segmentation of the data's authors.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from tsmu.errors import BenchmarkError

# The column of each of tsmu's indices of change.
CHANGES = {"ratio": "rg_z", "brightness": "brightness_z", "greenness": "ndvi_z"}
SIGNS = {"brightness": -1.0}  # the table has the value before minus the value after; landslides become brighter
LANDSLIDE, OTHER, RANDOM = 1, 0, 255  # labels of the table: landslide, confusing ground, randomly chosen pixel
# The share of landslides in all pixels, and the share of confusing ground in the pixels without landslides.
LANDSLIDE_SHARE, OTHER_SHARE = 0.1, 0.2
BOUNDS = (1.5, 2.0, 3.0, 4.0, 6.0)  # bounds that are tried, robust standard deviations; the best calibration decides
PERCENTS = range(5, 100, 5)  # thresholds that are tried
# People review the candidates, and reject a wrong one faster than they find a missing one. So the threshold is the
# lowest one at which the mean IoU is at least this share of the best mean IoU.
KEPT_IOU = 0.98
BINS = 10
NEWTON_STEPS = 10  # after 7 steps the coefficients do not change any more
# Sites on the same ground as `iburi_pair`, on which the maps are measured; the calibration is not fitted on them.
SAME_GROUND = ("L47", "L48")

Floats = npt.NDArray[np.float64]
Results = dict[str, Any]


def calibrate(pixels: Path, bounds: Sequence[float] = BOUNDS) -> Results:
    """Fit the calibration, and measure it on each site with a fit on the other sites.

    Args:
        pixels: a parquet table with the columns site, label, rg_z, ndvi_z and brightness_z.
        bounds: the bounds that are tried; the one with the best calibration is used.

    Returns:
        For `rgb` and `rgb+nir` the bound, the intercept, the weight of each index and the threshold (percent), and
        measured on sites left out: AUC against confusing ground and against all other pixels, calibration (predicted
        and observed share of landslides by tenths of probability), mean IoU and median recall for each threshold. Also
        `sites`, the sites that were `left_out` altogether, and the assumed shares.

    Raises:
        BenchmarkError: the table is missing or has other columns.
    """
    table = _read_pixels(pixels)
    sites = sorted(set(table["site"]) - set(SAME_GROUND))
    results: Results = {
        "sites": sites,
        "left_out": [site for site in SAME_GROUND if site in set(table["site"])],
        "landslide_share": LANDSLIDE_SHARE,
        "other_share": OTHER_SHARE,
    }
    table = table[table["site"].isin(sites)]
    for name, indices in (("rgb", ("ratio", "brightness")), ("rgb+nir", ("ratio", "brightness", "greenness"))):
        tried = {bound: _left_out(table, indices, bound) for bound in bounds}
        bound = min(tried, key=lambda one: tried[one]["calibration_error"])
        intercept, *weights = (round(float(value), 3) for value in _fit(table, indices, bound))
        results[name] = {
            "bound": bound,
            "intercept": intercept,
            "weights": dict(zip(indices, weights, strict=True)),
            "calibration_error_by_bound": {str(one): tried[one]["calibration_error"] for one in bounds},
            **tried[bound],
        }
    return results


def calibration_table(results: Mapping[str, Any]) -> str:
    """Write the results as lines of text."""
    lines = []
    for name in ("rgb", "rgb+nir"):
        one = results[name]
        threshold = str(one["threshold"])
        lines += [
            f"{name}: bound {one['bound']}, intercept {one['intercept']}, weights {one['weights']}; sites left out: "
            f"median AUC {one['auc_other']:.3f} against other ground, {one['auc_all']:.3f} against all; calibration "
            f"error {one['calibration_error']:.4f}; threshold {threshold} %: mean IoU {one['iou'][threshold]:.3f}, "
            f"median recall {one['recall'][threshold]:.2f}",
            "  predicted -> observed: "
            + ", ".join(f"{one['predicted']:.2f} -> {one['observed']:.2f}" for one in one["calibration"]),
        ]
    return "\n".join(lines)


def _read_pixels(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise BenchmarkError(f"{file}: missing; give a table of labelled changes, pixels.parquet")
    table = pd.read_parquet(file)
    if missing := {"site", "label", *CHANGES.values()} - set(table):
        raise BenchmarkError(f"{file}: has no column {', '.join(sorted(missing))}; give a table of labelled changes")
    for name, column in CHANGES.items():
        table[name] = SIGNS.get(name, 1.0) * table[column]
    return table.replace([np.inf, -np.inf], np.nan).dropna(subset=list(CHANGES))


def _weights(table: pd.DataFrame) -> Floats:
    """The weight of each pixel, so that each site has the assumed shares of pixels; the sum of each site is 1."""
    shares = {
        LANDSLIDE: LANDSLIDE_SHARE,
        OTHER: (1 - LANDSLIDE_SHARE) * OTHER_SHARE,
        RANDOM: (1 - LANDSLIDE_SHARE) * (1 - OTHER_SHARE),
    }
    counts = table.groupby(["site", "label"])["label"].transform("size")
    return np.asarray(table["label"].map(shares) / counts, np.float64)


def _features(table: pd.DataFrame, indices: Sequence[str], bound: float) -> Floats:
    values = np.asarray(table[list(indices)], np.float64)
    return np.column_stack([np.ones(len(values)), bound * np.tanh(values / bound)])


def _fit(table: pd.DataFrame, indices: Sequence[str], bound: float) -> Floats:
    """Intercept and weights of the logistic regression, by maximum likelihood (Newton's method)."""
    features, weights, is_landslide = (
        _features(table, indices, bound),
        _weights(table),
        np.asarray(table["label"] == LANDSLIDE),
    )
    coefficients = np.zeros(features.shape[1])
    for _ in range(NEWTON_STEPS):
        probability = expit(features @ coefficients)
        gradient = (weights * (is_landslide - probability)) @ features
        curvature = (features * (weights * probability * (1 - probability))[:, None]).T @ features
        coefficients += np.linalg.solve(curvature, gradient)
    return coefficients


def _left_out(table: pd.DataFrame, indices: Sequence[str], bound: float) -> Results:
    """Predict the pixels of each site by a fit on the other sites, and measure the predictions."""
    parts = []
    for site in sorted(set(table["site"])):
        held_out = table["site"] == site
        coefficients = _fit(table[~held_out], indices, bound)
        part = table.loc[held_out, ["site", "label"]].copy()
        part["probability"] = expit(_features(table[held_out], indices, bound) @ coefficients)
        part["weight"] = _weights(table[held_out])
        parts.append(part)
    predicted = pd.concat(parts)
    bins = _calibration(predicted)
    scores = {str(percent): [_overlap(part, percent / 100) for part in parts] for percent in PERCENTS}
    iou = {percent: float(np.mean([one[0] for one in each])) for percent, each in scores.items()}
    total = sum(one["weight"] for one in bins)
    return {
        "auc_other": float(np.median([_auc(part[part["label"] != RANDOM]) for part in parts])),
        "auc_all": float(np.median([_auc(part) for part in parts])),
        "calibration": bins,
        "calibration_error": sum(one["weight"] * abs(one["predicted"] - one["observed"]) for one in bins) / total,
        "iou": iou,
        "recall": {percent: float(np.median([one[1] for one in each])) for percent, each in scores.items()},
        "threshold": next(int(percent) for percent, value in iou.items() if value >= KEPT_IOU * max(iou.values())),
    }


def _calibration(predicted: pd.DataFrame) -> list[Results]:
    """The predicted and the observed share of landslides in each tenth of the predicted probability."""
    bins = np.minimum((predicted["probability"] * BINS).astype(int), BINS - 1)
    rows = []
    for number in sorted(set(bins)):
        part = predicted[bins == number]
        weight = float(part["weight"].sum())
        rows.append(
            {
                "weight": weight,
                "predicted": float((part["weight"] * part["probability"]).sum() / weight),
                "observed": float(part.loc[part["label"] == LANDSLIDE, "weight"].sum() / weight),
            }
        )
    return rows


def _overlap(part: pd.DataFrame, threshold: float) -> tuple[float, float]:
    """Weighted IoU and recall of the pixels at or above a threshold (0 to 1)."""
    chosen, landslide = part["probability"] >= threshold, part["label"] == LANDSLIDE
    both = part.loc[chosen & landslide, "weight"].sum()
    either = part.loc[chosen | landslide, "weight"].sum()
    return float(both / either), float(both / part.loc[landslide, "weight"].sum())


def _auc(part: pd.DataFrame) -> float:
    """The weighted probability that a landslide pixel has a higher prediction than another pixel; ties count half."""
    part = part.sort_values("probability")
    landslide = part["label"] == LANDSLIDE
    positive, negative = part["weight"].where(landslide, 0.0), part["weight"].where(~landslide, 0.0)
    groups = pd.DataFrame({"p": positive, "n": negative}).groupby(part["probability"].to_numpy()).sum()
    below = groups["n"].cumsum() - groups["n"] / 2
    return float((groups["p"] * below).sum() / (groups["p"].sum() * groups["n"].sum()))
