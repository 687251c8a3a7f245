"""The errors of tsmu: each says in one line what is wrong, where (file, row, column), and what to do.

In the source code, messages name options as the command line does, such as --batch-size. Users of the Python API are
shown the keyword arguments instead, in backticks: `batch_size`. Only `name_options` makes this replacement.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_on_command_line = ContextVar("_on_command_line", default=False)
# `_COMMAND` matches a whole shell command, which stays as it is for users of Python, too. `_OPTION` matches an option
# and, if it is the option's value, the word after it: a placeholder in capitals, a number, or a word before a colon.
_COMMAND = r"\b(?:tsmu|rio) [^,;)]*"
_OPTION = r"(?<![^\s(])--(?P<name>[a-z][a-z-]*)(?: (?P<value>[^\s(]\S*(?=: )|(?:[A-Z]{2,}|[\d.]*\d)(?![^\s,;:)])))?"
_COMMAND_OR_OPTION = re.compile(f"{_COMMAND}|{_OPTION}")


@contextmanager
def command_line_messages() -> Iterator[None]:
    """Let messages name options as the command line does while the `with` block runs.

    Example:
        >>> with command_line_messages():
        ...     print(UpdateError("give a smaller --batch-size"))
        give a smaller --batch-size
    """
    token = _on_command_line.set(True)
    try:
        yield
    finally:
        _on_command_line.reset(token)


def name_options(message: str) -> str:
    """Name the options in a message as the user writes them, on the command line or in Python; keep whole commands.

    Example:
        >>> name_options("give elevations with --dem FILE, or pass --any-resolution; or begin with: tsmu init --json")
        'give elevations with `dem=FILE`, or pass `any_resolution`; or begin with: tsmu init --json'
    """
    return message if _on_command_line.get() else _COMMAND_OR_OPTION.sub(_as_keyword, message)


def _as_keyword(part: re.Match[str]) -> str:
    """Write a matched option as a keyword argument of Python; return a matched command unchanged."""
    name, value = part["name"], part["value"]
    if name is None:
        return part[0]
    return f"`{name.replace('-', '_')}{f'={value}' if value else ''}`"


class TsmuError(Exception):
    """The base class of every error that tsmu raises on purpose; its text is one line for the user.

    Attributes:
        problems: the messages of the checks that failed, if several failed; otherwise empty.
    """

    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The message, with its options named as on the command line or as in Python, depending on the user."""
        return name_options(super().__str__())


class WorkspaceError(TsmuError):
    """A workspace folder or its settings are missing, broken or in use."""


class ImageError(TsmuError):
    """A raster cannot be read, or is not suitable for the operation."""


class FetchError(TsmuError):
    """Imagery cannot be fetched from a catalogue."""


class DataError(TsmuError):
    """A public data set cannot be fetched or laid out."""


class SceneError(FetchError):
    """No image pair can be made for one event: no scene fits it, or the server does not deliver the scene."""


class ServerError(SceneError):
    """No image pair can be made for one event, because the server does not deliver what its catalogue lists."""


class TableError(TsmuError):
    """A CSV or XLSX table cannot be read."""


class InventoryError(TsmuError):
    """A landslide inventory cannot be read or understood."""


class LabelError(TsmuError):
    """A label file cannot be read or does not fit its image."""


class UnpairedLabelError(LabelError):
    """A label belongs to no imported pair."""


class ChipError(TsmuError):
    """Training chips are missing or do not fit together."""


class RegionError(TsmuError):
    """A region is unknown, badly named, or cannot be found for a place."""


class BundleError(TsmuError):
    """A model bundle is broken, missing, or does not fit the data."""


class UpdateError(TsmuError):
    """A model update cannot be done with the given options."""


class MapError(TsmuError):
    """A scene cannot be mapped."""


class OutlineError(TsmuError):
    """No outline can be found where a person points."""


class DatabaseError(TsmuError):
    """The landslide database is broken or refuses a record."""


class MissingRecordError(DatabaseError):
    """The database holds no record with the given id."""


class DatabaseBusyError(DatabaseError):
    """Another process has been writing for too long; trying again may succeed."""


class ConflictError(DatabaseError):
    """A record was changed by somebody else after the person who decides on it had read it."""


class SituationError(TsmuError):
    """The situation report of an event cannot be written."""


class ReviewError(TsmuError):
    """The review server cannot be started with the given options."""


class BenchmarkError(TsmuError):
    """A benchmark cannot be run with the given options."""


class ErrorCollector:
    """Collects the errors of several checks, so that one error can name everything that is wrong.

    Example:
        >>> errors = ErrorCollector()
        >>> for problem in ("a.tif: has no band red; name it", "a.tif: pixels of 30 m; resample it"):
        ...     with errors.collect():
        ...         raise MapError(problem)
        >>> errors.raise_all()
        Traceback (most recent call last):
        tsmu.errors.MapError: a.tif: (1) has no band red; name it; (2) pixels of 30 m; resample it
    """

    def __init__(self) -> None:
        self._errors: list[TsmuError] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Store a `TsmuError` that the `with` block raises, so that later checks still run; other errors are raised."""
        try:
            yield
        except TsmuError as error:
            self._errors.append(error)

    def raise_all(self) -> None:
        """Raise the collected errors as one error of the first one's class; raise nothing if none was collected.

        A single error is raised unchanged. Several errors are numbered in one message, and a place that several of
        them begin with, such as a file name, is named once.
        """
        if not self._errors:
            return
        first = self._errors[0]
        problems = [problem for error in self._errors for problem in error.problems or (str(error.args[0]),)]
        problems = list(dict.fromkeys(problems))
        if len(problems) == 1:
            raise first
        where = problems[0].partition(": ")[0] + ": "
        where = where if sum(problem.startswith(where) for problem in problems) > 1 else ""
        numbered = [f"({number}) {problem.removeprefix(where)}" for number, problem in enumerate(problems, start=1)]
        together = type(first)(where + "; ".join(numbered))
        together.problems = tuple(problems)
        raise together


def one_line(error: Exception) -> str:
    """Write an error, also one of the operating system, as one line that says what is wrong, where, and what to do.

    Example:
        >>> one_line(ChipError("chips: none in it; name another folder"))
        'chips: none in it; name another folder'
        >>> one_line(PermissionError(13, "Permission denied", "maps"))
        'maps: permission denied; make room or give permission there, then run it again'
        >>> one_line(FileNotFoundError(2, "No such file or directory", "nope.json"))
        'nope.json: no such file or directory; check the path'
    """
    if isinstance(error, OSError) and not isinstance(error, TsmuError):
        if isinstance(error, FileExistsError | NotADirectoryError):
            return f"{error.filename}: a file is in the way where a folder is needed; name another place"
        where = error.filename2 or error.filename or "a file"
        remedy = "make room or give permission there, then run it again"
        if isinstance(error, FileNotFoundError):
            remedy = "check the path"
        return f"{where}: {(error.strerror or str(error)).lower()}; {remedy}"
    return str(error).replace("\n", " ")
