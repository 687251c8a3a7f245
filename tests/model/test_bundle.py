"""Bundles: written whole, read back exactly, refused when a byte is wrong."""

import json
import subprocess
import time
from pathlib import Path

import pytest
import torch
from stac_model.schema import MLModelProperties
from torch import nn

from tests.networks import ENCODER, WEIGHTS, random_network
from tests.processes import kill, start_script, wait_for
from tsmu.chips import ImageStatistics
from tsmu.errors import BundleError
from tsmu.model import (
    BundleRecord,
    RegionNet,
    RegionRecord,
    bundle_versions,
    current_bundle,
    is_learned,
    next_version_number,
    open_bundle,
    write_bundle,
)

SCORES = {"iou": 0.5, "dice": 0.6, "precision": 0.7, "recall": None, "average_precision": 0.8, "pixels": 9}


def make_record(version: int, encoder: str = ENCODER) -> BundleRecord:
    region = RegionRecord(
        decoder="alps",
        threshold=40,
        learned_in=version,
        strategy="tsmu",
        steps=2,
        batch_size=2,
        seed=0,
        chips={"train": 6, "val": 2, "test": 2},
        landslide_share=0.1,
        pixel_size=(10.0, 10.0),
        scores={"val": SCORES, "test": SCORES},
        seconds=1.0,
        device="cpu",
        precision="float32",
        style=ImageStatistics([0.0] * 21, [[0.0] * 21] * 21, 6, 64),
    )
    return BundleRecord(
        version=version,
        parent=version - 1 or None,
        created="2026-01-01T00:00:00Z",
        software={"tsmu": "0", "torch": "0"},
        encoder=encoder,
        weights=WEIGHTS,
        bands=["post:red", "post:green", "post:blue"],
        mean=[1.0, 2.0, 3.0],
        std=[1.0, 1.0, 1.0],
        decoders=["alps"],
        regions={"alps": region},
    )


def make_network(encoder: str = ENCODER) -> RegionNet:
    network = random_network([1.0, 2.0, 3.0], [1.0] * 3, encoder)
    network.add_decoder("alps", with_adapters=True)
    for adapter in network.decoder("alps").adapters:
        nn.init.normal_(adapter, std=0.02)
    return network.eval()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey") / "models"
    write_bundle(folder, make_network(), make_record(1))
    return folder


def test_a_version_without_curves_is_read(models: Path) -> None:
    bundle = open_bundle(models / "v001")
    assert not (bundle.path / "training.csv").exists()
    assert bundle.curves().empty
    assert list(bundle.curves()) == ["stage"]
    assert "How the training went" not in (bundle.path / "card.md").read_text()


def test_what_is_written_is_read_back(models: Path) -> None:
    image = torch.rand(1, 3, 32, 32)
    bundle = open_bundle(models / "v001")
    assert bundle.record == make_record(1)
    with torch.inference_mode():
        expected = make_network()(image, ["alps"])["alps"]
        assert torch.equal(bundle.network()(image, ["alps"])["alps"], expected)


def test_no_file_of_a_bundle_is_a_pickle(models: Path) -> None:
    assert {path.suffix for path in (models / "v001").rglob("*") if path.is_file()} == {".safetensors", ".json", ".md"}


@pytest.mark.parametrize("name", ["encoder.safetensors", "regions/alps.safetensors", "bundle.json", "card.md"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_flipped_byte_is_refused(models: Path, tmp_path: Path, name: str, place: float) -> None:
    copy = tmp_path / "v001"
    subprocess.run(["cp", "-r", models / "v001", copy], check=True)
    content = bytearray((copy / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match="restore it from a backup") as caught:
        open_bundle(copy)
    assert "\n" not in str(caught.value)


def test_a_missing_part_is_refused(models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "v001"
    subprocess.run(["cp", "-r", models / "v001", copy], check=True)
    (copy / "regions" / "alps.safetensors").unlink()
    with pytest.raises(BundleError, match="missing"):
        open_bundle(copy)


def test_other_bands_and_unknown_regions_are_refused(models: Path) -> None:
    bundle = open_bundle(models / "v001")
    with pytest.raises(BundleError, match="band_1"):
        bundle.require_bands(["band_1"])
    with pytest.raises(BundleError, match="tsmu update andes"):
        bundle.require_region("andes")


def test_the_description_is_a_stac_item_with_the_model_extension(models: Path) -> None:
    item = json.loads((models / "v001" / "bundle.json").read_text())
    assert {"type", "stac_version", "id", "geometry", "properties", "links", "assets"} <= item.keys()
    assert item["properties"]["datetime"] == "2026-01-01T00:00:00Z"
    fields = {k.removeprefix("mlm:"): v for k, v in item["properties"].items() if k.startswith("mlm:")}
    described = MLModelProperties.model_validate({f"mlm:{name}": value for name, value in fields.items()})
    assert described.architecture == "U-Net"
    assert all((models / "v001" / asset["href"]).is_file() for asset in item["assets"].values())


def test_versions_count_on_and_leftovers_of_a_killed_writer_go(models: Path) -> None:
    leftover = models / ".v002.123-abc"
    leftover.mkdir()
    assert [path.name for path in bundle_versions(models)] == ["v001"]
    assert next_version_number(models) == 2
    write_bundle(models, make_network(), make_record(2))
    newest = current_bundle(models)
    assert newest is not None
    assert newest.name == "v002"
    assert not leftover.exists()
    subprocess.run(["rm", "-r", models / "v002"], check=True)


WRITE = """
import sys
from itertools import count
from pathlib import Path
from tests.model.test_bundle import make_network, make_record
from tsmu.model import write_bundle
network = make_network()
for version in count(1):
    write_bundle(Path(sys.argv[1]), network, make_record(version))
"""


def test_killed_while_writing_every_visible_bundle_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    writer = start_script(WRITE, [tmp_path], log=log)
    wait_for(tmp_path / "v003", writer, log)
    time.sleep(0.1)  # into the middle of a later one
    kill(writer)
    assert len(bundle_versions(tmp_path)) >= 3
    for path in bundle_versions(tmp_path):
        open_bundle(path)


def test_what_any_version_has_learned_is_known_without_its_decoder(tmp_path: Path) -> None:
    record = make_record(1)
    one = record.regions["alps"]
    record = record.model_copy(update={"regions": {"alps": one, "tropics": one}})
    bundle = write_bundle(tmp_path, make_network(), record)
    assert is_learned(tmp_path, "alps")
    assert is_learned(tmp_path, "tropics"), "it shares the decoder of another region"
    assert not is_learned(tmp_path, "desert")
    assert not is_learned(tmp_path / "none", "alps")
    (bundle.path / "bundle.json").write_text("{")
    assert is_learned(tmp_path, "desert"), "nobody knows what a version that is not readable has seen"
