"""Images that are stored turned are refused by every reader, in one line that says how to turn them."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import write_raster
from tsmu.errors import ImageError, LabelError
from tsmu.imagery import describe_raster, read_raster
from tsmu.imagery.rasters.orientation import file_orientation
from tsmu.labels import ZERO_ONE
from tsmu.labels.labelme_files import read_labelme

FORMATS = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "webp": "WEBP"}


def turned(path: Path, number: int) -> Path:
    exif = Image.Exif()
    exif[274] = number
    image = Image.fromarray(np.arange(32 * 48 * 3, dtype=np.uint8).reshape(32, 48, 3))
    image.save(path, format=FORMATS[path.suffix[1:]], exif=exif)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("number", range(1, 9))
def test_an_orientation_other_than_upright_is_refused(tmp_path: Path, suffix: str, number: int) -> None:
    file = turned(tmp_path / f"photo.{suffix}", number)
    assert file_orientation(file) == number
    if number == 1:
        assert describe_raster(file).width == 48
        return
    for reader in (describe_raster, read_raster, ZERO_ONE.read):
        with pytest.raises(ImageError, match=f"photo.{suffix}: is stored turned .its EXIF orientation is {number}."):
            reader(file)


def test_a_vrt_of_a_turned_image_is_refused(tmp_path: Path) -> None:
    turned(tmp_path / "photo.jpg", 6)
    source = "<SimpleSource><SourceFilename relativeToVRT='1'>photo.jpg</SourceFilename></SimpleSource>"
    band = f"<VRTRasterBand dataType='Byte' band='1'>{source}</VRTRasterBand>"
    (tmp_path / "photo.vrt").write_text(f"<VRTDataset rasterXSize='48' rasterYSize='32'>{band}</VRTDataset>")
    with pytest.raises(ImageError, match=r"photo\.jpg: is stored turned"):
        describe_raster(tmp_path / "photo.vrt")


@pytest.mark.parametrize(
    "kind", [{}, {"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}, {"BIGTIFF": "YES", "ENDIANNESS": "BIG"}]
)
def test_upright_tiffs_of_any_form_are_read(tmp_path: Path, kind: dict[str, str]) -> None:
    file = write_raster(tmp_path / "a.tif", np.ones((5, 20, 20), np.float32), **kind)
    assert file_orientation(file) == 1
    assert describe_raster(file).width == 20


def test_a_turned_picture_within_a_labelme_file_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO(turned(tmp_path / "photo.jpg", 6).read_bytes())
    label = {"shapes": [], "imagePath": "photo.jpg", "imageData": base64.b64encode(content.getvalue()).decode()}
    (tmp_path / "photo.json").write_text(json.dumps(label))
    with pytest.raises(LabelError, match="orientation is 6"):
        read_labelme(tmp_path / "photo.json")
