"""The ten lines that the package begins with (its docstring), on real data; and that importing it costs nothing."""

import resource
import subprocess
import sys
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio

import tsmu
from tests.conftest import Tsmu
from tests.networks import ENCODER, NETWORK
from tests.real_data import copy_chips, cut_raster

FEW = {"steps": 2, "batch_size": 4}  # whether a network learns is tested elsewhere


def test_a_model_learns_real_regions_and_predicts(shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "landslide4sense_rgb"
    work = tsmu.Workspace(tmp_path / "himalaya")
    report = work.add_chips(copy_chips(data / "nepal_gorkha", tmp_path / "gorkha", 20), region="gorkha")
    assert report.chips is not None
    assert len(report.chips) == report.records == 20
    assert isinstance(report.issues, pd.DataFrame)
    work.add_chips(copy_chips(data / "india_kodagu", tmp_path / "kodagu", 20), region="kodagu")
    model = work.update("gorkha", **FEW, **NETWORK)
    assert model.name == "v001"
    model = work.update("kodagu", **FEW)
    scores, forgetting = model.scores(), model.forgetting()
    assert scores.shape == (2, 2)
    assert scores.to_numpy().min() >= 0
    assert scores.to_numpy().max() <= 1
    assert list(forgetting.columns[:2]) == ["WA", "WF"]
    assert list(forgetting.index) == ["v001", "v002"]
    with rasterio.open(min((tmp_path / "kodagu" / "images").iterdir())) as dataset:
        image = dataset.read((1, 2, 3))  # the fourth is alpha
    probability = model.predict(image, region="kodagu")
    assert probability.shape == image.shape[1:]
    assert probability.dtype == np.float32
    assert 0 <= probability.min() <= probability.max() <= 1


@pytest.fixture
def iburi(shared_data: Path, tmp_path: Path) -> Path:
    """A part of the real pair with its mask, as folders that `tsmu import` takes."""
    for name, target in (("pre", "images/a_pre"), ("post", "images/a_post"), ("mask", "labels/a_post")):
        cut_raster(shared_data / "iburi_pair" / f"{name}.tif", tmp_path / f"{target}.tif")
    return tmp_path


def test_a_real_pair_is_mapped_and_decided_on(iburi: Path, tsmu: Tsmu) -> None:
    import tsmu as face

    work = face.Workspace(iburi / "hokkaido")
    for command in (("pairs", iburi / "images", "--region", "iburi"), ("labels", iburi / "labels")):
        done = tsmu("import", *command, "--workspace", work.folder.root)
        assert done.returncode in (0, 3), done.stderr
    assert work.build_chips(size=64, gap=0).records
    work.update("iburi", **FEW, **NETWORK)
    scene = work.map(
        iburi / "images" / "a_post.tif", pre=iburi / "images" / "a_pre.tif", region="iburi", threshold=1, engine="torch"
    )
    assert scene.probability.exists()
    assert isinstance(scene.polygons, geopandas.GeoDataFrame)
    assert scene.summary["records"] == len(scene.polygons) > 0
    assert "data:image/png;base64," in scene._repr_html_()
    slides = work.database.query(bbox=(141, 42, 143, 43), status="candidate")
    assert len(slides) == len(scene.polygons)
    work.database.review(slides.id[0], status="confirmed", by="eva", why="seen in the field")
    assert work.database.query(status="confirmed").id.tolist() == [slides.id[0]]
    assert callable(slides.explore)


def test_a_network_is_made_without_a_workspace() -> None:
    network = tsmu.RegionNet(ENCODER, [110.0] * 3, [30.0] * 3)
    assert list(network.decoder_names) == []


def test_importing_the_package_costs_nothing() -> None:
    code = "import sys, tsmu; print([name for name in ('numpy', 'pandas', 'torch', 'pydantic') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
    seconds = {}
    for line in ("pass", "import tsmu"):
        times = []  # of the processor: on a busy machine it takes longer, by nothing that tsmu could do
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", line], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        seconds[line] = min(times)
    assert seconds["import tsmu"] - seconds["pass"] < 0.1, seconds


def test_the_face_has_what_it_names() -> None:
    for name in tsmu.__all__:
        assert getattr(tsmu, name) is not None
    assert tsmu.__version__[0].isdigit()
    assert issubclass(tsmu.MapError, tsmu.TsmuError)
    assert set(tsmu.__all__) <= set(dir(tsmu))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tsmu.nothing  # noqa: B018
    assert (Path(tsmu.__file__).parent / "py.typed").exists()
