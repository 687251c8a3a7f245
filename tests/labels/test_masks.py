from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from tsmu.errors import ImageError, LabelError
from tsmu.labels.mask_conventions import detect_convention

SLIDE = np.zeros((32, 32), np.uint8)
SLIDE[8:20, 10:25] = 1
GAP = np.zeros((32, 32), bool)
GAP[28:, :] = True
EMPTY = np.zeros_like(SLIDE)


def png(path: Path, values: np.ndarray, mode: str | None = None) -> Path:
    Image.fromarray(values, mode).save(path)
    return path


def tif(path: Path, values: np.ndarray, nodata: float | None = None) -> Path:
    bands = values[None] if values.ndim == 2 else values
    profile = {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
    with rasterio.open(path, "w", dtype=bands.dtype, nodata=nodata, **profile) as dataset:
        dataset.write(bands)
    return path


def with_gap(slide: int, unknown: int = 255) -> np.ndarray:
    return np.where(GAP, unknown, SLIDE * slide).astype(np.uint8)


def colour(array: np.ndarray, value: tuple[int, int, int]) -> np.ndarray:
    return array[..., None] * np.array(value, np.uint8)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("0/1", SLIDE),
        ("0/255", SLIDE * 255),
        ("labelme grey", SLIDE * 38),
        ("labelme colour", colour(SLIDE, (128, 0, 0))),
        ("white rgb", colour(SLIDE, (255, 255, 255))),
        ("rgb of 0/1", colour(SLIDE, (1, 1, 1))),
        ("rgba", np.dstack([colour(SLIDE, (255, 255, 255)), np.full_like(SLIDE, 255)])),
        ("bool", SLIDE.astype(bool)),
    ],
)
def test_one_convention_in_a_folder_with_an_empty_mask(tmp_path: Path, name: str, values: np.ndarray) -> None:
    files = [png(tmp_path / "a.png", values), png(tmp_path / "b.png", np.zeros(values.shape[:2], np.uint8))]
    convention = detect_convention(files)
    first, second = (convention.read(file) for file in files)
    assert (first == SLIDE).all() and first.dtype == np.uint8, name
    assert not second.any()


def test_empty_masks_only(tmp_path: Path) -> None:
    file = png(tmp_path / "a.png", EMPTY)
    assert not detect_convention([file]).read(file).any()
    assert detect_convention([]).name.startswith("0/1")


@pytest.mark.parametrize("palette", ["labelme", "plain", "reversed"])
def test_palette(tmp_path: Path, palette: str) -> None:
    colours, indexes = {
        "labelme": ([0, 0, 0, 128, 0, 0], SLIDE),
        "plain": ([200, 220, 250, 30, 60, 10], SLIDE),
        "reversed": ([255, 255, 255, 0, 0, 0], 1 - SLIDE),  # an optimiser put white first
    }[palette]
    image = Image.fromarray(indexes, "P")
    image.putpalette(colours)
    image.save(tmp_path / "a.png")
    convention = detect_convention([tmp_path / "a.png"])
    assert (convention.read(tmp_path / "a.png") == SLIDE).all()


def test_labelme_palette_with_void(tmp_path: Path) -> None:
    table = [0, 0, 0, 128, 0, 0, *([7, 8, 9] * 253), 224, 224, 192]
    image = Image.fromarray(with_gap(1), "P")
    image.putpalette(table)
    image.save(tmp_path / "a.png")
    read = detect_convention([tmp_path / "a.png"]).read(tmp_path / "a.png")
    assert (read == with_gap(1)).all()


def test_255_is_decided_by_the_folder(tmp_path: Path) -> None:
    only_255 = [png(tmp_path / f"o{i}.png", with_gap(0)) for i in range(4)]
    both = png(tmp_path / "both.png", with_gap(1))
    plain = png(tmp_path / "plain.png", SLIDE)
    assert (detect_convention(only_255).read(only_255[0]) == GAP).all()
    assert (detect_convention([*only_255, plain]).read(only_255[0]) == GAP).all(), "one stray 0/1 file"
    with pytest.raises(ImageError):
        detect_convention([*only_255, plain]).read(plain)
    assert (detect_convention([*only_255, both]).read(only_255[0]) == GAP * 255).all()
    assert (detect_convention([only_255[0], plain]).read(only_255[0]) == GAP * 255).all()


