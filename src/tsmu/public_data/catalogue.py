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
        address: the URL from which it is downloaded.
        part: the name of the part of the set to which it belongs; files of one part are laid out together.
        bytes: the file's size; 0 where it is not known.
        sha256: the file's SHA-256 checksum, if one is published.
        md5: the file's MD5 checksum, if one is published.
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
        """The algorithm and the digest that the file must have; None where no checksum is published."""
        if self.sha256:
            return "sha256", self.sha256
        return ("md5", self.md5) if self.md5 else None


class PublicSet(BaseModel):
    """A public data set, as the catalogue describes it.

    Attributes:
        name: the name by which `tsmu data fetch` knows the set.
        title: the set's title in the words of its authors.
        where: the places that the images show.
        about: a description of the content.
        images: how many images (or pairs of them) the set holds; 0 for maps of regions.
        licence: the licence under which the set may be used.
        licence_source: the source that names this licence.
        citation: the publication to cite.
        page: the address of a page about the set.
        layout: the module of `tsmu.public_data.layouts` that lays out its files.
        files: the files to download.
        consent: terms that a user must agree to before the set is fetched; empty where there are no unusual ones.
        by_hand: why no program can download the set, and what to do instead; empty where a program can.
        name_field: for maps of regions the field with the names of the regions; else empty.
        unconfirmed: statements about the set that could not be confirmed.
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
        """The size of all files to download; files of unknown size count as 0."""
        return sum(file.bytes for file in self.files)

    @property
    def parts(self) -> dict[str, list[PublicFile]]:
        """The files of each part of the set, in the order of the catalogue."""
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
        file: a TOML file like the package's own `catalogue.toml`, for instance with the addresses of a mirror; None
            reads the package's own.

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
        DataError: no set has this name; the message lists the names.

    Example:
        >>> find_set("bijie", read_catalogue()).images
        2773
    """
    by_name = {public_set.name: public_set for public_set in sets}
    if name not in by_name:
        raise DataError(f"{name!r}: no public set of that name; there are {', '.join(by_name)}")
    return by_name[name]
