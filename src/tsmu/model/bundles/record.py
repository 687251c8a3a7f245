"""The record of a bundle: what bundle.json stores about the model and about each region."""

from pydantic import BaseModel, ConfigDict

from tsmu.chips import ImageStatistics


class _Record(BaseModel):
    """A part of bundle.json; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RegionRecord(_Record):
    """How a region is mapped by a model version, and what it was learned from.

    Attributes:
        decoder: the decoder that maps it.
        threshold: whole percent from which a pixel counts as landslide; chosen on validation chips.
        learned_in: the version in which it was last learned.
        best_in: the version that scores best on its validation chips; None if that is `learned_in`.
        strategy, steps, batch_size, seed: how it was learned.
        rounds: how often the last stage of the training could be repeated; more than once where
            validation chips chose the number of steps (`--steps auto`).
        accumulate: into how many parts each batch was divided; 1 in bundles written before this was stored.
        chips: number of chips per split.
        landslide_share: share of landslide among the known training pixels.
        pixel_size: smallest and largest pixel size of its chips, metres; None if unknown.
        scores: metrics by split (`val`, `test`) right after it was learned, at the threshold.
        seconds: wall time of the training.
        device, precision: what it was trained with.
        style: statistics of the colours and textures of its training images.
        temperature: what the decoder's logits were divided by after training, chosen on validation chips; None
            if there were none to choose it on.
        kept_step: the training step whose weights were kept; None for the last.
        reviewed: how many of the training chips have labels that come from reviews.
    """

    decoder: str
    threshold: int
    learned_in: int
    strategy: str
    steps: int
    batch_size: int
    seed: int
    chips: dict[str, int]
    landslide_share: float | None
    pixel_size: tuple[float, float] | None
    scores: dict[str, dict[str, float | None]]
    seconds: float
    device: str
    precision: str
    style: ImageStatistics
    temperature: float | None = None
    kept_step: int | None = None
    reviewed: int = 0
    best_in: int | None = None
    rounds: int = 1
    accumulate: int = 1

    @property
    def best_version(self) -> int:
        """The version that later ones are compared with."""
        return self.best_in or self.learned_in


class BundleRecord(_Record):
    """The record of a model version.

    Attributes:
        version: its number.
        parent: number of the version that it was updated from; None for the first one.
        created: UTC, ISO 8601.
        software: versions of tsmu and of the libraries that it was trained with.
        encoder: name of the encoder.
        weights: name or file of what the encoder started from, `none` for random weights.
        weights_source: where these weights came from, for people; None for random ones.
        weights_digest: SHA-256 over their tensors; None for random ones, and for named weights in
            bundles written before this was stored.
        bands: names of the input bands, in order.
        mean, std: of each band, raw units; fixed by the first region's training chips.
        dtypes: types of the values in the training images' files, such as uint8; None in bundles written
            before this was stored.
        run: name of the folder in the workspace's `runs` in which it was trained, so that an update
            which is killed right after writing it is not done twice; None in bundles written before this
            was stored.
        decoders: decoder names, in the order in which they were added.
        regions: by name, in the order in which they were first learned.
    """

    version: int
    parent: int | None
    created: str
    software: dict[str, str]
    encoder: str
    weights: str
    bands: list[str]
    mean: list[float]
    std: list[float]
    decoders: list[str]
    regions: dict[str, RegionRecord]
    dtypes: list[str] | None = None
    weights_source: str | None = None
    weights_digest: str | None = None
    run: str | None = None

    @property
    def newest_region(self) -> str:
        """The region that this version was made for."""
        return max(self.regions, key=lambda name: self.regions[name].learned_in)

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """Smallest and largest training pixel size over all regions, metres."""
        known = [region.pixel_size for region in self.regions.values() if region.pixel_size]
        return (min(low for low, _ in known), max(high for _, high in known)) if known else None
