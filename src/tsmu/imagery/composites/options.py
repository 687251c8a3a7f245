"""Which scenes of an event are composed, and how."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from tsmu.errors import FetchError

Side = Literal["pre", "post"]
SIDES: tuple[Side, Side] = ("pre", "post")
# Days before or after the event. A wider window is looked at only where a pixel was not seen clear in narrower ones.
WINDOW_DAYS = (30, 60, 120, 240)


@dataclass(frozen=True)
class CompositeOptions:
    """Which scenes to compose, and how.

    Attributes:
        stac: address of the catalogue.
        collection: id of the collection in it.
        cloud_mask: which pixels are clear: `ASSET:VALUES` with the values of the mask asset that are not, such as
            `SCL:0,1,3,8-11` or, for bits, `QA_PIXEL:bit1,bit3`; `none` takes every pixel; None goes by the
            collection's own `SCL` or `QA_PIXEL`.
        resolution: metres; None takes that of the scenes.
        pre_days: how many days before the event scenes may lie.
        post_days: how many days after it.
        max_cloud: percent of a scene, as the catalogue says; one that does not say is taken only at 100.
        workers: how many scenes are read at once.

    Raises:
        FetchError: a number lies outside its range.

    Example:
        >>> CompositeOptions("https://example.org", "sentinel-2-l2a", post_days=40).windows("post")
        (30, 40)
    """

    stac: str
    collection: str
    cloud_mask: str | None = None
    resolution: float | None = None
    pre_days: int = 365
    post_days: int = 120
    max_cloud: float = 100.0
    workers: int = 4

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, least in (("pre_days", 1), ("post_days", 1), ("workers", 1)):
            if getattr(self, name) < least:
                raise FetchError(f"--{name.replace('_', '-')} {getattr(self, name)}: give {least} or more")
        if not 0 <= self.max_cloud <= 100:
            raise FetchError(f"--max-cloud {self.max_cloud:g}: give a percentage from 0 to 100")
        if self.resolution is not None and not 0 < self.resolution < 10_000:
            raise FetchError(f"--resolution {self.resolution:g}: give metres above 0")

    def windows(self, side: Side) -> tuple[int, ...]:
        """The windows of one side, narrowest first: how many days each reaches from the event."""
        limit = self.pre_days if side == "pre" else self.post_days
        return (*(days for days in WINDOW_DAYS if days < limit), limit)


@dataclass(frozen=True)
class SidePeriod:
    """The days of one side of an event, in UTC; the event's own day belongs to neither side.

    Attributes:
        side: pre or post.
        event_day: the day of the event.
        windows: how many days each window reaches from the event, narrowest first.
        today: no day later than this counts.

    Example:
        >>> period = SidePeriod("post", date(2024, 4, 3), (30, 60), today=date(2024, 4, 20))
        >>> period.first.isoformat(), period.last.isoformat(), period.window(date(2024, 4, 10))
        ('2024-04-04', '2024-04-20', 0)
    """

    side: Side
    event_day: date
    windows: tuple[int, ...]
    today: date

    @property
    def first(self) -> date:
        """The first day, included."""
        if self.side == "post":
            return self.event_day + timedelta(days=1)
        return self.event_day - timedelta(days=self.windows[-1])

    @property
    def last(self) -> date:
        """The last day, included; before the first where no day of the side is over yet."""
        if self.side == "pre":
            return self.event_day - timedelta(days=1)
        return min(self.event_day + timedelta(days=self.windows[-1]), self.today)

    def window(self, day: date) -> int:
        """The number of the narrowest window in which a day of the side lies."""
        distance = abs((day - self.event_day).days)
        return next(number for number, days in enumerate(self.windows) if distance <= days)
