"""What differs between two versions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from tsmu.model.bundles.bundle import ENCODER_FILE, Bundle, decoder_file


@dataclass(frozen=True)
class PartDifference:
    """A part of the network, or a region's settings, in two versions.

    Attributes:
        part: `encoder`, `decoder NAME` or `region NAME`.
        change: `same`, `changed`, or in which of the two it is.
        moved: of weights, the distance over the first version's norm; None for anything else.
        detail: what changed, for people; empty where there is nothing to say.
    """

    part: str
    change: str
    moved: float | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def __str__(self) -> str:
        """One line."""
        moved = "" if not self.moved else f" by {100 * self.moved:.3g} % of its norm"
        return f"{self.part}: {self.change}{moved}{self.detail and f' ({self.detail})'}"


def compare_bundles(first: Bundle, second: Bundle) -> list[PartDifference]:
    """Compare encoder, decoders and the regions' settings."""
    parts = [_weights("encoder", first, second, ENCODER_FILE)]
    parts += [
        _weights(f"decoder {name}", first, second, decoder_file(name)) for name in _either(_decoders, first, second)
    ]
    return parts + [_region(name, first, second) for name in _either(_regions, first, second)]


def _decoders(bundle: Bundle) -> list[str]:
    return bundle.record.decoders


def _regions(bundle: Bundle) -> list[str]:
    return list(bundle.record.regions)


def _either(names: Any, first: Bundle, second: Bundle) -> list[str]:
    return list(dict.fromkeys([*names(first), *names(second)]))


def _weights(part: str, first: Bundle, second: Bundle, file: str) -> PartDifference:
    there = [bundle for bundle in (first, second) if (bundle.path / file).exists()]
    if len(there) == 1:
        return PartDifference(part, f"only in {there[0].name}")
    before, after = (safetensors.torch.load_file(bundle.path / file) for bundle in there)
    if {name: tensor.shape for name, tensor in before.items()} != {name: t.shape for name, t in after.items()}:
        return PartDifference(part, "changed", detail="another kind of network")
    moved = _distance(before, after)
    return PartDifference(part, "changed" if moved else "same", moved)


def _distance(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """Norm of the difference of all floating-point tensors over the norm of the first ones."""
    names = [name for name, tensor in before.items() if tensor.is_floating_point()]
    off = torch.stack([(after[name] - before[name]).double().square().sum() for name in names]).sum()
    size = torch.stack([before[name].double().square().sum() for name in names]).sum()
    return float((off / size.clamp(min=1e-30)).sqrt())


def _region(name: str, first: Bundle, second: Bundle) -> PartDifference:
    part = f"region {name}"
    there = [bundle for bundle in (first, second) if name in bundle.record.regions]
    if len(there) == 1:
        return PartDifference(part, f"only in {there[0].name}")
    before, after = (bundle.record.regions[name].model_dump(exclude={"style", "scores"}) for bundle in there)
    changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    detail = ", ".join(f"{key} {old} -> {new}" for key, (old, new) in changed.items())
    return PartDifference(part, "changed" if changed else "same", detail=detail)
