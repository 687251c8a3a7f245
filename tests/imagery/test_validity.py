"""Every reader gives the pixels that GDAL gives, and calls those valid that GDAL's masks call valid."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import rasterio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window

from tests.conftest import write_raster
from tsmu.chips import ChipDataset, chips_from_folder
from tsmu.errors import ChipError, ImageError
from tsmu.imagery import Grid, describe_raster, read_raster
from tsmu.imagery.rasters.resampling import resample_to_file
from tsmu.issues import IssueLog
from tsmu.mapping import Scene

SIDE = 18
NORTH_UP = Affine(10, 0, 500_000, 0, -10, 2_600_000)
PLACES = {
    "north up": NORTH_UP,
    "south up": Affine(10, 0, 500_000, 0, 10, 2_600_000),
    "rotated": NORTH_UP @ Affine.rotation(30),
}
CRS = "EPSG:32651"


@dataclass(frozen=True)
class Made:
    """A raster that a test makes: its values, and how it declares which of them are valid."""

    dtype: str
    bands: int
    declares: str  # "nothing", "no-data", "band by band", "mask", "mask and no-data", "alpha" or "palette"
    place: str
    seed: int

    def write(self, path: Path, transform: Affine | None = None) -> Path:
        draw = np.random.default_rng(self.seed)
        pixels = draw.integers(0, 4, (self.bands, SIDE, SIDE)).astype(self.dtype)
        hidden = draw.random((SIDE, SIDE)) < 0.3
        place = {"crs": CRS, "transform": transform or PLACES[self.place], "photometric": "minisblack"}
        if self.declares == "alpha":
            alpha = np.where(hidden, 0, 255).astype(self.dtype)
            write_raster(path, np.concatenate([pixels, alpha[None]]), **place, alpha="unspecified")
            with rasterio.open(path, "r+") as dataset:
                dataset.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * (self.bands - 1), ColorInterp.alpha]
        elif self.declares == "palette":
            del place["photometric"]
            write_raster(path, pixels, **place, photometric="palette", nodata=None)
            with rasterio.open(path, "r+") as dataset:
                dataset.write_colormap(1, {i: (200 - 60 * i, 5 * i, i * i, 255) for i in range(4)})
        elif self.declares == "band by band":
            return self._declared_by_band(write_raster(path, pixels, **place), draw)
        else:
            nodata = draw.integers(0, 4) if "no-data" in self.declares else None
            write_raster(path, pixels, **place, nodata=nodata)
            if "mask" in self.declares:
                with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
                    dataset.write_mask(~hidden)
        return path

    def _declared_by_band(self, file: Path, draw: np.random.Generator) -> Path:
        """A VRT in which some bands declare a no-data value, each its own."""
        kind = {"uint8": "Byte", "uint16": "UInt16", "int16": "Int16", "float32": "Float32"}[self.dtype]
        with rasterio.open(file) as dataset:
            geo = ", ".join(map(str, dataset.transform.to_gdal()))
        bands = ""
        for number in range(1, self.bands + 1):
            value = f"<NoDataValue>{draw.integers(0, 4)}</NoDataValue>" if draw.random() < 0.6 else ""
            source = f"<SourceFilename>{file}</SourceFilename><SourceBand>{number}</SourceBand>"
            head = f'<VRTRasterBand dataType="{kind}" band="{number}">'
            bands += f"{head}{value}<SimpleSource>{source}</SimpleSource></VRTRasterBand>"
        vrt = file.with_suffix(".vrt")
        head = (
            f'<VRTDataset rasterXSize="{SIDE}" rasterYSize="{SIDE}"><SRS>{CRS}</SRS><GeoTransform>{geo}</GeoTransform>'
        )
        vrt.write_text(f"{head}{bands}</VRTDataset>")
        return vrt

    def by_gdal(self, file: Path) -> tuple[np.ndarray, np.ndarray]:
        """Values and validity as GDAL's own masked reading gives them."""
        with rasterio.open(file) as dataset:
            values, masks, whole = dataset.read(), dataset.read_masks() > 0, dataset.dataset_mask() > 0
            if self.declares == "palette":
                table = np.array([dataset.colormap(1)[i][:3] for i in range(4)], np.uint8)
                return table[values[0]].transpose(2, 0, 1), whole
            if self.declares == "alpha":  # GDAL itself takes alpha for a mask only as second or fourth band
                return values[:-1], values[-1] > 0
            declared = set(dataset.nodatavals)
            signed = np.dtype(self.dtype).kind in "if"
        by_band = self.declares == "band by band" and len(declared) > 1
        alone = self.declares in ("no-data", "band by band") and signed and declared != {0}
        return values, masks.all(axis=0) if by_band or alone else whole


