"""A public set is fetched from its server into the layout that `tsmu import chips` or `tsmu regions use` reads."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio

import tsmu as face
from tests.conftest import Tsmu
from tests.public_data import made_sets
from tests.public_data.file_server import FileServer, serve_files
from tsmu.errors import DataError
from tsmu.public_data import PublicSet, find_set, read_catalogue
from tsmu.public_data.catalogue import PACKAGED


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({}) as started:
        yield started


def catalogue_of(server: FileServer, folder: Path) -> Path:
    """The package's own catalogue with the addresses of the test's server, as a mirror's would be."""
    text = re.sub(r'(name = "(.*)"\n(?:part = .*\n)?address = )".*"', rf'\1"{server.url}/\2"', PACKAGED.read_text())
    text = re.sub(r"(?m)^(sha256|md5|bytes) = .*\n", "", text)  # those of the real files
    text = re.sub(
        r"\[\[sets.files\]\]\nname = \"s2_part(0[4-9]|[12].).*\n.*\n.*\n", "", text
    )  # three archives are enough
    path = folder / "catalogue.toml"
    path.write_text(text)
    return path


def fetch(tsmu: Tsmu, server: FileServer, tmp_path: Path, *words: object) -> dict[str, Any]:
    done = tsmu("data", "fetch", *words, "--yes", "--catalogue", catalogue_of(server, tmp_path), "--json", cwd=tmp_path)
    assert done.returncode in (0, 3), done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".fetching")]
    return answer


def test_bijie_is_read_by_import_chips(tsmu: Tsmu, server: FileServer, shared_data: Path, tmp_path: Path) -> None:
    server.files = made_sets.bijie(shared_data, 6)
    answer = fetch(tsmu, server, tmp_path, "bijie")
    assert (answer["records"], answer["chips"], answer["left_out"]) == (12, {".": 12}, 0)
    record = json.loads((tmp_path / "bijie" / "fetched.json").read_text())
    assert record["files"]["Bijie_landslide_dataset.zip"]["verified"] is False
    assert record["licence"] == "none stated"
    chips = face.Workspace(tmp_path / "work").add_chips(tmp_path / "bijie", region="bijie")
    assert chips.chips is not None
    assert len(chips.chips) == 12
    assert sorted(chips.chips["landslide_pixels"] > 0) == [False] * 6 + [True] * 6
    original = chips.chips["post"].map(lambda path: Path(path).stem).min()
    with rasterio.open(tmp_path / "bijie" / "masks" / f"{original}.png") as mask:
        assert set(np.unique(mask.read())) <= {0, 1}


def test_landslide4sense_becomes_one_folder_for_each_region(
    tsmu: Tsmu, server: FileServer, shared_data: Path, tmp_path: Path
) -> None:
    server.files = made_sets.landslide4sense(shared_data, 2)
    answer = fetch(tsmu, server, tmp_path, "landslide4sense", "l4s")
    real = {path.name: 2 for path in (shared_data / "landslide4sense_rgb").iterdir() if path.is_dir()}
    assert answer["chips"] == real
    work = face.Workspace(tmp_path / "work")
    chips = work.add_chips(tmp_path / "l4s" / "nepal_gorkha", region="nepal").chips
    assert chips is not None
    assert list(chips["bands"].iloc[0])[1:4] == ["post:blue", "post:green", "post:red"]
    name = Path(chips["post"].iloc[0]).stem
    with (
        rasterio.open(tmp_path / "l4s" / "nepal_gorkha" / "images" / f"{name}.tif") as ours,
        rasterio.open(shared_data / "landslide4sense_rgb" / "nepal_gorkha" / "images" / f"{name}.png") as theirs,
        rasterio.open(shared_data / "landslide4sense_rgb" / "nepal_gorkha" / "masks" / f"{name}.png") as mask,
    ):
        assert np.allclose(ours.read((4, 3, 2)) * 255, theirs.read((1, 2, 3)), atol=1e-3)
        assert chips["landslide_pixels"].iloc[0] == (mask.read(1) > 0).sum()


