"""Which bands of a pre-event and a post-event image change is computed from."""

from collections.abc import Sequence
from dataclasses import dataclass

from tsmu.errors import MapError
from tsmu.imagery import NEAR_INFRARED, RGB, SLOPE_BAND, TERRAIN_ROLE, RasterInfo, band_colour

RADAR = ("vv", "vh")
SLOPE = f"{TERRAIN_ROLE}:{SLOPE_BAND}"


@dataclass(frozen=True)
class PairBands:
    """The bands of a pair that are compared.

    Attributes:
        channels: what is compared, in order: red, green, blue and perhaps nir; or vv and perhaps vh.
        names: the scene's bands, as `Scene` takes them: those before in the order of the channels, those after, and
            perhaps the slope.
        guesses: what was concluded about bands without names: file, problem and action of each.
    """

    channels: tuple[str, ...]
    names: tuple[str, ...]
    guesses: tuple[tuple[str, str, str], ...] = ()

    @property
    def is_radar(self) -> bool:
        """Whether the images are backscatter."""
        return self.channels[0] in RADAR

    @property
    def has_slope(self) -> bool:
        """Whether the last band of the scene is the slope."""
        return self.names[-1] == SLOPE

    def index(self, channel: str) -> int:
        """Give the position of a channel within each of the two images."""
        return self.channels.index(channel)


def find_pair_bands(pre: RasterInfo, post: RasterInfo, *, with_slope: bool = False) -> PairBands:
    """Find the bands that are compared, by their names.

    Images with red, green and blue are optical; near infrared is used where both have it. Three bands without names
    are taken for red, green and blue, and that is noted. Images with vv are radar.

    Args:
        pre: header of the pre-event image.
        post: header of the post-event image.
        with_slope: whether the scene has the slope as a band, too.

    Raises:
        MapError: the images have no such bands, or are of two kinds.

    Example:
        >>> from tsmu.imagery import describe_raster
        >>> info = describe_raster(Path("post.tif"))
        >>> find_pair_bands(info, info).names[:3]
        ('pre:red', 'pre:green', 'pre:blue')
    """
    found = [_named_channels(info) for info in (pre, post)]
    channels = _common_channels(pre, post, found)
    names = [
        f"{role}:{one[0][channel]}" for role, one in zip(("pre", "post"), found, strict=True) for channel in channels
    ]
    guesses = tuple(guess for _, guess in found if guess)
    return PairBands(channels, (*names, *([SLOPE] if with_slope else [])), guesses)


def _named_channels(info: RasterInfo) -> tuple[dict[str, str], tuple[str, str, str] | None]:
    """Give the name of each channel's band in an image, and what was guessed."""
    radar = {name: name for name in info.bands if name in RADAR}
    if "vv" in radar:
        return radar, None
    if len(info.bands) == len(RGB) and all(name.startswith("band_") for name in info.bands):
        guess = (str(info.path), "its three bands have no names", "taken for red, green and blue in this order")
        return dict(zip(RGB, info.bands, strict=True)), guess
    channels: dict[str, str] = {}
    for name in info.bands:
        colour = band_colour(name)
        if colour and colour not in channels:  # the first of several, as with two near-infrared bands
            channels[colour] = name
    return channels, None


def _common_channels(
    pre: RasterInfo, post: RasterInfo, found: Sequence[tuple[dict[str, str], object]]
) -> tuple[str, ...]:
    """The channels that both images have.

    Raises:
        MapError: change cannot be computed from them.
    """
    common = [channel for channel in (*RGB, NEAR_INFRARED, *RADAR) if all(channel in names for names, _ in found)]
    if "vv" in common or {*RGB} <= {*common}:
        return tuple(common)
    for info, (names, _) in zip((pre, post), found, strict=True):
        if "vv" not in names and not {*RGB} <= {*names}:
            raise MapError(
                f"{info.path}: change is computed from red, green and blue (or from radar's vv), and its bands are "
                f"{', '.join(info.bands)}; name them: rio edit-info --bidx N --description red FILE"
            )
    raise MapError(f"{pre.path} and {post.path}: one is radar, the other is not; give two images of one kind")
