"""What MkDocs does besides: pages made from the code, and files of the repository that pages link to."""

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
_WHOLE_PAGES = {"CHANGELOG.md": "project/changelog.md", "CONTRIBUTING.md": "project/contributing.md"}
_LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")


def on_config(config: MkDocsConfig) -> None:
    """Search from the disk by our own script, and offer other versions where there are some.

    For searching the theme would name a script on another server. Its choice of versions reads a file beside the site,
    which browsers refuse from the disk with errors in the console: only sites that `mike deploy` builds have it.
    """
    config.extra["polyfills"] = ["javascripts/search_from_disk.js"]
    if "MIKE_DOCS_VERSION" in os.environ:  # as mike tells hooks that it builds
        config.extra["version"] = {"provider": "mike"}


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages of the reference, the changelog, how to contribute, and what pages link to outside docs/."""
    from docs.scripts.reference import PAGES

    for name, write in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=write()))
    for source, target in _WHOLE_PAGES.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
    for page in list(files.documentation_pages()):
        for outside in _outside(page.src_uri, page.content_string):
            uri = f"repository/{outside.as_posix()}"
            if files.get_file_from_path(uri) is None:
                files.append(File.generated(config, uri, content=(ROOT / outside).read_bytes()))


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let links to files outside docs/ lead to their pages and copies in the site."""
    here = page.file.src_uri

    def change(match: re.Match[str]) -> str:
        target = _repository_file(here, match[1])
        if target is None:
            return match[0]
        name = target.as_posix()
        own = name.removeprefix("docs/") if name.startswith("docs/") else None
        uri = own or _WHOLE_PAGES.get(name, f"repository/{name}")
        return "../" * here.count("/") + uri + (match[2] or "")

    return _LINK.sub(change, markdown)


def _outside(here: str, markdown: str) -> list[Path]:
    """The files outside docs/ that a page links to, but for those that are pages of their own."""
    targets = [_repository_file(here, match[1]) for match in _LINK.finditer(markdown)]
    return [t for t in targets if t and not t.as_posix().startswith("docs/") and t.as_posix() not in _WHOLE_PAGES]


def _repository_file(here: str, link: str) -> Path | None:
    """The file, relative to the repository, that a page links to outside the pages; None where it is a page's own."""
    sources = {target: source for source, target in _WHOLE_PAGES.items()}
    copied = sources.get(here) or here.removeprefix("repository/")
    origin = Path(copied if here in sources or here.startswith("repository/") else f"docs/{here}")
    target = (ROOT / origin.parent / link).resolve()
    if not target.is_relative_to(ROOT) or target.is_dir():
        target = target / "README.md"
    if not target.is_file():
        return None
    relative = target.relative_to(ROOT)
    inside = relative.as_posix().startswith("docs/") and origin.parts[0] == "docs"
    return None if inside else relative