def test_hr_gldd_is_read_part_by_part(tsmu: Tsmu, server: FileServer, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for split, count in (("train", 3), ("val", 2), ("test", 2)):
        images, masks = random.random((count, 32, 32, 4)), np.zeros((count, 32, 32, 1))
        masks[:, 4:9, 4:9] = 1
        for name, values in ((f"{split}X.npy", images), (f"{split}Y.npy", masks)):
            np.save(tmp_path / name, values)
            server.files[name] = (tmp_path / name).read_bytes()
    answer = fetch(tsmu, server, tmp_path, "hr-gldd")
    assert answer["chips"] == {".": 7}
    chips = face.Workspace(tmp_path / "work").add_chips(tmp_path / "hr-gldd", region="world").chips
    assert chips is not None
    assert list(chips["bands"].iloc[0]) == ["post:visible_1", "post:green", "post:visible_3", "post:nir"]
    assert set(chips["landslide_pixels"]) == {25}


def test_sen12landslides_becomes_georeferenced_pairs_by_inventory(
    tsmu: Tsmu, server: FileServer, shared_data: Path, tmp_path: Path
) -> None:
    with (
        rasterio.open(shared_data / "iburi_pair" / "post.tif") as post,
        rasterio.open(shared_data / "iburi_pair" / "mask.tif") as mask,
    ):
        window = ((600, 664), (300, 396))
        picture, slides = post.read(1, window=window) // 4, mask.read(1, window=window) == 1
    slides[10:20, 10:20] = True
    event = {"pre_post_dates": "{'pre': 1, 'post': 2}", "crs": "EPSG:32632", "annotated": "True"}
    none = {"crs": "EPSG:32632", "annotated": "False"}
    with_event, without = (made_sets.patch(picture, slides, attributes) for attributes in (event, none))
    parts = [("italy", with_event), ("nepal", with_event), ("italy", without)]
    server.files = {
        f"s2_part{part:02d}.tar.gz": made_sets.tarred({f"{inventory}_s2_{part}.nc": content})
        for part, (inventory, content) in enumerate(parts, start=1)
    }
    answer = fetch(tsmu, server, tmp_path, "sen12landslides", "sen12")
    assert (answer["status"], answer["chips"], answer["left_out"]) == ("partial", {"italy": 1, "nepal": 1}, 1)
    for kind, expected in (("images", picture), ("pre", picture // 2)):
        with rasterio.open(tmp_path / "sen12" / "italy" / kind / "italy_s2_1.tif") as pair:
            assert np.array_equal(pair.read(1), expected)
            assert (pair.crs.to_epsg(), pair.bounds[:2], pair.res) == (32632, (755_200, 4_882_010 - 640), (10, 10))
            assert pair.descriptions[:3] == ("blue", "green", "red")
    with rasterio.open(tmp_path / "sen12" / "italy" / "masks" / "italy_s2_1.tif") as mask:
        values = mask.read(1)
    assert (values[:8, :8] == 255).all()  # cloud
    assert np.array_equal(values[8:] == 1, slides[8:])
    report = face.Workspace(tmp_path / "work").add_chips(tmp_path / "sen12" / "italy", region="italy")
    assert report.chips is not None
    assert report.chips.geometry.notna().all()


def test_gvlm_is_laid_out_from_files_that_were_downloaded_by_hand(tsmu: Tsmu, tmp_path: Path) -> None:
    done = tsmu("data", "fetch", "gvlm", "--yes", cwd=tmp_path)
    assert done.returncode == 2
    assert "download GVLM_CD.7z by the links on its page" in done.stderr
    made_sets.write_gvlm(tmp_path / "GVLM_CD")
    done = tsmu("data", "fetch", "gvlm", "--yes", "--files", "GVLM_CD", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--groups" in done.stdout
    work = face.Workspace(tmp_path / "work")
    chips = work.add_chips(tmp_path / "gvlm", region="world", groups=tmp_path / "gvlm" / "groups.csv").chips
    assert chips is not None
    assert len(chips) == 2 * 6
    assert chips["pre"].notna().all()
    assert chips.groupby("group")["split"].nunique().max() == 1
    assert sorted(chips["landslide_pixels"]) == [0] * 10 + [10_000] * 2
    masks = [rasterio.open(path).read(1) for path in sorted((tmp_path / "gvlm" / "masks").glob("*.tif"))]
    assert sum(int((mask != 255).sum()) for mask in masks) == 2 * 600 * 1100  # every pixel once


def test_what_is_too_narrow_for_a_chip_is_told(tsmu: Tsmu, tmp_path: Path) -> None:
    made_sets.write_gvlm(tmp_path / "GVLM_CD", (520, 1030), ("Askja_Iceland",))
    made_sets.write_gvlm(tmp_path / "GVLM_CD", (300, 1024), ("Kaikoura_New Zealand",))
    done = tsmu("data", "fetch", "gvlm", "--yes", "--files", "GVLM_CD", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    share = (520 * 1030 - 512 * 1024) / (520 * 1030 + 300 * 1024)
    assert f"1 left out: margins narrower than 64 px ({share:.2%} of all pixels)" in done.stdout
    assert "1 left out: places narrower than a chip of 512 px" in done.stdout


def test_a_map_of_regions_is_read_by_regions_use(
    tsmu: Tsmu, server: FileServer, shared_data: Path, tmp_path: Path
) -> None:
    layer = geopandas.read_file(shared_data / "ecoregions_us" / "us_epa_l3_l1_simplified.geojson", rows=12)
    layer[["US_L3NAME", "geometry"]].to_crs(5070).to_file(tmp_path / "us_eco_l3.shp")
    server.files["us_eco_l3.zip"] = made_sets.zipped(
        {path.name: path.read_bytes() for path in tmp_path.glob("us_eco_l3.*")}
    )
    done = tsmu("data", "fetch", "epa-ecoregions", "--catalogue", catalogue_of(server, tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command = done.stdout.split("next: tsmu ")[1].split()
    assert command[-1] == "US_L3NAME"
    work = face.Workspace(tmp_path / "work")
    assert work.use_regions(command[2], name_field=command[-1]).records == layer["US_L3NAME"].nunique()


def test_a_checksum_that_is_not_known_is_recorded_and_compared(
    tsmu: Tsmu, server: FileServer, shared_data: Path, tmp_path: Path
) -> None:
    server.files = made_sets.bijie(shared_data, 2)
    catalogue = catalogue_of(server, tmp_path)
    command = ("data", "fetch", "bijie", "--yes", "--catalogue", catalogue)
    done = tsmu(*command, cwd=tmp_path)
    assert "checksum unknown: what is downloaded is recorded by its SHA-256 and compared the next time" in done.stdout
    assert "not confirmed: the address of the archive" in done.stdout
    requests = len(server.log)
    again = tsmu(*command, cwd=tmp_path)
    assert "it is all there already" in again.stdout
    assert len(server.log) == requests
    for kind in ("images", "masks"):
        shutil.rmtree(tmp_path / "bijie" / kind)
    assert "it is the same as before" in tsmu(*command, cwd=tmp_path).stdout
    for kind in ("images", "masks"):
        shutil.rmtree(tmp_path / "bijie" / kind)
    server.files = made_sets.bijie(shared_data, 3)
    refused = tsmu(*command, cwd=tmp_path)
    assert refused.returncode == 2
    assert "that of what was fetched before is" in refused.stderr
    assert [path.name for path in (tmp_path / "bijie").iterdir()] == ["fetched.json"]


def test_terms_and_sizes_are_told_before_anything_is_fetched(tsmu: Tsmu, server: FileServer, tmp_path: Path) -> None:
    for name, says in (
        ("bijie", "no licence is stated"),
        ("sen12landslides", "it is 39.4 GB"),
        ("gvlm", "non-commercial"),
    ):
        done = tsmu("data", "fetch", name, "--catalogue", catalogue_of(server, tmp_path), cwd=tmp_path)
        assert done.returncode == 2
        assert re.search(f"{says}.*if you agree, pass --yes", done.stderr)
    assert server.log == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"readme.txt": b"", "x/y.png": b""}, "has no folders landslide/image/ in it"),
        ({"landslide/image/a.png": b"no image", "non-landslide/image/b.png": b""}, "its files gave no chip"),
    ],
)
def test_other_files_than_the_sets_own_are_refused_and_leave_no_folder(
    tsmu: Tsmu, server: FileServer, tmp_path: Path, content: dict[str, bytes], says: str
) -> None:
    server.files["Bijie_landslide_dataset.zip"] = made_sets.zipped(content)
    done = tsmu("data", "fetch", "bijie", "--yes", "--catalogue", catalogue_of(server, tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "bijie").exists()


def test_an_archive_that_cannot_be_unpacked_is_downloaded_again(
    tsmu: Tsmu, server: FileServer, shared_data: Path, tmp_path: Path
) -> None:
    whole = made_sets.bijie(shared_data, 2)["Bijie_landslide_dataset.zip"]
    server.files["Bijie_landslide_dataset.zip"] = whole[:-2000]
    words = ("data", "fetch", "bijie", "--yes", "--catalogue", catalogue_of(server, tmp_path))
    done = tsmu(*words, cwd=tmp_path)
    assert (done.returncode, "cannot be unpacked" in done.stderr) == (2, True)
    server.files["Bijie_landslide_dataset.zip"] = whole
    assert tsmu(*words, cwd=tmp_path).returncode == 0


def test_a_folder_with_something_else_in_it_is_left_alone(tsmu: Tsmu, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "bijie").mkdir()
    (tmp_path / "bijie" / "thesis.txt").write_text("mine")
    done = tsmu("data", "fetch", "bijie", "--yes", "--catalogue", catalogue_of(server, tmp_path), cwd=tmp_path)
    assert (done.returncode, "holds other files than bijie" in done.stderr) == (2, True)
    assert (tmp_path / "bijie" / "thesis.txt").read_text() == "mine"


def test_a_fetch_that_was_killed_goes_on_where_it_was(server: FileServer, shared_data: Path, tmp_path: Path) -> None:
    """Killed by the system in the middle of a download: the rest comes by a range, and nothing twice."""
    archive = made_sets.bijie(shared_data, 20)["Bijie_landslide_dataset.zip"]
    server.files["Bijie_landslide_dataset.zip"], server.delay = archive, 0.02
    catalogue = catalogue_of(server, tmp_path)
    words = ["data", "fetch", "bijie", "--yes", "--catalogue", str(catalogue)]
    process = subprocess.Popen([sys.executable, "-m", "tsmu", *words], cwd=tmp_path, stderr=subprocess.PIPE)
    part = tmp_path / ".bijie.fetching" / "downloads" / "Bijie_landslide_dataset.zip.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    have = part.stat().st_size
    assert 0 < have < len(archive)
    assert not (tmp_path / "bijie").exists()
    server.delay = 0
    report = face.data.fetch("bijie", tmp_path / "bijie", yes=True, catalogue=catalogue)
    assert server.log[-1][1] == f"bytes={have}-"
    assert report.records == 40
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_parts_that_are_laid_out_are_not_fetched_again(tsmu: Tsmu, server: FileServer, tmp_path: Path) -> None:
    for split in ("train", "val"):
        for side, shape in (("X", (2, 32, 32, 4)), ("Y", (2, 32, 32, 1))):
            np.save(tmp_path / "array.npy", np.ones(shape))
            server.files[f"{split}{side}.npy"] = (tmp_path / "array.npy").read_bytes()
    catalogue = catalogue_of(server, tmp_path)
    words = ("data", "fetch", "hr-gldd", "--yes", "--catalogue", catalogue)
    done = tsmu(*words, cwd=tmp_path)
    assert (done.returncode, "testX.npy: the server answers with status 404" in done.stderr) == (2, True)
    server.files |= {f"test{side}.npy": server.files[f"val{side}.npy"] for side in "XY"}
    server.log.clear()
    done = tsmu(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 of 3 parts are there; going on" in done.stdout
    assert [name for name, _ in server.log] == ["testX.npy", "testY.npy"]


def test_files_downloaded_by_hand_are_verified(
    tsmu: Tsmu, server: FileServer, shared_data: Path, tmp_path: Path
) -> None:
    by_hand = tmp_path / "by_hand"
    by_hand.mkdir()
    catalogue = catalogue_of(server, tmp_path)
    words = ("data", "fetch", "bijie", "--yes", "--files", by_hand, "--catalogue", catalogue)
    missing = tsmu(*words, cwd=tmp_path)
    assert "has no file Bijie_landslide_dataset.zip; download it from" in missing.stderr
    archive = made_sets.bijie(shared_data, 2)["Bijie_landslide_dataset.zip"]
    (by_hand / "Bijie_landslide_dataset.zip").write_bytes(archive)
    wrong = catalogue.read_text().replace(
        'name = "Bijie_landslide_dataset.zip"', f'name = "Bijie_landslide_dataset.zip"\nmd5 = "{"0" * 32}"'
    )
    catalogue.write_text(wrong)
    assert "its md5 is" in tsmu(*words, cwd=tmp_path).stderr
    catalogue_of(server, tmp_path)
    assert tsmu(*words, cwd=tmp_path).returncode == 0
    assert (by_hand / "Bijie_landslide_dataset.zip").read_bytes() == archive
    assert server.log == []


def test_the_catalogue_says_what_is_known_and_what_is_not() -> None:
    sets = read_catalogue()
    assert [one.name for one in sets] == [
        "landslide4sense", "bijie", "gvlm", "hr-gldd", "sen12landslides", "resolve-ecoregions", "epa-ecoregions",
    ]  # fmt: skip
    for public_set in sets:
        text = " ".join(public_set.unconfirmed)
        for file in public_set.files:
            assert file.checksum or "checksum" in text or "size" in text or "MD5" in text, file.name
            assert str(file.address).startswith("https://")
    assert sum(file.bytes for file in find_set("sen12landslides", sets).files) == 39_418_234_709
    table = face.data.list()
    assert table["name"].tolist() == [one.name for one in sets]
    assert table.set_index("name")["checksums"].to_dict()["sen12landslides"]


def test_the_page_of_data_sources_has_every_set() -> None:
    page = (Path(__file__).parents[2] / "docs" / "data_sources.md").read_text()
    for public_set in read_catalogue():
        assert _row_of(public_set) in page, f"docs/data_sources.md: should have the row\n{_row_of(public_set)}"


def _row_of(public_set: PublicSet) -> str:
    size = f"{public_set.bytes / 1e9:.2g} GB" if public_set.bytes else "not known"
    return (
        f"| `{public_set.name}` | [{public_set.title}]({public_set.page}) | {public_set.where} | "
        f"{public_set.images or 'polygons'} | {size} | {public_set.licence} ({public_set.licence_source}) |"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sets = 3", "sets: Input should be a valid list"),
        ("[[sets]]\nname = 'x'", "sets.0.title: Field required"),
        ("no toml", "cannot be read as a catalogue in TOML"),
    ],
)
def test_a_catalogue_that_is_not_valid_is_told(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        face.data.list(catalogue=path)
    with pytest.raises(DataError, match="no public set of that name; there are landslide4sense"):
        face.data.fetch("mars")
