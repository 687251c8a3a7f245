"""The result of laying out the files of a set."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

ShowChips = Callable[[int, int], None]  # is called with the number of chips (or files) done, and of all


@dataclass
class LaidOut:
    """Counts of the chips that were written and of the files that were left out.

    Attributes:
        chips: the number of chips written into each folder below the set's own (`.` is this folder itself); for a map
            of regions, the number 1 under the name of its layer's file.
        left_out: how many files were left out, for each reason.
    """

    chips: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, other: "LaidOut") -> None:
        """Add the counts of another part of the set."""
        self.chips += other.chips
        self.left_out += other.left_out
