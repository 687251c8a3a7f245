"""Builds the plugin for QGIS: `python qgis/package/build.py` writes dist/tsmu-qgis-VERSION.zip.

What lies in `qgis/tsmu` is copied. Added to it are what is written elsewhere already: the licence, the styles in the
colours of the database and of the situation report, the help page of docs/qgis.md, and the compiled translations where
Qt's `lrelease` is there. Run it with the Python in which tsmu is installed.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

from markdown_it import MarkdownIt

from tsmu.database import density_cells_style, density_raster_style, landslide_style
from tsmu.situation import probability_raster_style

SOURCE = Path(__file__).parents[1] / "tsmu"
REPOSITORY = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.qm")
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # of all files in the zip, so that the same source gives the same bytes


def outline_style() -> str:
    """The style of landslides by status without fills, so that a reviewer sees the images in them."""
    style = landslide_style()
    return style.replace('name="style" value="solid"', 'name="style" value="no"').replace(
        'k="style" v="solid"', 'k="style" v="no"'
    )


STYLES = {
    "status": landslide_style,
    "status_outlines": outline_style,
    "probability": probability_raster_style,
    "density": density_raster_style,
    "density_cells": density_cells_style,
}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>tsmu for QGIS</title>
<style>body {{ font: 15px/1.5 sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
td, th {{ text-align: left; padding: 0.2rem 0.8rem 0.2rem 0 }} pre {{ background: #f3f3f3; padding: 0.6rem }}</style>
</head><body>
{body}</body></html>
"""


def plugin_version() -> str:
    """The version in the plugin's metadata."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(SOURCE / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def build_folder(target: Path) -> Path:
    """Write the whole plugin into a new folder `target/tsmu`; returns that."""
    plugin = target / "tsmu"
    shutil.copytree(SOURCE, plugin, ignore=LEFT_OUT)
    shutil.copy(REPOSITORY / "LICENSE", plugin)
    (plugin / "styles").mkdir()
    for name, style in STYLES.items():
        (plugin / "styles" / f"{name}.qml").write_text(style(), encoding="utf-8")
    text = (REPOSITORY / "docs" / "qgis.md").read_text(encoding="utf-8")
    (plugin / "help").mkdir()
    (plugin / "help" / "index.html").write_text(PAGE.format(body=help_html(text)), encoding="utf-8")
    compile_translations(plugin / "i18n")
    return plugin


def help_html(text: str) -> str:
    """A page of the documentation as HTML, without its pictures, which lie in docs/."""
    lines = [line for line in text.splitlines() if not line.startswith("![")]
    return str(MarkdownIt("commonmark").enable("table").render("\n".join(lines)))


def compile_translations(folder: Path) -> bool:
    """Compile the translations in a folder; returns whether Qt's compiler is there."""
    program = next((name for name in ("lrelease", "lrelease-qt5", "lrelease6") if shutil.which(name)), None)
    if program is None:
        return False
    for source in sorted(folder.glob("*.ts")):
        subprocess.run([program, "-silent", str(source), "-qm", str(source.with_suffix(".qm"))], check=True)
    return True


def build_zip(target: Path) -> Path:
    """Write the plugin as a zip, as QGIS installs it and as its repository takes it; returns its path."""
    path = target / f"tsmu-qgis-{plugin_version()}.zip"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        plugin = build_folder(Path(folder))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(file for file in plugin.rglob("*") if file.is_file()):
                entry = zipfile.ZipInfo(str(file.relative_to(folder)), FIRST_DATE)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
    return path


if __name__ == "__main__":
    print(build_zip(REPOSITORY / "dist"))
    if shutil.which("lrelease") is None:
        print("without translations: install Qt's lrelease (Debian: qttools5-dev-tools)", file=sys.stderr)
