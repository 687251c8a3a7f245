"""What laying out the files of a set gives."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

ShowChips = Callable[[int, int], None]  # chips done, and all


@dataclass
class LaidOut:
    """What was laid out.

    Attributes:
        chips: how many chips were written, by folder below the set's own (`.` for that itself); of a map of regions
            the number of layers.
        left_out: how many files were left out, by the reason.
    """

    chips: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, other: "LaidOut") -> None:
        """Count what another part of the set gave."""
        self.chips += other.chips
        self.left_out += other.left_out
