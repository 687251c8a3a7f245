"""The bundle: one immutable model version in a folder, hashed, without pickle.

    models/v003/
        encoder.safetensors
        memory.safetensors      what the strategy of the last update keeps for the next
        regions/<decoder>.safetensors
        bundle.json     a STAC item with the MLM extension; our own record under `tsmu:bundle`
        card.md

A bundle is written beside its place and renamed into it. Loading checks every byte against the
hashes in bundle.json, and bundle.json against its own digest.

Mapping opens bundles without building their networks, so torch is imported where weights are read.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tsmu.errors import BundleError
from tsmu.files import remove, sha256, written_whole
from tsmu.model.bundles.card import card_text
from tsmu.model.bundles.record import BundleRecord

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tsmu.model.network.region_net import RegionNet

RECORD = "tsmu:bundle"
DIGEST = "tsmu:digest"
ENCODER_FILE = "encoder.safetensors"
MEMORY_FILE = "memory.safetensors"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk that has been checked."""

    path: Path
    record: BundleRecord
    digest: str

    @property
    def name(self) -> str:
        """The version as users write it, such as `v003`."""
        return self.path.name

    def network(self) -> "RegionNet":
        """Build the network with this bundle's weights, in evaluation mode on the CPU."""
        from tsmu.model.network.region_net import RegionNet

        record = self.record
        network = RegionNet(record.encoder, record.mean, record.std)
        network.started_pretrained = record.weights != "none"
        _load_state(network.encoder, self.path / ENCODER_FILE)
        for name in record.decoders:
            network.add_decoder(name)
            _load_state(network.decoder(name), self.path / decoder_file(name))
        return network.eval()

    def memory(self, strategy: str) -> "dict[str, Tensor]":
        """What `strategy` kept of the updates before; empty if the last one was by another."""
        import safetensors.torch

        if self.record.regions[self.record.newest_region].strategy != strategy:
            return {}
        return safetensors.torch.load_file(self.path / MEMORY_FILE)

    def require_bands(self, bands: Iterable[str]) -> None:
        """Raise BundleError unless `bands` is this bundle's band list."""
        given = list(bands)
        if given != self.record.bands:
            raise BundleError(
                f"{self.path}: takes the bands {', '.join(self.record.bands)}, given are {', '.join(given)}; "
                "all regions of a bundle share one band list, start another workspace for other bands"
            )

    def require_region(self, region: str) -> None:
        """Raise BundleError unless this bundle has learned `region`."""
        if region not in self.record.regions:
            known = ", ".join(self.record.regions)
            raise BundleError(f"{self.path}: has not learned {region}, only {known}; run: tsmu update {region}")


def decoder_file(name: str) -> str:
    """Where in a bundle a decoder's weights lie."""
    return f"regions/{name}.safetensors"


def bundle_versions(models: Path) -> list[Path]:
    """The folders of all versions, oldest first."""
    found = models.iterdir() if models.is_dir() else ()
    return sorted((p for p in found if re.fullmatch(r"v\d{3,}", p.name)), key=lambda p: int(p.name[1:]))


def is_learned(models: Path, region: str) -> bool:
    """Whether any version has learned a region, by its record alone; a record that is not readable may have."""
    return any(_may_know(version / "bundle.json", region) for version in bundle_versions(models))


def _may_know(file: Path, region: str) -> bool:
    try:
        regions = json.loads(file.read_text(encoding="utf-8"))["properties"][RECORD]["regions"]
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return not isinstance(regions, dict) or region in regions


def next_version(models: Path) -> int:
    """The number that the next bundle gets."""
    versions = bundle_versions(models)
    return int(versions[-1].name[1:]) + 1 if versions else 1


def open_bundle(path: Path) -> Bundle:
    """Open a bundle and check it, weights included.

    Raises:
        BundleError: it is missing or not as it was written.
    """
    file = path / "bundle.json"
    try:
        item = json.loads(file.read_text(encoding="utf-8"))
        record = BundleRecord.model_validate(item["properties"][RECORD])
        digest = str(item["properties"][DIGEST])
        hashes = {asset["href"]: asset["file:checksum"].removeprefix("1220") for asset in item["assets"].values()}
    except FileNotFoundError:
        raise BundleError(
            f"{path}: no bundle there (bundle.json is missing); name a folder such as models/v001"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        raise BundleError(f"{file}: damaged, not a bundle's description; restore it from a backup") from None
    if digest != _digest(item):
        raise BundleError(f"{file}: changed since it was written (digest differs); restore it from a backup")
    for href, expected in hashes.items():
        part = path / href
        if not part.is_file():
            raise BundleError(f"{part}: missing from the bundle; restore it from a backup")
        if sha256(part) != expected:
            raise BundleError(f"{part}: changed since it was written (hash differs); restore it from a backup")
    return Bundle(path, record, digest)


def write_bundle(
    models: Path, network: "RegionNet", record: BundleRecord, memory: "Mapping[str, Tensor]" = MappingProxyType({})
) -> Bundle:
    """Write a version into `models` and open it. The caller holds the workspace's lock."""
    from tsmu.model.bundles.stac_item import as_stac_item

    models.mkdir(parents=True, exist_ok=True)
    for leftover in models.glob(".v*"):  # of a process that was killed while it wrote
        remove(leftover)
    target = models / f"v{record.version:03d}"
    with written_whole(target) as folder:
        (folder / "regions").mkdir(parents=True)
        _save(network.encoder.state_dict(), folder / ENCODER_FILE)
        _save(memory, folder / MEMORY_FILE)
        for name in record.decoders:
            _save(network.decoder(name).state_dict(), folder / decoder_file(name))
        (folder / "card.md").write_text(card_text(record), encoding="utf-8")
        files = [ENCODER_FILE, MEMORY_FILE, *(decoder_file(name) for name in record.decoders), "card.md"]
        item = as_stac_item(record, {file: (sha256(folder / file), (folder / file).stat().st_size) for file in files})
        item["properties"][RECORD] = record.model_dump(mode="json")
        item["properties"][DIGEST] = _digest(item)
        (folder / "bundle.json").write_text(json.dumps(item, indent=2), encoding="utf-8")
    return open_bundle(target)


def _digest(item: Mapping[str, Any]) -> str:
    """Hash of everything in bundle.json but the digest itself."""
    properties = {key: value for key, value in item["properties"].items() if key != DIGEST}
    content = json.dumps({**item, "properties": properties}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _save(tensors: "Mapping[str, Tensor]", path: Path) -> None:
    import safetensors.torch

    # Through bytes, so that a full disk is an ordinary OSError with its file name.
    path.write_bytes(safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def _load_state(module: "nn.Module", path: Path) -> None:
    import safetensors.torch

    try:
        module.load_state_dict(safetensors.torch.load_file(path))
    except (safetensors.SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise BundleError(f"{path}: does not fit the network that bundle.json names ({reason})") from error
