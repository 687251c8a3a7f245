"""Landslide databases, region by region, with a model that does not forget.

A workspace is a folder in which one model learns region after region. Its methods do what the commands of `tsmu` do,
and return reports, tables, models and maps:

    import tsmu

    work = tsmu.Workspace("andes")                                  # opens a folder, or creates it
    work.add_chips("~/data/oregon", region="oregon")                # a report with .chips and .issues (tables)
    model = work.update("oregon", steps=400)                        # a model, version v001
    model = work.update("nevada")
    model.scores(); model.forgetting()                              # R, WA, WF and so on as tables
    probability = model.predict(image, region="nevada")             # (C, H, W) -> (H, W), float32, 0 to 1
    scene = work.map("post.tif", pre="pre.tif")                     # .probability (path), .polygons (GeoDataFrame)
    slides = work.database.query(bbox=(7, 46, 8, 47), status="candidate")
    work.database.review(slides.id[0], status="confirmed", by="eva", why="seen in the field")
    slides.explore()

    network = tsmu.RegionNet("resnet34", mean, std)                 # research, without a workspace
    prior = tsmu.learn_region(network, "nepal", chips, strategy="tsmu-plus", steps=300)
    prior = tsmu.learn_region(network, "kodagu", others, strategy="tsmu-plus", steps=300, prior=prior)

    tsmu.data.list()                                                # public data sets; tsmu.data.fetch("bijie")

Importing this package is fast: torch, GDAL and pandas are loaded only when a function that needs them is called.
"""

from typing import TYPE_CHECKING, Any

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.errors import (
        BundleError,
        ChipError,
        ConflictError,
        DatabaseBusyError,
        DatabaseError,
        DataError,
        FetchError,
        ImageError,
        InventoryError,
        LabelError,
        MapError,
        MissingRecordError,
        RegionError,
        ReviewError,
        SceneError,
        SituationError,
        TableError,
        TsmuError,
        UpdateError,
        WorkspaceError,
    )
    from tsmu.model import RegionNet
    from tsmu.update import learn_region
    from tsmu.workspace import LandslideDatabase, Model, Report, SceneMap, Workspace, data

    __version__: str

__all__ = [
    "BundleError",
    "ChipError",
    "ConflictError",
    "DataError",
    "DatabaseBusyError",
    "DatabaseError",
    "FetchError",
    "ImageError",
    "InventoryError",
    "LabelError",
    "LandslideDatabase",
    "MapError",
    "MissingRecordError",
    "Model",
    "RegionError",
    "RegionNet",
    "Report",
    "ReviewError",
    "SceneError",
    "SceneMap",
    "SituationError",
    "TableError",
    "TsmuError",
    "UpdateError",
    "Workspace",
    "WorkspaceError",
    "__version__",
    "data",
    "learn_region",
]

_NAMES = {  # the public names, by the subpackage or module that defines them
    "errors": (
        "BundleError ChipError ConflictError DataError DatabaseBusyError DatabaseError FetchError ImageError "
        "InventoryError LabelError MapError MissingRecordError RegionError ReviewError SceneError SituationError "
        "TableError TsmuError UpdateError WorkspaceError"
    ),
    "model": "RegionNet",
    "update": "learn_region",
    "workspace": "LandslideDatabase Model Report SceneMap Workspace data",
}
_load, _ = lazy_names(__name__, _NAMES)


def __getattr__(name: str) -> Any:
    """Import a public name of the package when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        return version("tsmu")
    return _load(name)


def __dir__() -> list[str]:
    return __all__
