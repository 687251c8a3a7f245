"""The catalogue of public data sets: one readable file, checked when it is read."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tsmu.errors import DataError

PACKAGED = Path(__file__).with_name("catalogue.toml")
CHECKSUM_UNKNOWN = "checksum unknown: what is downloaded is recorded by its SHA-256 and compared the next time"

Layout = Literal["landslide4sense", "bijie", "gvlm", "hr_gldd", "sen12landslides", "polygons"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class PublicFile(BaseModel):
    """One file of a public set.

    Attributes:
        name: the file's name on disk.
        address: where it is downloaded from.
        part: files of one part are laid out together.
        bytes: its size, as far as it is known; 0 where it is not.
        sha256: its checksum, if that is publicly known.
        md5: likewise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    address: AnyHttpUrl
    part: str = ""
    bytes: int = Field(0, ge=0)
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    md5: str | None = Field(None, pattern=r"^[0-9a-f]{32}$")

    @property
    def checksum(self) -> tuple[str, str] | None:
        """The algorithm and the digest that the file must have; None where that is not publicly known."""
        if self.sha256:
            return "sha256", self.sha256
        return ("md5", self.md5) if self.md5 else None


class PublicSet(BaseModel):
    """A public data set, as the catalogue describes it.

    Attributes:
        name: as it is given to `tsmu data fetch`.
        title: in the words of its authors.
        where: the places that it shows.
        about: what it holds.
        images: how many images (or pairs of them) it holds; 0 for maps of regions.
        licence: by which it may be used.
        licence_source: who says so.
        citation: what to cite.
        page: where people read about it.
        layout: how its files are laid out.
        files: what is downloaded.
        consent: what a user agrees to before it is fetched; empty where there is nothing unusual.
        by_hand: why no program can download it, and what to do instead; empty where one can.
        name_field: of maps of regions, the field with the names.
        unconfirmed: what could not be confirmed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    title: str
    where: str
    about: str
    images: int = Field(ge=0)
    licence: str
    licence_source: str
    citation: str
    page: AnyHttpUrl
    layout: Layout
    files: tuple[PublicFile, ...]
    consent: str = ""
    by_hand: str = ""
    name_field: str = ""
    unconfirmed: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """The size of all files to download, as far as it is known; 0 where it is not."""
        return sum(file.bytes for file in self.files)

    @property
    def parts(self) -> dict[str, list[PublicFile]]:
        """The files by the part that they are laid out with, in order."""
        parts: dict[str, list[PublicFile]] = {}
        for file in self.files:
            parts.setdefault(file.part, []).append(file)
        return parts

    @model_validator(mode="after")
    def _check(self) -> "PublicSet":
        if not self.files and not self.by_hand:
            raise ValueError("has neither files nor a reason why they must be downloaded by hand")
        if len({file.name for file in self.files}) < len(self.files):
            raise ValueError("has two files of one name")
        return self


class _Catalogue(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sets: list[PublicSet]


def read_catalogue(file: Path | None = None) -> list[PublicSet]:
    """Read a catalogue of public sets.

    Args:
        file: a TOML file like the package's own, such as one with the addresses of a mirror; by default that one.

    Raises:
        DataError: the file cannot be read, or an entry of it is not valid.

    Example:
        >>> [public_set.name for public_set in read_catalogue() if public_set.layout == "polygons"]
        ['resolve-ecoregions', 'epa-ecoregions']
    """
    path = file or PACKAGED
    try:
        return _Catalogue.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).sets
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {where}: {first['msg']}; correct it") from None
    except (OSError, ValueError) as problem:
        raise DataError(f"{path}: cannot be read as a catalogue in TOML ({problem}); correct it") from None


def find_set(name: str, sets: Sequence[PublicSet]) -> PublicSet:
    """Find a set by its name.

    Raises:
        DataError: there is none of that name; the message lists the names.

    Example:
        >>> find_set("bijie", read_catalogue()).images
        2773
    """
    by_name = {public_set.name: public_set for public_set in sets}
    if name not in by_name:
        raise DataError(f"{name!r}: no public set of that name; there are {', '.join(by_name)}")
    return by_name[name]
