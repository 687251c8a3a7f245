"""Predictions of a batch of tiles: averaged over test-time augmentation, and blended over regions.

Averaging over the eight ways to turn and flip an image is what Nagendra et al. (2022, doi
10.1109/JSTARS.2022.3177025) found best for estimating how certain the network is: the eight predictions
differ most where it hesitates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tsmu.mapping.arrays import Logits, Percent, Probability, Values
from tsmu.mapping.inference.engine import Engine, PendingLogits
from tsmu.mapping.scene.region_weights import RegionWeights, SingleRegionWeights


@dataclass(frozen=True)
class TileTransform:
    """A transform of test-time augmentation: quarter turns, counter-clockwise, and then perhaps a flip."""

    quarter_turns: int = 0
    flipped: bool = False

    def apply(self, tiles: Values) -> Values:
        """Turn and flip tiles (..., H, W)."""
        turned = np.rot90(tiles, self.quarter_turns, axes=(-2, -1))
        return np.ascontiguousarray(turned[..., ::-1] if self.flipped else turned)

    def invert(self, logits: Logits) -> Logits:
        """Turn the logits of transformed tiles (..., H, W) back."""
        unflipped = logits[..., ::-1] if self.flipped else logits
        return np.asarray(np.rot90(unflipped, -self.quarter_turns, axes=(-2, -1)))


NO_AUGMENTATION = (TileTransform(),)
# Those that keep the sides of a tile come first: engines are compiled for the shape of a tile.
ALL_TRANSFORMS = tuple(TileTransform(turns, flipped) for turns in (0, 2, 1, 3) for flipped in (False, True))


@dataclass(frozen=True)
class ScenePredictor:
    """The networks that predict a scene, where each counts, and the transforms of test-time augmentation.

    A tile goes only through the networks of the regions that have a weight in it. Regions that share a
    decoder are one network. The networks of two regions have no more than their convolutions in common:
    the normalisation between those is each region's own, so both are computed where both count.

    Attributes:
        engines: one per region, in the order of the weights.
        weights: how much each region counts at each pixel of the scene.
        transforms: in which each tile is predicted.
    """

    engines: Sequence[Engine]
    weights: RegionWeights
    transforms: Sequence[TileTransform]

    @classmethod
    def of_one_region(cls, engine: Engine, transforms: Sequence[TileTransform]) -> "ScenePredictor":
        """Predict the whole scene with one network."""
        return cls([engine], SingleRegionWeights(), transforms)

    @property
    def identity(self) -> object:
        """What predictions depend on; JSON of it is hashed into the identity of a map."""
        return [[engine.identity for engine in self.engines], self.weights.identity, len(self.transforms)]

    @property
    def layers(self) -> int:
        """Layers of the map: the mean of the predictions, and with several transforms their standard deviation."""
        return 1 if len(self.transforms) == 1 else 2

    def networks(self, regions: Sequence[int]) -> list[tuple[Engine, tuple[int, ...]]]:
        """Give the different networks of some regions, each with the regions that it predicts."""
        networks: dict[tuple[str, ...], tuple[Engine, tuple[int, ...]]] = {}
        for region in regions:
            engine = self.engines[region]
            first, others = networks.get(engine.identity, (engine, ()))
            networks[engine.identity] = first, (*others, region)
        return list(networks.values())


@dataclass(frozen=True)
class NetworkPrediction:
    """The logits of a batch that one network is computing, and the numbers of the regions it predicts."""

    engine: Engine
    regions: tuple[int, ...]
    logits: PendingLogits


class BatchPrediction:
    """Mean and, with several transforms, standard deviation of the probabilities of a batch of tiles.

    Args:
        weights: for each tile the weights of the regions (regions, H, W); used where several networks
            predict the batch.
    """

    def __init__(self, weights: Sequence[Percent]) -> None:
        self._weights = weights
        self._count = 0
        self._mean = self._squares = np.empty(0, np.float32)

    def add(self, transform: TileTransform, predictions: Sequence[NetworkPrediction]) -> None:
        """Add the predictions in one transform; after Welford (1962, doi 10.1080/00401706.1962.10490022)."""
        probability = self._blend_regions(transform, predictions)
        self._count += 1
        if self._count == 1:
            self._mean, self._squares = probability, np.float32(0) * probability
            return
        difference = probability - self._mean
        self._mean += difference / np.float32(self._count)
        self._squares += difference * (probability - self._mean)

    def layers(self, tile: int) -> Probability:
        """The map layers of one tile of the batch.

        Args:
            tile: number of the tile in the batch, from 0.

        Returns:
            (1, H, W), the probability; where several transforms were added, (2, H, W): their mean probability and its
            standard deviation over the transforms.
        """
        if self._count == 1:
            return self._mean[tile : tile + 1]
        return np.stack([self._mean[tile], np.sqrt(self._squares[tile] / np.float32(self._count))])

    def _blend_regions(self, transform: TileTransform, predictions: Sequence[NetworkPrediction]) -> Probability:
        """Wait for the logits and give the weighted mean of the networks' probabilities (N, H, W)."""
        probabilities = [network.engine.probabilities(transform.invert(network.logits())) for network in predictions]
        if len(predictions) == 1:
            return probabilities[0]
        weighted = (
            probability * self._network_weight(network.regions)
            for probability, network in zip(probabilities, predictions, strict=True)
        )
        return np.asarray(sum(weighted), np.float32)

    def _network_weight(self, regions: tuple[int, ...]) -> Probability:
        """Give the weight of some regions together at each pixel of each tile, from 0 to 1: (N, H, W)."""
        percent = np.stack([weights[list(regions)].sum(axis=0) for weights in self._weights])
        return percent.astype(np.float32) / np.float32(100)
