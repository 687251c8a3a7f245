"""Engines against the reference: torch in float32."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import write_chips, write_raster
from tests.mapping.conftest import GRID, RGB, ground
from tests.model.test_bundle import make_network, make_record
from tsmu.chips import add_to_index, chips_from_folder
from tsmu.errors import MapError
from tsmu.issues import IssueLog
from tsmu.mapping.inference import int8_model, openvino_model
from tsmu.mapping.inference.engine import synchronous
from tsmu.mapping.inference.engine_choice import INT8_FROM, choose_engine
from tsmu.mapping.inference.mask_agreement import MaskAgreement, mask_agreement
from tsmu.mapping.inference.openvino_engine import cpu_has_bfloat16, openvino_engine
from tsmu.mapping.inference.openvino_model import MODEL_FILE, openvino_model_file
from tsmu.mapping.inference.torch_engine import torch_engine
from tsmu.model import Bundle, current_bundle, write_bundle
from tsmu.workspace_folder import WorkspaceFolder


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> WorkspaceFolder:
    """A workspace with a bundle of one region, untrained, and without chips."""
    space = WorkspaceFolder.create(tmp_path_factory.mktemp("engines"))
    network, record = make_network(), make_record(1)
    record = record.model_copy(update={"mean": [110.0] * 3, "std": [30.0] * 3})
    network.mean.fill_(110)
    network.std.fill_(30)
    write_bundle(space.models, network, record)
    return space


@pytest.fixture(scope="module")
def bundle(space: WorkspaceFolder) -> Bundle:
    bundle = current_bundle(space.models)
    assert bundle is not None
    return bundle


def tiles(count: int, height: int, width: int) -> np.ndarray:
    values = np.stack([ground(height, width, seed) for seed in range(count)]).astype(np.float32)
    values[0, :, 5:20, 7:30] = np.nan
    return values


def test_openvino_answers_as_torch_does_for_any_tile_and_number_of_tiles(
    space: WorkspaceFolder, bundle: Bundle
) -> None:
    ours, reference = openvino_engine(bundle, "alps", space.cache), torch_engine(bundle, "alps")
    for shape in ((5, 64, 64), (1, 96, 32), (2, 128, 64)):
        values = tiles(*shape)
        expected = reference.predict(values)
        assert expected.std() > 0
        np.testing.assert_allclose(ours.predict(values), expected, atol=1e-4 * np.abs(expected).max())
    assert ours.identity != reference.identity


def test_answers_are_the_same_to_the_last_bit_each_time(space: WorkspaceFolder, bundle: Bundle) -> None:
    """Resumed runs rely on it."""
    values = tiles(7, 64, 96)
    first, again = (openvino_engine(bundle, "alps", space.cache) for _ in range(2))
    whole = first.predict(values)
    np.testing.assert_array_equal(again.predict(values[::-1].copy())[::-1], whole)
    np.testing.assert_array_equal(first.predict(values[2:4]), whole[2:4])


LETTING_GO = """
import os, signal, sys
from pathlib import Path
from tsmu.mapping.inference.openvino_engine import cpu_has_bfloat16, openvino_engine
from tsmu.model import current_bundle
from tsmu.workspace_folder import WorkspaceFolder

space = WorkspaceFolder.open(Path(sys.argv[1]))
engines = [openvino_engine(current_bundle(space.models), "alps", space.cache) for _ in range(2)]
cpu_has_bfloat16()
while engines:
    del engines[0]