@st.composite
def made_rasters(draw: st.DrawFn) -> Made:
    dtype = draw(st.sampled_from(["uint8", "uint16", "int16", "float32"]))
    bands = draw(st.integers(1, 7))
    kinds = ["nothing", "no-data", "band by band", "mask", "mask and no-data"]
    kinds += ["alpha"] if dtype == "uint8" else []
    kinds += ["palette"] if dtype in ("uint8", "uint16") and bands == 1 else []
    return Made(
        dtype, bands, draw(st.sampled_from(kinds)), draw(st.sampled_from(sorted(PLACES))), draw(st.integers(0, 99))
    )


@given(made_rasters())
@settings(max_examples=30)
def test_reader_chips_and_map_agree_with_gdal(made: Made) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = made.write(folder / "images" / "0.tif")
        values, valid = made.by_gdal(file)
        for got, known in _readings(folder, file):
            np.testing.assert_array_equal(known, valid)
            np.testing.assert_array_equal(got[:, valid], values[:, valid].astype(got.dtype))


def _readings(folder: Path, file: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The raster as the reader, a chip and a scene give it."""
    yield read_raster(file)
    parts = [read_raster(file, Window(0, row, SIDE, 6)) for row in range(0, SIDE, 6)]
    yield np.concatenate([one for one, _ in parts], axis=1), np.concatenate([known for _, known in parts])
    with Scene(file) as scene:
        yield scene.read(0, 0, SIDE, SIDE)
    stem = file.stem
    write_raster(folder / "masks" / f"{stem}.tif", np.eye(SIDE, dtype=np.uint8))
    for other in (folder / "images").iterdir():
        if other != file:
            other.rename(folder / other.name)
            file.write_text(file.read_text().replace(str(other), str(folder / other.name)))
    try:
        chips = chips_from_folder(folder, "here", IssueLog(folder))
    except ChipError as error:
        assert not read_raster(file)[1].any(), error
        return
    sample = ChipDataset(chips)[0]
    known = sample["mask"].numpy() != 255
    assert (np.isnan(sample["image"].numpy()).all(axis=0) == ~known).all()
    yield sample["image"].numpy(), known


@given(made_rasters())
@settings(max_examples=30)
@example(Made("uint8", 2, "band by band", "north up", 55))
@example(Made("uint8", 3, "band by band", "north up", 1))
def test_resampled_by_whole_pixels_nothing_changes(made: Made) -> None:
    """Moved by whole pixels, bilinear resampling gives each pixel back, and a pixel without data touches no other."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = made.write(folder / "pre.tif")
        values, valid = made.by_gdal(file)
        own = Grid.from_raster(describe_raster(file))
        moved = Grid(SIDE - 5, SIDE - 4, own.crs, own.transform @ Affine.translation(2, 3))
        written, known = read_raster(resample_to_file(file, own, moved, folder / "moved.tif"))
        part = np.s_[3 : SIDE - 1, 2 : SIDE - 3]
        np.testing.assert_array_equal(known, valid[part])
        np.testing.assert_allclose(written[:, known], values[(slice(None), *part)][:, known], atol=0.01)
        post = write_raster(folder / "post.tif", np.ones((1, moved.height, moved.width), np.int32), crs=CRS,
                            transform=moved.transform)  # fmt: skip
        bands = [f"pre:{name}" for name in describe_raster(file).bands]
        with Scene(post, file, bands) as scene:
            seen, known = scene.read(0, 0, moved.height, moved.width)
        np.testing.assert_array_equal(known, valid[part])
        np.testing.assert_allclose(seen[:, known], values[(slice(None), *part)][:, known], atol=0.01)


def test_inside_an_internal_mask_black_is_black(tmp_path: Path) -> None:
    pixels = np.full((3, 64, 64), 90, np.uint8)
    pixels[:, :, :20] = 0
    pixels[:, 30:34, 30:34] = 0
    inside = np.ones((64, 64), bool)
    inside[:, :20] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        file = write_raster(tmp_path / "jpeg.tif", pixels, compress="jpeg", photometric="ycbcr", nodata=0, crs=CRS,
                            transform=NORTH_UP)  # fmt: skip
        with rasterio.open(file, "r+") as dataset:
            dataset.write_mask(inside)
    np.testing.assert_array_equal(read_raster(file)[1], inside)


def test_a_mask_beside_the_image_counts(tmp_path: Path) -> None:
    pixels = np.full((1, 20, 20), 7, np.uint8)
    file = write_raster(tmp_path / "image.tif", pixels, crs=CRS, transform=NORTH_UP)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(file, "r+") as dataset:
        dataset.write_mask(np.eye(20, dtype=bool))
    assert (tmp_path / "image.tif.msk").exists()
    np.testing.assert_array_equal(read_raster(file)[1], np.eye(20, dtype=bool))


def test_what_stands_beside_the_image_in_aux_xml_counts(tmp_path: Path) -> None:
    file = write_raster(tmp_path / "image.png", np.array([[[3, 9], [9, 9]]] * 3, np.uint8))
    band = "".join(f'<PAMRasterBand band="{n}"><NoDataValue>3</NoDataValue></PAMRasterBand>' for n in (1, 2, 3))
    place = f"<SRS>{CRS}</SRS><GeoTransform>500000, 10, 0, 2600000, 0, -10</GeoTransform>"
    (tmp_path / "image.png.aux.xml").write_text(f"<PAMDataset>{place}{band}</PAMDataset>")
    before = sorted(tmp_path.iterdir())
    assert describe_raster(file).georeferenced
    np.testing.assert_array_equal(read_raster(file)[1], [[False, True], [True, True]])
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32"])
def test_values_that_nothing_measures_are_unknown(tmp_path: Path, dtype: str) -> None:
    pixels = np.random.default_rng(1).integers(1, 50, (2, 20, 20)).astype(dtype)
    pixels[0, 2, 3], pixels[1, 5, 6] = -9999, -32768
    if dtype.startswith("f"):
        pixels[0, 9, 9], pixels[1, 10, 10], pixels[1, 11, 11] = -3.4e38, np.nan, np.inf
    file = write_raster(tmp_path / "image.tif", pixels, crs=CRS, transform=NORTH_UP)
    expected = np.ones((20, 20), bool)
    for place in [(2, 3), (5, 6), *([(9, 9), (10, 10), (11, 11)] if dtype.startswith("f") else [])]:
        expected[place] = False
    np.testing.assert_array_equal(read_raster(file)[1], expected)
    own = Grid.from_raster(describe_raster(file))
    half = Grid(19, 19, own.crs, own.transform @ Affine.translation(0.5, 0.5))
    values, valid = read_raster(resample_to_file(file, own, half, tmp_path / "half.tif"))
    assert values[:, valid].min() >= 1  # nothing of a fill value is mixed in
    assert valid.sum() > 19 * 19 - 25


def test_a_palette_is_expanded_before_it_is_averaged(tmp_path: Path) -> None:
    numbers = np.zeros((1, 40, 40), np.uint8)
    numbers[:, :, 1::2] = 200
    file = write_raster(tmp_path / "palette.tif", numbers, photometric="palette", crs=CRS, transform=NORTH_UP)
    with rasterio.open(file, "r+") as dataset:
        dataset.write_colormap(1, {0: (10, 20, 30, 255), 100: (255, 255, 255, 255), 200: (30, 60, 90, 255)})
    own = Grid.from_raster(describe_raster(file))
    coarse = Grid(10, 10, own.crs, own.transform @ Affine.scale(4))
    values, valid = read_raster(resample_to_file(file, own, coarse, tmp_path / "coarse.tif"))
    assert valid.all()
    np.testing.assert_array_equal(values, np.broadcast_to(np.array([20, 40, 60])[:, None, None], (3, 10, 10)))


def test_a_palette_of_more_than_256_colours(tmp_path: Path) -> None:
    numbers = np.arange(400, dtype=np.uint16).reshape(1, 20, 20)
    file = write_raster(tmp_path / "palette.tif", numbers, photometric="palette")
    with rasterio.open(file, "r+") as dataset:
        dataset.write_colormap(1, {i: (i % 256, i // 256, 7, 255) for i in range(400)})
    values, valid = read_raster(file)
    assert valid.all()
    np.testing.assert_array_equal(values[0], numbers[0] % 256)
    np.testing.assert_array_equal(values[1], numbers[0] // 256)


@pytest.mark.parametrize("place", ["north up", "rotated"])
def test_near_infrared_is_no_alpha(tmp_path: Path, place: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 64)).astype(np.uint8)
    pixels[3, :20] = 0
    file = write_raster(tmp_path / "rgbn.tif", pixels, crs=CRS, transform=PLACES[place])
    with rasterio.open(file) as dataset:
        assert dataset.colorinterp[3] == ColorInterp.alpha  # which GDAL writes when nobody tells it otherwise
    info = describe_raster(file)
    assert len(info.bands) == 4
    assert "many values" in info.assumptions[0]
    values, valid = read_raster(file)
    assert valid.all()
    np.testing.assert_array_equal(values, pixels)
    own = Grid.from_raster(info)
    moved, known = read_raster(resample_to_file(file, own, Grid(60, 60, own.crs, own.transform), tmp_path / "part.tif"))
    assert known.all()
    np.testing.assert_array_equal(moved, pixels[:, :60, :60])


def test_soft_edges_are_alpha_and_so_are_two_values(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(1, 256, (4, 64, 64)).astype(np.uint8)
    pixels[3] = 255
    pixels[3, :10] = 0
    undeclared = write_raster(tmp_path / "undeclared.tif", pixels, photometric="rgb", alpha="unspecified")
    assert describe_raster(undeclared).bands == ("red", "green", "blue")
    assert "read as alpha" in describe_raster(undeclared).assumptions[0]
    np.testing.assert_array_equal(read_raster(undeclared)[1], pixels[3] > 0)
    pixels[3, 10:14] = np.random.default_rng(1).integers(1, 255, (4, 64))
    soft = write_raster(tmp_path / "soft.tif", pixels, photometric="rgb", alpha="yes")
    assert describe_raster(soft).assumptions == ()
    np.testing.assert_array_equal(read_raster(soft)[1], pixels[3] > 0)


def test_a_no_data_value_that_only_one_side_declares_holds_for_both(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pre, post = (draw.integers(1, 200, (3, 64, 64)).astype(np.uint8) for _ in range(2))
    pre[:, :40, 10:] = 0  # most of it, and not only at the border
    post[:, 60:] = 0
    write_raster(tmp_path / "pre" / "0.tif", pre, photometric="rgb")
    write_raster(tmp_path / "images" / "0.tif", post, photometric="rgb", nodata=0)
    write_raster(tmp_path / "masks" / "0.png", np.eye(64, dtype=np.uint8))
    log = IssueLog(tmp_path)
    sample = ChipDataset(chips_from_folder(tmp_path, "here", log))[0]
    known = (pre > 0).any(axis=0) & (post > 0).any(axis=0)
    np.testing.assert_array_equal(sample["mask"].numpy() != 255, known)
    assert "declares no no-data value; the other image of its pair declares 0" in str(next(iter(log)))
    place = {"crs": CRS, "transform": NORTH_UP, "photometric": "rgb"}
    one, other = (
        write_raster(tmp_path / "a.tif", pre, **place),
        write_raster(tmp_path / "b.tif", post, nodata=0, **place),
    )
    with Scene(other, one) as scene:
        np.testing.assert_array_equal(scene.read(0, 0, 64, 64)[1], known)
        assert [problem for _, problem, _ in scene.remarks] == [
            "declares no no-data value, the other raster of the scene 0"
        ]


def test_a_fill_value_that_is_unusual_is_refused(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((2, 32, 32)).astype(np.float32)
    pixels[1, :3] = -999
    write_raster(tmp_path / "images" / "0.tif", pixels)
    write_raster(tmp_path / "masks" / "0.png", np.eye(32, dtype=np.uint8))
    log = IssueLog(tmp_path)
    with pytest.raises(ChipError, match="no usable chip"):
        chips_from_folder(tmp_path, "here", log)
    assert "96 pixels of band band_2 are -999, far from all others" in str(next(iter(log)))


def test_bands_of_several_types_are_refused_in_one_line(tmp_path: Path) -> None:
    file = write_raster(tmp_path / "a.tif", np.ones((2, 20, 20), np.uint8))
    source = f"<SimpleSource><SourceFilename>{file}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
    bands = "".join(f'<VRTRasterBand dataType="{kind}">{source}</VRTRasterBand>' for kind in ("Byte", "Float32"))
    vrt = tmp_path / "a.vrt"
    vrt.write_text(f'<VRTDataset rasterXSize="20" rasterYSize="20">{bands}</VRTDataset>')
    with pytest.raises(ImageError, match="bands of the types float32, uint8"):
        describe_raster(vrt)
