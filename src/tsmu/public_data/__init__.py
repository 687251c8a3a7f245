"""Public data sets: what there is, and how a set is downloaded, verified and laid out for `tsmu`.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
Data goes one way through the room:

    catalogue     the sets, read from `catalogue.toml`: title, licence, addresses, checksums
    download      one file by HTTP, going on where it stopped, and verified
    archives      an archive unpacked, unless it could do harm
    layouts       the files of a set as chips (`images/`, `masks/`, `pre/`) or as a layer of regions
    fetching      all of it for one set, in a folder that gets its name when it is complete

Example:
    >>> from tsmu import public_data
    >>> [public_set.name for public_set in public_data.read_catalogue()][:2]
    ['landslide4sense', 'bijie']
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.public_data.catalogue import PublicFile, PublicSet, find_set, read_catalogue
    from tsmu.public_data.fetching import FetchedSet, fetch_set

__all__ = [
    "FetchedSet",
    "PublicFile",
    "PublicSet",
    "fetch_set",
    "find_set",
    "read_catalogue",
]

_NAMES = {  # by the module that has them
    "catalogue": "PublicFile PublicSet find_set read_catalogue",
    "fetching": "FetchedSet fetch_set",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
