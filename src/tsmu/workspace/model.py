"""A version of the model: what it has learned, how it scores, and its predictions."""

import html
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import BundleError, ErrorCollector, MapError
from tsmu.issues import IssueLog
from tsmu.workspace.base import Reporting
from tsmu.workspace.display import BarDisplay, Display
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from tsmu.evaluate import History
    from tsmu.mapping import Engine, ImageSource, TileAxis
    from tsmu.model import Bundle, BundleRecord

SMALLEST_SCALE, LARGEST_SCALE = 1e-9, 1e9


class Model(Reporting):
    """One immutable version of a workspace's model; `Workspace.model` and `Workspace.update` return it.

    Attributes:
        path: the folder of the version, such as `models/v003`.
        report: the report of the update that made the version; None if the version was only opened.

    Example:
        >>> model = work.model()
        >>> model.name, model.regions
        ('v001', ['alps'])
    """

    def __init__(
        self, folder: WorkspaceFolder, bundle: "Bundle", *, display: Display | None = None, report: Report | None = None
    ) -> None:
        """Wrap a version that has been opened and checked.

        Args:
            folder: the workspace to which the version belongs.
            bundle: the version on disk.
            display: shows progress; by default progress bars.
            report: the report of the update that made the version.
        """
        self.path, self.report = bundle.path, report
        self.display = display or BarDisplay()
        self._folder, self._bundle = folder, bundle
        self._engines: dict[str, Engine] = {}

    @property
    def name(self) -> str:
        """The name of the version, such as `v003`."""
        return self._bundle.name

    @property
    def record(self) -> "BundleRecord":
        """The stored record: bands, statistics, and the decoder, threshold, chips and scores of each region."""
        return self._bundle.record

    @property
    def regions(self) -> list[str]:
        """The regions that the version has learned, in the order in which they were first learned."""
        return list(self.record.regions)

    @property
    def bands(self) -> list[str]:
        """The bands that the network takes, in order, such as `post:red`."""
        return list(self.record.bands)

    @property
    def card(self) -> str:
        """The model card as Markdown: the training data, and the scores right after the training."""
        return (self.path / "card.md").read_text(encoding="utf-8")

    @property
    def curves(self) -> "pd.DataFrame":
        """The course of the training: the losses of every step, and the IoU of every check on validation chips.

        Returns:
            One row per step, which is the index. The columns are `stage`, `loss:NAME`, and `iou:REGION`: the IoU at a
            threshold of 50 %, NaN in steps without a check. The table is empty for versions of older releases of tsmu,
            which did not store it.

        Example:
            >>> work.model().curves.index.name
            'step'
        """
        return self._bundle.curves()

    def scores(self) -> "pd.DataFrame":
        """Compute the R matrix of this version and of the versions from which it came, as `tsmu evaluate` does.

        Earlier results are read from the cache, and new ones are added to it; nothing else is written. After a
        rollback, the current version need not come from this one. Then a warning names the versions that are shown.

        Returns:
            IoU on test chips at the stored threshold: one row per version up to this one, one column per region
            of this one; NaN where a region has no test chips, or its IoU is not defined.

        Raises:
            ChipError: no region has test chips.

        Example:
            >>> scores = work.model().scores()
            >>> bool(scores.loc["v001", "alps"] > 0.7)
            True
        """
        from tsmu.workspace.evaluation import scores_table

        return scores_table(self._history()).reindex(columns=self.regions)

    def forgetting(self) -> "pd.DataFrame":
        """Compute how much was forgotten up to this version, along the same line of versions as `scores`.

        Returns:
            One row per version up to this one, with the columns WA and WF (weighted average and forgetting), ACC, BWT,
            F and FWT; NaN where nothing can be averaged yet. A WF at or below zero means that nothing is forgotten.

        Raises:
            ChipError: no region has test chips.

        Example:
            >>> work.model().forgetting().index.tolist()
            ['v001']
        """
        from tsmu.workspace.evaluation import forgetting_table

        return forgetting_table(self._history())

    def _history(self) -> "History":
        """Evaluate this version and those from which it came; issues become Python warnings."""
        from tsmu.evaluate import evaluate_history
        from tsmu.model import is_ancestor

        log = IssueLog(self._folder.chips)
        with self.display.progress("Scoring") as show:
            history = evaluate_history(
                self._folder, log, lambda done, total: show(done, total, ""), version=self._bundle
            )
        if not is_ancestor(self._folder.models, self._bundle):
            line = ", ".join(bundle.name for bundle in history.bundles)
            warnings.warn(
                f"the current version did not come from {self.name}; shown is the line that led to it: {line}",
                stacklevel=3,
            )
        for issue in log.issues:
            warnings.warn(str(issue), stacklevel=3)
        return history

    def predict(
        self,
        image: "npt.ArrayLike | Path | str",
        *,
        region: str | None = None,
        pre: Path | str | None = None,
        dem: Path | str | None = None,
        scale: float | None = None,
        any_resolution: bool = False,
    ) -> "npt.NDArray[np.float32]":
        """Predict where an image shows landslides, by one region's decoder.

        As in `tsmu map`, images of any size are cut into overlapping tiles, whose predictions are blended, so that
        borders between tiles are not visible. The network runs in float32, on the GPU if there is one.

        Args:
            image: an array (C, H, W) in the band order (`bands`) and the units of the training images, NaN = no data;
                or the path or address of a post-event raster.
            region: the region whose decoder predicts; may be left out if the model has learned only one.
            pre: the pre-event raster, for models that take one; only if `image` is a path or address.
            dem: elevations in metres, for models that take terrain; only if `image` is a path or address.
            scale: a factor for all values but those of terrain; with any factor, also 1, values are accepted whatever
                their order of magnitude. By default they must have that of the training images.
            any_resolution: accept a raster of any pixel size, also one unlike that of the training.

        Returns:
            Probabilities float32 (H, W), 0 to 1; NaN where the image has no data. Python warnings name what was
            concluded from the values of a file, such as the order of its bands.

        Raises:
            BundleError: the region has not been learned.
            MapError: bands, values or pixel size do not fit those of the training.
            ImageError: the file cannot be read.

        Example:
            >>> probability = work.model().predict(np.full((3, 40, 70), 110), region="alps")
            >>> probability.shape, probability.dtype
            ((40, 70), dtype('float32'))
        """
        from tsmu.mapping import Scene, checked_array, predict_probabilities

        region = self._one_region(region)
        check_range("scale", scale, MapError, SMALLEST_SCALE, LARGEST_SCALE)
        with ExitStack() as stack:
            source: ImageSource
            if isinstance(image, str | Path):
                source = self._open(image, region, pre, dem, scale, any_resolution, stack)
            else:
                if pre is not None or dem is not None:
                    raise MapError("pre and dem are for files; put their bands into the array, in the model's order")
                source = self._array_image(checked_array(image, self.bands), scale)
            engine = self._engine(region)
            show = stack.enter_context(self.display.progress(f"Predicting by {region}"))
            cuts = self._tile_axes(source, engine, region)
            probability = predict_probabilities(source, engine, cuts, show)
            for file, problem, action in source.remarks if isinstance(source, Scene) else ():
                warnings.warn(f"{file}: {problem}; {action}", stacklevel=2)
            return probability

    def _one_region(self, region: str | None) -> str:
        """Choose the region whose decoder predicts.

        Raises:
            BundleError: the region has not been learned, or none is named and several have been learned.
        """
        if region is None and len(self.regions) > 1:
            raise BundleError(f"{self.path}: has learned {', '.join(self.regions)}; say whose decoder with region=NAME")
        region = self.regions[0] if region is None else region
        if not isinstance(region, str):
            raise BundleError(f"region {region!r}: must be the name of one region: {', '.join(self.regions)}")
        self._bundle.require_region(region)
        return region

    def _open(
        self,
        post: Path | str,
        region: str,
        pre: Path | str | None,
        dem: Path | str | None,
        scale: float | None,
        any_resolution: bool,
        stack: ExitStack,
    ) -> "ImageSource":
        """Open a raster, its pre-event raster and its elevation model, and check them as `tsmu map` does.

        The rasters are closed with `stack`. The other arguments are those of `predict`.
        """
        from tsmu.mapping import (
            Scene,
            check_undeclared_nodata,
            check_values,
            is_plain_picture,
            path_or_url,
            read_plain_pictures,
            remark_uniform_fill,
        )

        place, before = path_or_url(str(post)), None if pre is None else path_or_url(str(pre))
        if isinstance(place, Path) and not isinstance(before, str) and is_plain_picture(place):
            if dem is not None:
                raise MapError(f"{post}: has no place on Earth, so {dem} says nothing of it; leave the elevations out")
            return self._array_image(read_plain_pictures(place, before, self.bands), scale)
        terrain = None if dem is None else self._derive_terrain(place, dem)
        scene = stack.enter_context(
            Scene(place, before, self.bands, scale=1.0 if scale is None else scale, terrain=terrain)
        )
        errors = ErrorCollector()
        with errors.collect():
            check_undeclared_nodata(scene)
        if not any_resolution:
            with errors.collect():
                scene.check_pixel_size(self.record.regions[region].pixel_size)
        if scale is None:
            with errors.collect():
                check_values(scene, self.record.dtypes, self.record.mean, self.record.std)
        errors.raise_all()
        remark_uniform_fill(scene)
        return scene

    def _derive_terrain(self, post: Path | str, dem: Path | str) -> Path:
        """Write the terrain bands that the model takes, on the grid of a post-event raster; return their file's path.

        Raises:
            MapError: the model takes no terrain.
        """
        from tsmu.imagery import derive_terrain, resolve_dem, terrain_bands
        from tsmu.mapping import scene_grid

        bands = terrain_bands(self.bands)
        if not bands:
            raise MapError(f"{dem}: the model takes no terrain; leave the elevations out")
        return derive_terrain(resolve_dem(str(dem)), scene_grid(post), bands, self._folder.cache / "terrain").path

    def _array_image(self, values: "npt.NDArray[np.float32]", scale: float | None) -> "ImageSource":
        """Check an array (C, H, W) of the model's bands, and scale all bands but those of terrain in place."""
        from tsmu.imagery import image_channels
        from tsmu.mapping import ArrayImage, check_numbers

        check_numbers(values, self.bands, self.record.mean, self.record.std, any_size=scale is not None)
        if scale is not None:
            values[image_channels(self.bands)] *= scale
        return ArrayImage(values)

    def _engine(self, region: str) -> "Engine":
        """The network with a region's decoder, which is built at the first call."""
        from tsmu.mapping import torch_engine

        decoder = self.record.regions[region].decoder
        if decoder not in self._engines:
            self._engines[decoder] = torch_engine(self._bundle, decoder)
        return self._engines[decoder]

    def _tile_axes(self, image: "ImageSource", engine: "Engine", region: str) -> "tuple[TileAxis, TileAxis]":
        """Plan the rows and columns of tiles, with the size and overlap of `tsmu map` and the workspace's settings."""
        from tsmu.mapping import MAX_OVERLAP, TileAxis, measure_overlap, plan_tiling

        settings, decoder = self._folder.settings.map, self.record.regions[region].decoder
        overlap = MAX_OVERLAP if settings.shared is None else settings.shared
        tiling = plan_tiling(engine, len(self.bands), image.width, settings.side, overlap)
        if max(image.height, image.width) <= tiling.tile:
            overlap = 0  # one tile
        elif settings.shared is None:
            overlap = measure_overlap(engine, self._bundle, decoder, self._folder.cache, settings.side)
            tiling = plan_tiling(engine, len(self.bands), image.width, settings.side, overlap)
        return TileAxis.plan(image.height, tiling.tile, overlap), TileAxis.plan(image.width, tiling.tile, overlap)

    def __repr__(self) -> str:
        """Name the version and its regions."""
        return f"<Model {self.name}: {', '.join(self.regions)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the version in which each region was learned, and its scores right after that."""
        import pandas as pd

        rows = {
            name: {
                "learned in": f"v{entry.learned_in:03d}",
                "strategy": entry.strategy,
                "threshold, %": entry.threshold,
                **{f"IoU, {split} chips": scores.get("iou") for split, scores in entry.scores.items()},
            }
            for name, entry in self.record.regions.items()
        }
        table = pd.DataFrame(rows.values(), index=pd.Index(list(rows)))
        title = (
            f"<b>{html.escape(self.name)}</b>, encoder {html.escape(self.record.encoder)}; scores right after learning"
        )
        return title + table.to_html(float_format="{:.3f}".format, na_rep="-")
