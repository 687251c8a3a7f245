"""The bundle: one immutable model version in a folder, hashed, without pickle.

    models/v003/
        encoder.safetensors             the shared encoder
        memory.safetensors              what the strategy of the last update stored for the next one
        regions/<decoder>.safetensors   what each region has of its own
        bundle.json                     a STAC item with the MLM extension; our own record under `tsmu:bundle`
        training.csv                    losses of every step, scores of every check on validation chips
        first_batch.png                 what the network saw first, to check images and masks by eye
        worst_chips.png                 the validation chips that it predicts worst
        card.md                         the record for people

A version may lack the three files on the training. The pictures are not hashed, so they may be removed from a version
that is given to somebody who must not see the images.

A bundle is written to a temporary folder and renamed into place. Opening it checks every file against the
hashes in bundle.json, and bundle.json against its own digest.

Mapping opens bundles without building their networks, so torch is imported only where weights are read.
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
from tsmu.files import atomic_write, remove, sha256
from tsmu.model.bundles.card import model_card
from tsmu.model.bundles.curves import CURVES_FILE, read_curves, write_curves
from tsmu.model.bundles.record import BundleRecord

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor, nn

    from tsmu.model.network.region_net import RegionNet

RECORD = "tsmu:bundle"  # key of our own record among the properties of the STAC item
DIGEST = "tsmu:digest"  # key of the digest of all the rest of bundle.json
ENCODER_FILE = "encoder.safetensors"
MEMORY_FILE = "memory.safetensors"
VERSION_NAME = re.compile(r"v\d{3,}")


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose files have been checked against their hashes.

    Attributes:
        path: its folder, such as `models/v003`.
        record: what bundle.json says of it.
        digest: SHA-256 over the contents of bundle.json, which has the hashes of all other files.

    Example:
        >>> bundle.name, bundle.record.decoders
        ('v001', ['alps'])
        >>> bundle.network()(torch.rand(1, 3, 64, 64), ["alps"])["alps"].shape
        torch.Size([1, 64, 64])
    """

    path: Path
    record: BundleRecord
    digest: str

    @property
    def name(self) -> str:
        """The version as users write it, such as `v003`."""
        return self.path.name

    def network(self) -> "RegionNet":
        """Build the network with this bundle's weights, in evaluation mode on the CPU."""
        from tsmu.model.network.pretrained_weights import NO_WEIGHTS
        from tsmu.model.network.region_net import RegionNet

        record = self.record
        network = RegionNet(record.encoder, record.mean, record.std, bands=record.bands)
        network.is_pretrained = record.weights != NO_WEIGHTS
        _load_state(network.encoder, self.path / ENCODER_FILE)
        for name in record.decoders:
            network.add_decoder(name)
            _load_state(network.decoder(name), self.path / decoder_file(name))
        return network.eval()

    def curves(self) -> "pd.DataFrame":
        """The losses of every step of the training, and the IoU of every check on validation chips.

        Returns:
            One row per step, the index; columns `stage`, `loss:NAME` and `iou:REGION`, the latter NaN in steps without
            a check. Empty for versions that were written before this was stored.
        """
        return read_curves(self.path / CURVES_FILE)

    def memory(self, strategy: str) -> "dict[str, Tensor]":
        """Load what a strategy stored of the earlier updates; empty if the last update used another strategy."""
        import safetensors.torch

        if self.record.regions[self.record.newest_region].strategy != strategy:
            return {}
        return safetensors.torch.load_file(self.path / MEMORY_FILE)

    def require_bands(self, bands: Iterable[str]) -> None:
        """Raise BundleError unless `bands` is this bundle's band list."""
        image_bands = list(bands)
        if image_bands != self.record.bands:
            raise BundleError(
                f"{self.path}: takes the bands {', '.join(self.record.bands)}, given are {', '.join(image_bands)}; "
                "all regions of a bundle share one band list, start another workspace for other bands"
            )

    def require_region(self, region: str) -> None:
        """Raise BundleError unless this bundle has learned `region`."""
        if region not in self.record.regions:
            learned = ", ".join(self.record.regions)
            raise BundleError(f"{self.path}: has not learned {region}, only {learned}; run: tsmu update {region}")


def decoder_file(name: str) -> str:
    """The file of a decoder's weights, relative to the bundle's folder."""
    return f"regions/{name}.safetensors"


