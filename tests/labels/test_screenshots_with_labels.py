"""Forty Google Earth pairs with labelme files, eight of them broken in different ways."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from tsmu.imagery import GoogleEarthName
from tsmu.imagery.pairs import import_pairs
from tsmu.issues import IssueLog
from tsmu.labels.label_import import import_labels
from tsmu.labels.mask_conventions import detect_convention


def save_pair(folder: Path, number: int) -> tuple[Path, Path, Path]:
    noise = np.random.default_rng(number).normal(size=(64, 96, 3))
    ground = np.clip(128 + 300 * ndimage.gaussian_filter(noise, (1.5, 1.5, 0)), 0, 255).astype(np.uint8)
    south, west = Decimal("43.309023") + Decimal("0.01") * number, Decimal("-122.966736")
    corners = (south, west, south + Decimal("0.001350"), west + Decimal("0.002780"))
    pre = folder / str(GoogleEarthName(*corners, f"LS_{number}_US", date(2007, 7, 30), "PRE"))
    post = folder / str(GoogleEarthName(*corners, f"LS_{number}_US", date(2011, 7, 29), "POST"))
    Image.fromarray(ground).save(pre, quality=95)
    ground[20:40, 30 : 40 + number % 20] = 230
    Image.fromarray(ground).save(post, quality=95)
    slide = {"label": "landslide", "shape_type": "rectangle", "points": [[30, 20], [40 + number % 20, 40]]}
    label = post.with_suffix(".json")
    label.write_text(json.dumps({"shapes": [slide], "imagePath": post.name, "imageHeight": 64, "imageWidth": 96}))
    return pre, post, label


def test_eight_of_forty(tmp_path: Path) -> None:
    folder = tmp_path / "screenshots"
    folder.mkdir()
    files = [save_pair(folder, number) for number in range(40)]
    _, post, label = files[0]
    renamed = str(post.name).replace("-122.963956", "122.963956")
    post.rename(folder / renamed)
    label.rename((folder / renamed).with_suffix(".json"))
    files[1][0].rename(folder / files[1][0].name.replace("20070730", "20110729"))
    files[2][0].rename(folder / files[2][0].name.replace("20070730", "20120729"))
    files[3][0].unlink()
    files[4][1].write_bytes(files[4][1].read_bytes()[:900])
    files[5][2].write_text("{")
    files[6][2].write_text(files[6][2].read_text().replace("[30, 20]", "[30]"))
    files[7][2].write_text(files[7][2].read_text().replace('"imageWidth": 96', '"imageWidth": 64'))

    pair_log, label_log = IssueLog(folder), IssueLog(folder)
    pairs = import_pairs(folder, pair_log, out=tmp_path / "pairs", root=tmp_path)
    labels = import_labels(folder, pairs, label_log, out=tmp_path / "masks")
    assert len(pairs) == 35 and len(pair_log) == len(pair_log.errors) == 5
    assert labels["id"].tolist() == [f"LS_{number}_US" for number in range(8, 40)]
    no_pair = [issue for issue in label_log if "no imported pair" in issue.problem]
    assert len(no_pair) == 5 and len(label_log) == len(label_log.errors) == 8
    convention = detect_convention([Path(path) for path in labels["mask"]])
    for number, path in zip(range(8, 40), labels["mask"], strict=True):
        assert (convention.read(Path(path)) == 1).sum() == 20 * (10 + number % 20)

    repaired = import_pairs(folder, IssueLog(folder), out=tmp_path / "pairs", root=tmp_path, repair=True)
    again = import_labels(folder, repaired, IssueLog(folder), out=tmp_path / "masks")
    assert set(again["id"]) - set(labels["id"]) == {"LS_0_US"}
