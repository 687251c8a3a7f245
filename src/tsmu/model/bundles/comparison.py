"""What differs between two model versions: weights by part, and the regions' settings."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tsmu.model.bundles.bundle import ENCODER_FILE, Bundle, decoder_file

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PartDifference:
    """How a part of the network, or a region's settings, differs between two versions.

    Attributes:
        part: `encoder`, `decoder NAME` or `region NAME`.
        change: `same`, `changed`, or `only in vNNN` where one version alone has the part.
        moved: for weights, the Euclidean norm of their difference divided by that of the first version's weights;
            None for anything else.
        detail: what changed, for people; empty where there is nothing to say.
    """

    part: str
    change: str
    moved: float | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for people."""
        moved = "" if not self.moved else f" by {100 * self.moved:.3g} % of its norm"
        return f"{self.part}: {self.change}{moved}{self.detail and f' ({self.detail})'}"


def compare_bundles(first: Bundle, second: Bundle) -> list[PartDifference]:
    """Compare the encoder, the decoders and the regions' settings of two versions.

    Example:
        >>> for difference in compare_bundles(bundle, bundle):
        ...     print(difference)
        encoder: same
        decoder alps: same
        region alps: same
    """
    decoders = _union(first.record.decoders, second.record.decoders)
    regions = _union(first.record.regions, second.record.regions)
    return [
        _compare_weights("encoder", first, second, ENCODER_FILE),
        *(_compare_weights(f"decoder {name}", first, second, decoder_file(name)) for name in decoders),
        *(_compare_settings(name, first, second) for name in regions),
    ]


def _union(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """The names in either of two lists, in order, each once."""
    return list(dict.fromkeys([*first, *second]))


def _compare_weights(part: str, first: Bundle, second: Bundle, file: str) -> PartDifference:
    import safetensors.torch

    owners = [bundle for bundle in (first, second) if (bundle.path / file).exists()]
    if len(owners) == 1:
        return PartDifference(part, f"only in {owners[0].name}")
    before, after = (safetensors.torch.load_file(bundle.path / file) for bundle in owners)
    if {name: tensor.shape for name, tensor in before.items()} != {name: t.shape for name, t in after.items()}:
        return PartDifference(part, "changed", detail="another kind of network")
    moved = _relative_distance(before, after)
    return PartDifference(part, "changed" if moved else "same", moved)


def _relative_distance(before: "Mapping[str, Tensor]", after: "Mapping[str, Tensor]") -> float:
    """Norm of the difference of all floating-point tensors over the norm of the first ones."""
    import torch

    names = [name for name, tensor in before.items() if tensor.is_floating_point()]
    difference = torch.stack([(after[name] - before[name]).double().square().sum() for name in names]).sum()
    size = torch.stack([before[name].double().square().sum() for name in names]).sum()
    return float((difference / size.clamp(min=1e-30)).sqrt())


def _compare_settings(name: str, first: Bundle, second: Bundle) -> PartDifference:
    """Compare all that two versions' records say of a region, but for its image statistics and scores."""
    part = f"region {name}"
    owners = [bundle for bundle in (first, second) if name in bundle.record.regions]
    if len(owners) == 1:
        return PartDifference(part, f"only in {owners[0].name}")
    before, after = (bundle.record.regions[name].model_dump(exclude={"style", "scores"}) for bundle in owners)
    changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    detail = ", ".join(f"{key} {old} -> {new}" for key, (old, new) in changed.items())
    return PartDifference(part, "changed" if changed else "same", detail=detail)