def test_incompatible_file_does_not_decide(tmp_path: Path) -> None:
    bad = np.zeros_like(SLIDE)
    bad[:4], bad[4:8] = 7, 9
    files = [png(tmp_path / "a.png", SLIDE * 255), png(tmp_path / "bad.png", bad)]
    convention = detect_convention(files)
    assert convention.read(files[0]).sum() == SLIDE.sum()
    with pytest.raises(ImageError, match=r"bad\.png: mask values 0, 7, 9 do not fit") as caught:
        convention.read(files[1])
    assert "\n" not in str(caught.value)
    with pytest.raises(ImageError):
        detect_convention([files[1]]).read(files[1])


@pytest.mark.parametrize("values", [(0, 1, 2), (0, 38, 75), (0, 128), (3,), (0, 2, 255)])
def test_classes_of_unknown_meaning_are_refused(tmp_path: Path, values: tuple[int, ...]) -> None:
    mask = np.resize(np.array(values, np.uint8), (16, 16))
    file = png(tmp_path / "a.png", mask)
    with pytest.raises(ImageError, match="do not fit"):
        detect_convention([file]).read(file)


@pytest.mark.parametrize("quality", [70, 95])
@pytest.mark.parametrize("value", [255, 38, (128, 0, 0)])
def test_jpeg_noise(shared_data: Path, tmp_path: Path, quality: int, value: int | tuple[int, int, int]) -> None:
    truth = []
    for i, file in enumerate(sorted((shared_data / "landslide4sense_rgb/nepal_gorkha/masks").glob("*.png"))[:20]):
        mask = (np.asarray(Image.open(file).convert("L")) > 0).astype(np.uint8)
        truth.append(mask)
        drawn = mask * np.uint8(value) if isinstance(value, int) else colour(mask, value)
        Image.fromarray(drawn).save(tmp_path / f"{i}.jpg", quality=quality, subsampling=0)
    truth.append(np.zeros((64, 64), np.uint8))
    Image.fromarray(truth[-1]).save(tmp_path / "20.jpg", quality=quality)
    files = [tmp_path / f"{i}.jpg" for i in range(21)]
    convention = detect_convention(files)
    read = [convention.read(file) for file in files]
    wrong = sum(int((a != b).sum()) for a, b in zip(read, truth, strict=True))
    assert wrong <= 0.03 * sum(int(mask.sum()) for mask in truth)


def test_noise_saved_as_png(tmp_path: Path) -> None:
    noisy = (SLIDE * 38).astype(np.int16)
    noisy[:5, :5] = np.resize([1, 2, 3], (5, 5))
    noisy[10:13, 12:15] += np.resize([-3, -1, 2], (3, 3)).astype(np.int16)
    file = png(tmp_path / "a.png", noisy.astype(np.uint8))
    assert (detect_convention([file]).read(file) == SLIDE).all()


def test_photograph_is_no_mask(shared_data: Path) -> None:
    for file in sorted((shared_data / "landslide4sense_rgb/nepal_gorkha/images").glob("*.png"))[:3]:
        with pytest.raises(ImageError):
            detect_convention([file]).read(file)


def test_tiff_no_data_and_types(tmp_path: Path) -> None:
    rasterised = tif(tmp_path / "zero.tif", SLIDE, nodata=0)
    assert (detect_convention([rasterised]).read(rasterised) == SLIDE).all()
    declared = tif(tmp_path / "void.tif", with_gap(1), nodata=255)
    assert (detect_convention([declared]).read(declared) == with_gap(1)).all()
    floats = np.where(GAP, np.nan, SLIDE).astype(np.float64)
    floating = tif(tmp_path / "float.tif", floats)
    assert (detect_convention([floating]).read(floating) == with_gap(1)).all()
    wide = tif(tmp_path / "wide.tif", np.where(GAP, -9999, SLIDE.astype(np.int16)), nodata=-9999)
    assert (detect_convention([wide]).read(wide) == with_gap(1)).all()
    nothing = tif(tmp_path / "nothing.tif", np.full((8, 8), -1, np.int16), nodata=-1)
    assert (detect_convention([nothing]).read(nothing) == 255).all()


