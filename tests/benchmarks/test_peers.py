"""The peers' benchmark as far as it runs without the peers: chips, weights, scores, results, and what it refuses."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from safetensors.torch import load_file
from segmentation_models_pytorch.encoders import get_encoder

from benchmarks.peers.comparison import (
    REQUIRED_MODULES,
    PeerSettings,
    check_installed,
    run_contestant,
    run_peers,
    score_answers,
    write_encoder_state,
    write_tiles,
)
from tests.benchmarks.conftest import Benchmarks
from tests.benchmarks.test_change_threshold import write_pair
from tests.conftest import write_chips, write_raster
from tsmu.benchmark import read_regions
from tsmu.errors import BenchmarkError
from tsmu.model import RegionNet, find_weights


def settings(data: Path, *regions: str, contestants: tuple[str, ...] = ("tsmu",)) -> PeerSettings:
    return PeerSettings(str(data), regions, contestants, 1, 2, 4, "resnet18", "none", "fixed")


def test_a_region_is_learned_in_a_process_scored_and_not_learned_twice(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    said: list[str] = []
    asked = replace(settings(tmp_path, "bright"), pairs=(str(write_pair(tmp_path / "pair")),))
    first = run_peers(asked, tmp_path / "out", said.append)
    assert said == ["tsmu, bright, seed 0"]
    (cell,) = first["cells"]
    assert cell.keys() >= {"seconds", "cpu_seconds", "settings", "steps", "versions", "device"}
    assert cell["peak_rss_mb"] > 100
    assert cell["scores"]["last"].keys() >= {"iou", "iou_at_half", "threshold", "pixels"}
    assert cell["scores"]["last"]["pixels"] == 2 * 32 * 32
    table = (tmp_path / "out" / "peers.md").read_text(encoding="utf-8")
    assert "| tsmu, separate | last * | 1 |" in table
    assert "| change of red | - | - | - | - | - | 1.000 |" in table
    assert table.startswith("IoU of regions")
    assert str(tmp_path) not in (tmp_path / "out" / "peers.json").read_text(encoding="utf-8")
    again = run_peers(asked, tmp_path / "out", said.append)
    assert again["cells"] == json.loads(json.dumps(first["cells"]))
    assert again["change"] == run_peers(replace(asked, pairs=()), tmp_path / "out", said.append)["change"]
    assert len(said) == 1
    with pytest.raises(BenchmarkError, match="holds a run with steps 2, asked for 3; name another folder"):
        run_peers(replace(asked, steps=3), tmp_path / "out", said.append)


def test_without_contestants_the_change_baseline_alone_is_measured(tmp_path: Path, benchmarks: Benchmarks) -> None:
    write_chips(tmp_path / "bright", 10)
    options = ("--data", tmp_path, "--regions", "bright", "--out", tmp_path / "out", "--encoder", "resnet18")
    pair = ("--weights", "none", "--pair", write_pair(tmp_path / "pair"))
    done = benchmarks("peers", *options, *pair, "--contestants", "", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["cells"] == []
    assert [one["contestant"] for one in found["change"]] == ["change of red", "change of brightness"]


def test_a_contestant_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"benchmark peers, geoai: fails \(FileNotFoundError.*no-such\.json"):
        run_contestant("geoai", tmp_path / "no-such.json", sys.executable)


def test_peers_that_are_not_there_are_named_with_how_to_install_them(tmp_path: Path) -> None:
    bare = tmp_path / "bare" / "bin" / "python"
    bare.parent.mkdir(parents=True)
    bare.symlink_to(Path(sys.executable).resolve())  # beside no site-packages
    (tmp_path / "bare" / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    with pytest.raises(BenchmarkError, match=r"torchgeo and geoai: not installed.*pip install torchgeo geoai-py"):
        check_installed(list(REQUIRED_MODULES), bare)
    check_installed(["tsmu"], bare)  # needs nothing of the peers' interpreter
    with pytest.raises(BenchmarkError, match=r"`peer_python=.*no-such`: is no Python"):
        check_installed(["geoai"], tmp_path / "no-such")
    with pytest.raises(BenchmarkError, match="unknown contestant 'terratorch'; choose of: tsmu, torchgeo, geoai"):
        check_installed(["terratorch"], None)


def test_chips_are_shown_as_tiles_with_unknown_pixels_marked(tmp_path: Path) -> None:
    folder = write_chips(tmp_path / "data" / "bright", 10, 40)
    image = np.full((4, 24, 40), 200, np.uint8)
    image[3, :, :5] = 0  # transparent
    write_raster(folder / "images" / "chip_9.png", image)
    write_raster(folder / "masks" / "chip_9.png", np.full((24, 40), 255, np.uint8))
    chips = read_regions(tmp_path / "data", ["bright"])["bright"]
    names, side, padded = write_tiles(chips, tmp_path / "tiles")
    assert {split: len(some) for split, some in names.items()} == {"train": 6, "val": 2, "test": 2}
    assert (side, padded) == (64, True)
    assert len(list((tmp_path / "tiles" / "images").iterdir())) == 10
    with rasterio.open(tmp_path / "tiles" / "labels" / f"{names['test'][1]}.tif") as label:
        mask = label.read(1)
    assert (mask[:, :5] == 255).all()
    assert (mask[:, 5:] == 1).all()
    with rasterio.open(tmp_path / "tiles" / "images" / f"{names['test'][1]}.tif") as tile:
        assert tile.count == 3
        assert (tile.read()[:, :, :5] == 0).all()
        assert (tile.read()[:, :, 5:] == 200).all()


def test_answers_are_scored_by_name_with_the_threshold_from_validation(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    chips = read_regions(tmp_path, ["bright"])["bright"]
    names, _, _ = write_tiles(chips, tmp_path / "tiles")
    answers = {}
    for name in (*names["val"], *names["test"]):
        with rasterio.open(tmp_path / "tiles" / "labels" / f"{name}.tif") as label:
            answers[name] = np.where(label.read(1) == 1, 0.45, 0.1).astype(np.float32)
    np.savez(tmp_path / "answers.npz", **answers)
    found = score_answers(tmp_path / "answers.npz", names, chips)
    assert (found["iou"], found["iou_at_half"]) == (1, 0)
    assert found["threshold"] == 0.45


def test_chips_of_more_than_8_bits_and_splits_without_chips_are_refused(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    chips = read_regions(tmp_path, ["bright"])["bright"]
    with pytest.raises(BenchmarkError, match="bright: no val chips"):
        write_tiles(chips[chips["split"] != "val"], tmp_path / "tiles")
    write_raster(tmp_path / "deep" / "images" / "a.tif", np.full((3, 32, 32), 300, np.uint16))
    for row in (chips["post"], chips["mask"]):
        assert row.notna().all()
    deep = chips.assign(post=str(tmp_path / "deep" / "images" / "a.tif"))
    with pytest.raises(BenchmarkError, match="bright/chip_0: not of 8 bits"):
        write_tiles(deep, tmp_path / "tiles")


def test_the_peers_start_from_the_very_encoder_that_tsmu_starts_from(tmp_path: Path) -> None:
    bands = ["post:blue", "post:green", "post:red"]
    pretrained = find_weights("timm-tf_efficientnet_lite0", "auto")
    file = write_encoder_state("timm-tf_efficientnet_lite0", pretrained, bands, tmp_path / "encoder.safetensors")
    assert file is not None
    ours = RegionNet("timm-tf_efficientnet_lite0", [0, 0, 0], [1, 1, 1], weights=pretrained, bands=bands)
    theirs = load_file(file)
    for name, tensor in ours.encoder.state_dict().items():
        assert torch.equal(theirs[name], tensor)
    get_encoder("timm-tf_efficientnet_lite0", weights=None).load_state_dict(theirs)  # as TorchGeo does: strictly
    assert write_encoder_state("resnet18", None, bands, tmp_path / "none.safetensors") is None
    assert not (tmp_path / "none.safetensors").exists()