signal.signal(signal.SIGCHLD, lambda *_: print("told"))
os.kill(os.getpid(), signal.SIGCHLD)
"""


def test_once_engines_were_let_go_signals_still_come_through(space: WorkspaceFolder) -> None:
    """A training after a mapping hears of its loaders by them; OpenVINO left the process no stack for it."""
    run = subprocess.run([sys.executable, "-c", LETTING_GO, space.root], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "told\n"), run.stderr


def test_the_network_is_made_once_and_lies_in_the_bundles_cache(
    space: WorkspaceFolder, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = openvino_model_file(bundle, "alps", space.cache)
    assert file.is_relative_to(space.cache / bundle.digest)
    assert not list(file.parent.parent.glob(".*"))
    monkeypatch.setattr(openvino_model, "run_in_subprocess", None)
    assert openvino_model_file(bundle, "alps", space.cache) == file


def test_a_damaged_network_is_one_line(space: WorkspaceFolder, bundle: Bundle, tmp_path: Path) -> None:
    file = openvino_model_file(bundle, "alps", space.cache)
    copy = tmp_path / file.relative_to(space.cache)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(MapError, match=rf"{MODEL_FILE}: damaged; remove"):
        openvino_engine(bundle, "alps", tmp_path)


def test_without_chips_there_is_nothing_to_trust_bfloat16_by(space: WorkspaceFolder, bundle: Bundle) -> None:
    engine = choose_engine("auto", bundle, "alps", space)
    if not torch.cuda.is_available():
        assert (engine.name, engine.device, engine.precision) == ("openvino", "cpu", "float32")
    assert "bfloat16" in engine.reason


def test_bfloat16_is_checked_on_chips_once_and_taken_only_if_it_agrees(bundle: Bundle, tmp_path: Path) -> None:
    chips = chips_from_folder(write_chips(tmp_path / "chips", 6, 40), "alps", IssueLog("test"))
    exact = torch_engine(bundle, "alps")
    values = np.concatenate([exact.predict(tiles(1, 64, 64)).ravel()])
    middle = float(np.median(values))  # so that masks are neither empty nor full
    centred = replace(exact, submit=synchronous(lambda tiles: exact.predict(tiles) - middle))
    same = mask_agreement(centred, lambda: centred, chips, 50, tmp_path / "same.json")
    assert (same.iou, same.chips, same.sufficient) == (1.0, 6, True)
    worse = replace(exact, submit=synchronous(lambda tiles: exact.predict(tiles) - middle - 0.5 * np.abs(middle) - 0.1))
    other = mask_agreement(worse, lambda: centred, chips, 50, tmp_path / "other.json")
    assert other.iou is not None
    assert not other.sufficient
    assert json.loads((tmp_path / "other.json").read_text())["iou"] == other.iou

    def unwanted() -> None:
        raise AssertionError

    assert mask_agreement(worse, unwanted, chips, 50, tmp_path / "other.json") == other
    assert not MaskAgreement(None, 6, 50).sufficient


def test_bfloat16_of_openvino_is_taken_where_masks_agree(
    space: WorkspaceFolder, bundle: Bundle, tmp_path: Path
) -> None:
    if not cpu_has_bfloat16() or torch.cuda.is_available():
        pytest.skip("left out: no CPU with bfloat16")
    add_to_index(space, chips_from_folder(write_chips(tmp_path / "chips", 6, 40), "alps", IssueLog("test")))
    try:
        engine = choose_engine("openvino", bundle, "alps", space)
        (stored,) = (space.cache / bundle.digest / "bfloat16").iterdir()
        found = MaskAgreement(**json.loads(stored.read_text()))
        assert engine.precision == ("bfloat16" if found.sufficient else "float32")
        assert str(found) in engine.reason
    finally:
        space.chips.unlink()


def test_int8_is_made_once_and_answers_the_same_each_time_and_nearly_as_float32(
    space: WorkspaceFolder, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = tiles(5, 64, 96)
    with pytest.raises(MapError, match="there are no chips"):
        openvino_engine(bundle, "alps", space.cache, precision="int8")
    first = openvino_engine(bundle, "alps", space.cache, precision="int8", images=values)
    monkeypatch.setattr(int8_model, "run_in_subprocess", None)
    again = openvino_engine(bundle, "alps", space.cache, precision="int8")
    whole = first.predict(values)
    np.testing.assert_array_equal(again.predict(values[::-1].copy())[::-1], whole)
    assert first.identity == again.identity
    exact = openvino_engine(bundle, "alps", space.cache)
    assert exact.identity[:1] != first.identity[:1]
    expected = exact.predict(values)
    assert (
        0 < np.abs(whole - expected).mean() < 0.2 * expected.std()
    )  # random weights; those of a trained one differ less


def test_int8_is_for_large_scenes_and_taken_where_masks_agree(
    space: WorkspaceFolder, bundle: Bundle, tmp_path: Path
) -> None:
    if torch.cuda.is_available():
        pytest.skip("left out: a GPU, where int8 is none of the precisions")
    with pytest.raises(MapError, match=r"precision int8: cannot be used \(no chips of alps here"):
        choose_engine("openvino", bundle, "alps", space, "int8")
    with pytest.raises(MapError, match=r"precision bfloat16: not available here .* is the reference"):
        choose_engine("torch", bundle, "alps", space, "bfloat16")
    add_to_index(space, chips_from_folder(write_chips(tmp_path / "chips", 6, 40), "alps", IssueLog("test")))
    try:
        assert "int8" not in choose_engine("auto", bundle, "alps", space, pixels=INT8_FROM - 1).reason
        engine = choose_engine("auto", bundle, "alps", space, pixels=INT8_FROM)
        (stored,) = (space.cache / bundle.digest / "int8").iterdir()
        found = MaskAgreement(**json.loads(stored.read_text()))
        assert f"int8: {found}" in engine.reason
        assert (engine.precision == "int8") == found.sufficient
        if found.sufficient:
            assert choose_engine("auto", bundle, "alps", space, "int8").precision == "int8"
        else:
            with pytest.raises(MapError, match=r"precision int8: cannot be used \(int8: "):
                choose_engine("auto", bundle, "alps", space, "int8")
        assert choose_engine("auto", bundle, "alps", space, "float32", INT8_FROM).precision == "float32"
    finally:
        space.chips.unlink()


def test_mapping_with_a_compiled_network_loads_no_torch_and_tells_nobody(
    space: WorkspaceFolder, bundle: Bundle, tmp_path: Path
) -> None:
    openvino_model_file(bundle, "alps", space.cache)
    scene = write_raster(tmp_path / "scene.tif", ground(200, 150), **GRID, **RGB)
    code = "import sys, runpy; sys.argv[0] = 'tsmu'\ntry: runpy.run_module('tsmu', run_name='__main__')\n"
    code += "except SystemExit as end: assert not end.code, end.code\n"
    code += "assert 'torch' not in sys.modules\nassert sys.modules.get('openvino_telemetry') is None"
    words = ["map", scene, "--region", "alps", "--engine", "openvino", "--json", "--workspace", space.root]
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["engine"], answer["device"], answer["precision"]) == ("openvino", "cpu", "float32")