def test_transparent_is_unknown(tmp_path: Path) -> None:
    alpha = np.where(GAP, 0, 255).astype(np.uint8)
    file = png(tmp_path / "a.png", np.dstack([colour(SLIDE, (255, 255, 255)), alpha]))
    assert (detect_convention([file]).read(file) == with_gap(1)).all()


def test_unreadable(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(png(tmp_path / "a.png", SLIDE).read_bytes()[:60])
    scaled = tif(tmp_path / "scaled.tif", np.stack([SLIDE, SLIDE, EMPTY]).astype(np.float32))
    many = tif(tmp_path / "many.tif", np.stack([SLIDE] * 5))
    convention = detect_convention([broken, tmp_path / "absent.png", tmp_path / "a.png", scaled, many])
    assert (convention.read(tmp_path / "a.png") == SLIDE).all()
    for file in (broken, tmp_path / "absent.png", scaled, many):
        with pytest.raises(ImageError, match=file.name):
            convention.read(file)


def test_real_masks(shared_data: Path) -> None:
    masks = sorted((shared_data / "landslide4sense_rgb/hokkaido_iburi/masks").glob("*.png"))
    convention = detect_convention(masks)
    shares = [float((convention.read(file) == 1).mean()) for file in masks]
    assert convention.name == "0/255"
    assert shares.count(0.0) == 1 and max(shares) < 0.6
    mars = sorted((shared_data / "mars_7band/masks").glob("*.tif"))
    assert all((detect_convention(mars).read(file) <= 1).all() for file in mars)
    sparse = sorted((shared_data / "chattogram_sentinel2/labels").glob("*.tif"))
    with pytest.raises(ImageError, match="0, 1, 2"):
        detect_convention(sparse).read(sparse[0])


def test_a_transparent_layer_that_landslides_are_painted_on_is_background(tmp_path: Path) -> None:
    layer = np.where(SLIDE > 0, 255, 0).astype(np.uint8)
    painted = png(tmp_path / "a.png", np.dstack([colour(SLIDE, (255, 255, 255)), layer]))
    one_value = png(tmp_path / "b.png", np.dstack([np.full((*SLIDE.shape, 3), 255, np.uint8), layer]))
    nothing = png(tmp_path / "c.png", np.zeros((*SLIDE.shape, 4), np.uint8))
    convention = detect_convention([painted, one_value, nothing])
    assert "transparent is background" in convention.name
    for file in (painted, one_value):
        np.testing.assert_array_equal(convention.read(file), SLIDE)
    assert (convention.read(nothing) == 0).all()


def test_transparent_colours_of_a_palette_are_background(tmp_path: Path) -> None:
    image = Image.fromarray(SLIDE.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 255, 255, 255])
    image.save(tmp_path / "a.png", transparency=0)
    convention = detect_convention([tmp_path / "a.png"])
    np.testing.assert_array_equal(convention.read(tmp_path / "a.png"), SLIDE)


@pytest.mark.parametrize("nodata", [255, None])
def test_masks_without_any_background_are_refused(tmp_path: Path, nodata: int | None) -> None:
    values = np.where(SLIDE > 0, 1, 255).astype(np.uint8)
    files = [tif(tmp_path / f"{number}.tif", values, nodata=nodata) for number in range(3)]
    with pytest.raises(LabelError, match=r"0\.tif: as in all 3 masks with landslides, no pixel is background"):
        detect_convention(files)
    whole = tif(tmp_path / "whole.tif", np.ones((8, 8), np.uint8))
    with pytest.raises(LabelError, match=r"whole\.tif: no pixel is background"):
        detect_convention([whole])
    empty = tif(tmp_path / "empty.tif", np.zeros((8, 8), np.uint8))
    assert (detect_convention([*files, empty]).read(files[0]) == values).all()
