"""What is said of the package in several places is the same in all of them."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "huggingface-hub": "huggingface_hub"}


def test_the_version_stands_in_pyproject_and_the_recipe_has_it() -> None:
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text())
    assert recipe["context"]["version"] == PROJECT["version"]
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (ROOT / "CHANGELOG.md").read_text().startswith(f"# Changelog\n\n## {PROJECT['version']}")


def test_the_recipe_needs_what_the_package_needs() -> None:
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text())
    needed = set()
    for requirement in PROJECT["dependencies"]:
        name, _, bounds = re.fullmatch(r"([\w-]+)(\[\w+\])?(.*)", requirement).groups()  # type: ignore[union-attr]
        needed.add(f"{CONDA_NAMES.get(name, name)} {bounds}")
    assert {entry for entry in recipe["requirements"]["run"] if not entry.startswith("python ")} == needed
    assert f">={recipe['context']['python_min']}" == PROJECT["requires-python"]


def test_the_citation_names_the_paper_and_the_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "references"} < citation.keys()
    assert citation["license"] == PROJECT["license"]
    [paper] = citation["references"]
    assert paper["doi"] == "10.1109/JSTARS.2022.3177025"
    assert len(paper["authors"]) == 11


def test_the_image_is_built_of_files_that_are_there_and_sent() -> None:
    """Every file that the Dockerfile copies is let through by .dockerignore; both targets are named."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", dockerfile) for word in line.split()[:-1]}
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)
    assert re.findall(r"(?m)^FROM base AS (\w+)$", dockerfile) == ["cuda", "cpu"]
    assert f"uv=={metadata.version('uv')}" in dockerfile
