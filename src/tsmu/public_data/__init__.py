"""Public data sets: a catalogue of them, and how a set is downloaded, verified and laid out for `tsmu`.

The names that other rooms (packages) use are listed here and loaded when they are first used; other rooms import from
this module only, not from its submodules. Its modules depend on each other in this order:

    catalogue     the sets, read from `catalogue.toml`: title, licence, addresses, checksums
    download      downloads one file by HTTP, continues where it was interrupted, and verifies it
    archives      unpacks an archive, unless it could do harm
    layouts       writes the files of a set as chips (`images/`, `masks/`, `pre/`) or as a layer of regions
    fetching      does all of this for one set, in a hidden folder that is renamed when it is complete

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

_NAMES = {  # the public names, listed under the submodule that defines them
    "catalogue": "PublicFile PublicSet find_set read_catalogue",
    "fetching": "FetchedSet fetch_set",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