def bundle_versions(models: Path) -> list[Path]:
    """List the folders of all versions in `models`, oldest first; none where the folder does not exist.

    Example:
        >>> [path.name for path in bundle_versions(models)]
        ['v001']
    """
    paths = models.iterdir() if models.is_dir() else ()
    return sorted((path for path in paths if VERSION_NAME.fullmatch(path.name)), key=lambda path: int(path.name[1:]))


def is_learned(models: Path, region: str) -> bool:
    """Whether any version has learned a region, by the versions' records alone.

    A version whose record cannot be read counts as one that has learned it: nobody knows that it has not.

    Example:
        >>> is_learned(models, "alps"), is_learned(models, "andes")
        (True, False)
    """
    return any(_may_have_learned(version / "bundle.json", region) for version in bundle_versions(models))


def _may_have_learned(file: Path, region: str) -> bool:
    try:
        regions = json.loads(file.read_text(encoding="utf-8"))["properties"][RECORD]["regions"]
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return not isinstance(regions, dict) or region in regions


def next_version_number(models: Path) -> int:
    """The number that the next bundle gets, one above the newest.

    Example:
        >>> next_version_number(models)
        2
    """
    versions = bundle_versions(models)
    return int(versions[-1].name[1:]) + 1 if versions else 1


def open_bundle(path: Path) -> Bundle:
    """Open a bundle and check all its files against their hashes, weights included.

    Args:
        path: its folder, such as `models/v003`.

    Raises:
        BundleError: it is missing or not as it was written.

    Example:
        >>> open_bundle(models / "v001").record.newest_region
        'alps'
    """
    file = path / "bundle.json"
    try:
        item = json.loads(file.read_text(encoding="utf-8"))
        record = BundleRecord.model_validate(item["properties"][RECORD])
        digest = str(item["properties"][DIGEST])
        # The checksums are multihashes, in which 1220 stands before a SHA-256 (`stac_item.SHA256_MULTIHASH`).
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
    models: Path,
    network: "RegionNet",
    record: BundleRecord,
    memory: "Mapping[str, Tensor]" = MappingProxyType({}),
    *,
    curves: "pd.DataFrame | None" = None,
    pictures: Mapping[str, bytes] = MappingProxyType({}),
) -> Bundle:
    """Write a model version into `models` and open it. The caller holds the workspace's lock.

    Args:
        models: the folder of all versions; it is created if need be.
        network: whose weights are stored.
        record: what is stored of it; its `version` names the folder.
        memory: what the strategy stores for the next update.
        curves: of the training, as `training_curves` gives them.
        pictures: PNG files by name, `FIRST_BATCH` and `WORST_CHIPS`.

    Example:
        >>> write_bundle(models, network, record.model_copy(update={"version": 2})).name
        'v002'
    """
    from tsmu.model.bundles.stac_item import bundle_stac_item

    models.mkdir(parents=True, exist_ok=True)
    for leftover in models.glob(".v*"):  # of a process that was killed while it wrote
        remove(leftover)
    target = models / f"v{record.version:03d}"
    with atomic_write(target) as folder:
        (folder / "regions").mkdir(parents=True)
        _save(network.encoder.state_dict(), folder / ENCODER_FILE)
        _save(memory, folder / MEMORY_FILE)
        for name in record.decoders:
            _save(network.decoder(name).state_dict(), folder / decoder_file(name))
        files = [ENCODER_FILE, MEMORY_FILE, *(decoder_file(name) for name in record.decoders)]
        for name, content in pictures.items():
            (folder / name).write_bytes(content)
        if curves is not None and len(curves):
            write_curves(curves, folder / CURVES_FILE)
            files.append(CURVES_FILE)
        (folder / "card.md").write_text(model_card(record, curves, pictures), encoding="utf-8")
        files.append("card.md")
        item = bundle_stac_item(
            record, {file: (sha256(folder / file), (folder / file).stat().st_size) for file in files}
        )
        item["properties"][RECORD] = record.model_dump(mode="json")
        item["properties"][DIGEST] = _digest(item)
        (folder / "bundle.json").write_text(json.dumps(item, indent=2), encoding="utf-8")
    return open_bundle(target)


def _digest(item: Mapping[str, Any]) -> str:
    """SHA-256 over everything in bundle.json but the digest itself."""
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
