"""The errors of tsmu: each says in one line what is wrong, where (file, row, column), and what to do."""


class TsmuError(Exception):
    """The base class of every error that tsmu raises on purpose; its text is one line for the user."""


class WorkspaceError(TsmuError):
    """A workspace folder or its settings are missing, broken or in use."""


class ImageError(TsmuError):
    """A raster cannot be read or does not fit what is asked of it."""


class FetchError(TsmuError):
    """Imagery cannot be fetched from a catalogue."""


class SceneError(FetchError):
    """One event gets no pair: no scene fits it, or the server does not give one."""


class ServerError(SceneError):
    """One event gets no pair because the server does not give what it should have."""


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
    """A model update cannot be done as asked."""


class MapError(TsmuError):
    """A scene cannot be mapped."""


class DatabaseError(TsmuError):
    """The landslide database is broken or refuses a record."""


class MissingRecordError(DatabaseError):
    """The database holds no record of that id."""


class DatabaseBusyError(DatabaseError):
    """Another process has been writing for too long; trying again may succeed."""


class ConflictError(DatabaseError):
    """A record was changed after the person who decides on it read it."""


class ReviewError(TsmuError):
    """The review server cannot be started as asked."""


class BenchmarkError(TsmuError):
    """A benchmark cannot be run as asked."""


def one_line(error: Exception) -> str:
    """Say in one line what is wrong, where, and what to do, also of what the operating system refuses.

    Example:
        >>> one_line(ChipError("chips: none in it; name another folder"))
        'chips: none in it; name another folder'
        >>> one_line(PermissionError(13, "Permission denied", "maps"))
        'maps: permission denied; make room or give permission there, then run it again'
    """
    if isinstance(error, OSError) and not isinstance(error, TsmuError):
        if isinstance(error, FileExistsError | NotADirectoryError):
            return f"{error.filename}: a file is in the way where a folder is needed; name another place"
        where = error.filename2 or error.filename or "a file"
        return (
            f"{where}: {(error.strerror or str(error)).lower()}; make room or give permission there, then run it again"
        )
    return str(error).replace("\n", " ")
