"""Make the pictures of the documentation (tutorials, review page, QGIS): `python -m docs.scripts.pictures [FOLDER]`.

It takes some ten minutes. The lessons are run with all their steps, in FOLDER or in a temporary one, and what they made
is drawn, or photographed in the browser and in QGIS. A FOLDER in which they have run is drawn from again.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import matplotlib as mpl
import numpy as np
import rasterio
from PIL import Image, ImageDraw

from docs.scripts.review import review
from docs.scripts.tutorials import ROOT, TUTORIALS, PageRunner, serving
from qgis.package.build import build_folder

mpl.use("agg")
import matplotlib.pyplot as plt

TARGET = ROOT / "docs" / "tutorials" / "pictures"
SOFTWARE = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL without a GPU
LARGEST = 150_000  # bytes of a picture
Axes = Any


def main(folder: Path) -> None:
    """Run the lessons that have not run in the folder, and draw."""
    from playwright.sync_api import sync_playwright

    TARGET.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=SOFTWARE)
        shot = folder / "review.png"
        runner = PageRunner(folder, quick=False, while_serving=lambda _, address: review(browser, address, shot))
        _make_data(folder)
        for lesson in TUTORIALS:
            done = folder / f"{lesson.stem}.done"
            if not done.exists():
                print(lesson.stem, flush=True)
                runner.run(lesson)
                done.touch()
                if lesson.stem.startswith("03"):
                    shutil.copy(folder / "survey" / "report.html", folder / "report_one.html")
        for name, (page, height) in PAGES.items():
            _photograph(browser, next(folder.glob(page)), name, height)
        photograph_review(browser, folder)
        browser.close()
    photograph_dock(folder)
    _save(Image.open(shot), "review")
    for name, draw in DRAWN.items():
        _save(draw(folder), name)


def _make_data(folder: Path) -> None:
    from tsmu.synthetic import write_practice

    if not (folder / "practice").exists():
        write_practice(folder / "practice")


def _save(picture: Image.Image, name: str, target: Path = TARGET) -> None:
    """Write a picture as JPEG, of at most 1200 px and no more bytes than are allowed."""
    picture = picture.convert("RGB")
    picture.thumbnail((1200, 1600))
    path = target / f"{name}.jpg"
    for quality in (88, 80, 70, 60, 50):
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size <= LARGEST:
            return
    raise ValueError(f"{path}: {path.stat().st_size} bytes")


def _photograph(browser: Any, page: Path, name: str, height: int) -> None:
    """The upper part of a page on the disk."""
    tab = browser.new_page(viewport={"width": 1150, "height": height})
    tab.goto(page.as_uri())
    tab.wait_for_timeout(500)
    shot = TARGET / f"{name}.png"
    tab.screenshot(path=shot)
    tab.close()
    _save(Image.open(shot), name)
    shot.unlink()


def _reviewed(folder: Path, name: str) -> Path:
    """Copy the workspace of the first lessons, whose scene is mapped, so that decisions do not change the original."""
    copy = folder / name / "survey"
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(folder / "survey", copy, ignore=shutil.ignore_patterns("runs", "*.lock"))
    return copy


def photograph_review(browser: Any, folder: Path) -> None:
    """Photograph the review page in the browser, after some decisions, at the largest landslide that is left."""
    shot, survey = folder / "page.png", _reviewed(folder, "for_the_page")
    with serving(["--write", "--reviewer", "eva"], survey) as address:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.add_init_script("localStorage.setItem('tsmu.page.introduced', 'true')")
        page.goto(address)
        page.wait_for_selector("body[data-ready=yes]")
        page.get_by_label("Order").select_option("size")
        for key in "aaraaura":
            page.wait_for_timeout(500)
            page.keyboard.press(key)
        page.locator("#map[aria-busy=false]").wait_for()
        page.wait_for_timeout(4000)  # until the tiles have faded in, and what was done is no longer told
        page.screenshot(path=shot)
        page.context.close()
    _save(Image.open(shot), "review", ROOT / "docs")


def photograph_dock(folder: Path) -> None:
    """Photograph the plugin's review dock in QGIS, which draws without a screen.

    The workspace is given to the dock as a relative path, so that the picture shows no path of this machine.
    """
    shot, survey = folder / "dock.png", _reviewed(folder, "for_the_dock")
    program, profile, plugins = folder / "tsmu", folder / "profile", folder / "plugins"
    shutil.rmtree(plugins, ignore_errors=True)
    words = " ".join(map(shlex.quote, (f"PYTHONPATH={os.pathsep.join(filter(None, sys.path))}", sys.executable)))
    program.write_text(f'#!/bin/sh\nexec env {words} -m tsmu "$@"\n')
    program.chmod(0o755)
    profile.mkdir(exist_ok=True, mode=0o700)
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(profile), "XDG_RUNTIME_DIR": str(profile), "LANG": "C.UTF-8",
        "QGIS_CUSTOM_CONFIG_PATH": str(profile), "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "1",
        "TSMU_PLUGINS": str(build_folder(plugins).parent),
    }  # fmt: skip
    script = ROOT / "docs" / "scripts" / "dock_in_qgis.py"
    subprocess.run(
        ["/usr/bin/python3", script, "survey", program, shot], cwd=survey.parent, env=environment, check=True
    )
    _save(Image.open(shot), "qgis", ROOT / "docs")


def _read(path: Path) -> np.ndarray:
    """Bands of a raster as a picture."""
    with rasterio.open(path) as dataset:
        bands = dataset.read(tuple(range(1, min(dataset.count, 3) + 1)))
    pixels = bands.transpose(1, 2, 0).astype(float)
    top = 255 if bands.dtype == np.uint8 else np.nanquantile(pixels, 0.995)
    shown: np.ndarray = np.clip(np.nan_to_num(pixels) / top, 0, 1).squeeze()
    return shown


def _figure(columns: int, rows: int = 1, side: float = 3.0) -> tuple[Any, Any]:
    figure, axes = plt.subplots(rows, columns, figsize=(side * columns, side * rows + 0.3), squeeze=False, dpi=110)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


def _picture(figure: Any) -> Image.Image:
    figure.tight_layout(pad=0.4)
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba()))
    plt.close(figure)
    return picture


def _chips(folder: Path, region: str, axes: Axes, numbers: tuple[int, ...]) -> None:
    chips = folder / "practice" / "chips" / region
    for row, number in zip(axes, numbers, strict=True):
        name = f"{region}_{number:04d}.tif"
        for axis, kind, title in zip(row, ("pre", "images", "images"), ("before", "after", "landslides"), strict=True):
            axis.imshow(_read(chips / kind / name))
            axis.set_title(title, fontsize=9)
        mask = _read(chips / "masks" / name) * 255
        row[2].contour(mask, levels=[0.5], colors="cyan", linewidths=1.2)


def draw_chips(folder: Path) -> Image.Image:
    """Chips of a region, before and after, with the landslides outlined."""
    figure, axes = _figure(6, 2, 1.7)
    _chips(folder, "eastern_forests", axes.reshape(4, 3), (0, 1, 2, 3))
    return _picture(figure)


def draw_two_regions(folder: Path) -> Image.Image:
    """Chips of two regions beside each other."""
    figure, axes = _figure(6, 2, 1.7)
    _chips(folder, "eastern_forests", axes[:, :3], (5, 6))
    _chips(folder, "north_deserts", axes[:, 3:], (5, 6))
    return _picture(figure)


def draw_pair(folder: Path) -> Image.Image:
    """A pair as `tsmu export pictures` shows it, with the labels that it has later."""
    return Image.open(min((folder / "coast" / "pictures").glob("*.png")))


def _labelme(folder: Path, pattern: str) -> Image.Image:
    """An image with the outlines of its labelme file."""
    path = sorted(folder.glob(pattern))[-1]
    drawn = json.loads(path.read_text())
    picture = Image.open(path.parent / drawn["imagePath"]).convert("RGB")
    picture = picture.resize((picture.width * 3, picture.height * 3))
    pen = ImageDraw.Draw(picture)
    for shape in drawn["shapes"]:
        points = [(3 * x, 3 * y) for x, y in shape["points"]]
        pen.line([*points, points[0]], fill=(0, 255, 255), width=2)
        for x, y in points:
            pen.rectangle((x - 3, y - 3, x + 3, y + 3), fill=(0, 200, 80))
    return picture


def draw_labels(folder: Path) -> Image.Image:
    """Outlines that somebody drew."""
    return _labelme(folder / "practice" / "screenshots", "*_POST.json")


def draw_drafts(folder: Path) -> Image.Image:
    """Outlines that the model drew on a pair without labels."""
    labelled = {
        path.stem.split("_LS_")[1].split("_")[0] for path in (folder / "practice" / "screenshots").glob("*.json")
    }
    drafts = [
        p
        for p in sorted((folder / "coast" / "drafts").glob("*.json"))
        if not any(f"LS_{n}_" in p.name for n in labelled)
    ]
    return _labelme(folder / "coast" / "drafts", drafts[-1].name)


def draw_worst(folder: Path) -> Image.Image:
    """The worst chips of a version."""
    picture = Image.open(folder / "survey" / "models" / "v001" / "worst_chips.png")
    return picture.crop((0, 0, picture.width, min(picture.height, picture.width)))


def _mapped(pre: Path, post: Path, mapped: Path) -> Image.Image:
    figure, axes = _figure(4, 1, 3.2)
    axes = axes[0]
    with rasterio.open(mapped / "probability.tif") as dataset:
        percent = dataset.read(1, masked=True)
        transform, crs = dataset.transform, dataset.crs
    after = _read(post)
    for axis, pixels, title in zip(
        axes, (_read(pre), after, percent, after), ("before", "after", "probability", "outlines"), strict=True
    ):
        extra = {"cmap": "inferno", "vmin": 0, "vmax": 100} if title == "probability" else {}
        axis.imshow(pixels, **extra)
        axis.set_title(title, fontsize=10)
    for outline in geopandas.read_parquet(mapped / "polygons.parquet").to_crs(crs).geometry.explode():
        x, y = ~transform @ np.asarray(outline.exterior.coords.xy)
        axes[3].plot(x - 0.5, y - 0.5, color="cyan", linewidth=0.9)
    return _picture(figure)


def draw_scene(folder: Path) -> Image.Image:
    """A scene, its probability and its outlines."""
    scene = folder / "practice" / "scenes" / "eastern_forests"
    return _mapped(scene / "pre.tif", scene / "post.tif", folder / "survey" / "maps" / "forest")


def draw_response(folder: Path) -> Image.Image:
    """Images before and after an event, and what changed."""
    [post] = (folder / "response" / "responses" / "practice" / "imagery").glob("*/*/post.tif")
    [mapped] = (folder / "response" / "maps").iterdir()
    return _mapped(post.with_name("pre.tif"), post, mapped)


def draw_density(folder: Path) -> Image.Image:
    """The picture of `tsmu db density`."""
    return Image.open(folder / "response" / "density.png")


def draw_predicted(folder: Path) -> Image.Image:
    """The picture of the lesson on Python."""
    return Image.open(folder / "probability.png")


def draw_strips(folder: Path) -> Image.Image:
    """A scene in strips, in the colours of two processes."""
    figure, axes = _figure(1, 1, 4)
    after = _read(folder / "practice" / "scenes" / "eastern_forests" / "post.tif")
    axes[0, 0].imshow(after)
    for number, top in enumerate(np.arange(0, len(after), len(after) / 5)):
        axes[0, 0].axhspan(top, top + len(after) / 5, color=("tab:blue", "tab:orange")[number % 2], alpha=0.35)
        axes[0, 0].text(8, top + 34, f"process {number % 2 + 1}", color="white", fontsize=11)
    return _picture(figure)


PAGES = {  # photographed: the page, and how much of it
    "report_one": ("report_one.html", 900),
    "report_two": ("survey/report.html", 900),
    "situation": ("response/responses/practice/report-*/report.html", 1400),
}
DRAWN: dict[str, Callable[[Path], Image.Image]] = {
    "chips": draw_chips, "two_regions": draw_two_regions, "pair": draw_pair, "labels": draw_labels,
    "drafts": draw_drafts, "worst_chips": draw_worst, "scene": draw_scene, "response": draw_response,
    "density": draw_density, "predicted": draw_predicted, "strips": draw_strips,
}  # fmt: skip

if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as name:
            main(Path(name))
