"""The plugin as it is shipped: complete, without binaries, translated, and for every Python that QGIS has."""

import ast
import re
import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from qgis.package import build, translations
from tsmu import __version__

REPOSITORY = Path(__file__).parents[2]
REQUIRED = {  # by the plugin repository
    "name", "description", "about", "version", "qgisMinimumVersion", "author", "email", "repository", "tracker",
    "homepage", "hasProcessingProvider", "icon", "tags", "license", "supportsQt6",
}  # fmt: skip
STANDARD = (
    "collections", "configparser", "dataclasses", "getpass", "html", "json", "os", "pathlib", "queue", "re", "shutil",
    "signal", "subprocess", "sys", "tempfile", "threading", "time", "typing", "urllib", "uuid",
)  # fmt: skip
TEXTS = {".py", ".txt", ".svg", ".qml", ".html", ".ts", ".qm", ""}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build.build_zip(tmp_path_factory.mktemp("dist")))


def test_the_version_is_the_packages(archive: zipfile.ZipFile) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert build.plugin_version() == project["version"] == __version__
    assert archive.filename is not None and archive.filename.endswith(f"tsmu-qgis-{__version__}.zip")


def test_the_metadata_has_what_the_repository_asks_for() -> None:
    metadata = ConfigParser(interpolation=None)
    metadata.optionxform = str  # type: ignore[assignment, method-assign]
    metadata.read(build.SOURCE / "metadata.txt")
    general = metadata["general"]
    assert set(general) >= REQUIRED
    assert all(general[name].strip() for name in REQUIRED)
    assert (general["hasProcessingProvider"], general["supportsQt6"]) == ("yes", "True")
    assert general["qgisMinimumVersion"] == "3.22"
    assert len(general["description"]) <= 150


def test_the_zip_holds_one_folder_with_licence_styles_and_help_and_no_binaries(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"tsmu"}
    assert {"tsmu/LICENSE", "tsmu/metadata.txt", "tsmu/icon.svg", "tsmu/help/index.html"} <= set(names)
    assert {f"tsmu/styles/{name}.qml" for name in build.STYLES} <= set(names)
    assert {Path(name).suffix for name in names} <= TEXTS
    assert not [name for name in names if "__pycache__" in name or name.rsplit("/", 1)[-1].startswith(".")]
    assert archive.read("tsmu/LICENSE") == (REPOSITORY / "LICENSE").read_bytes()
    assert sum(entry.file_size for entry in archive.infolist()) < 1_000_000


def test_the_same_source_gives_the_same_zip(archive: zipfile.ZipFile, tmp_path: Path) -> None:
    assert archive.filename is not None
    assert build.build_zip(tmp_path).read_bytes() == Path(archive.filename).read_bytes()


def test_everything_is_translated_into_spanish() -> None:
    done = translations.read(build.SOURCE / "i18n" / "tsmu_es.ts")
    assert set(translations.texts()) == set(done)
    for text, translation in done.items():
        assert sorted(re.findall(r"{[^}]*}|%\w", text)) == sorted(re.findall(r"{[^}]*}|%\w", translation)), text


def test_the_plugin_imports_nothing_but_qgis_and_python_39_can_read_it() -> None:
    allowed = {"qgis", "__future__"} | set(STANDARD)
    for path in build.SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 9))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, path
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert str(node.module).split(".")[0] in allowed, path
