"""The tables of a workspace, and its chips as a torch dataset."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tsmu.errors import ChipError
from tsmu.workspace.base import WorkspaceBase
from tsmu.workspace.ranges import check_choice

if TYPE_CHECKING:
    import geopandas
    import pandas

    from tsmu.chips import ChipDataset, Sample


class WorkspaceTables(WorkspaceBase):
    """The tables of a workspace, which are read at each access; a table that does not exist yet is empty."""

    @property
    def events(self) -> "geopandas.GeoDataFrame":
        """The imported landslide events, in EPSG:4326: event_id, date_min, date_max, region and further columns.

        The columns are those of `tsmu.inventory.EVENT_COLUMNS`, then those of the imported files as text, named
        `src_...`.
        """
        from tsmu.inventory import EVENT_COLUMNS, read_events

        if self.folder.events.exists():
            return read_events(self.folder.events)
        return _empty_table(EVENT_COLUMNS)

    @property
    def pairs(self) -> "geopandas.GeoDataFrame":
        """The image pairs with their footprints in EPSG:4326: id, pre, post, dates, region and further columns.

        The images are absolute paths of rasters on one grid; `pre` is None if there is only a post-event image. Pairs
        that were compared with a region map also have `region_shares`: JSON, the share of the footprint by region.
        """
        from tsmu.imagery import PAIR_COLUMNS, read_pairs

        pairs = read_pairs(self.folder)
        return _empty_table([*PAIR_COLUMNS, "source"]) if pairs is None else pairs

    @property
    def labels(self) -> "pandas.DataFrame":
        """The labels of the pairs: id, source_post, mask (a path), landslides, landslide_share, unknown_share."""
        import pandas as pd

        from tsmu.labels import LABEL_COLUMNS, read_labels

        labels = read_labels(self.folder)
        return pd.DataFrame(columns=LABEL_COLUMNS) if labels is None else labels

    @property
    def chips(self) -> "geopandas.GeoDataFrame":
        """The training set, one row for each chip: id, region, split, files, window, bands, footprint in EPSG:4326.

        Example:
            >>> work.chips.groupby(["region", "split"]).size().to_dict()
            {('eastern_forests', 'test'): 4, ('eastern_forests', 'train'): 100, ('eastern_forests', 'val'): 4}
        """
        from tsmu.chips import read_index

        return read_index(self.folder)

    def dataset(
        self, region: str, split: str = "train", *, transform: "Callable[[Sample], Sample] | None" = None
    ) -> "ChipDataset":
        """The chips of a region as a torch dataset, with the sample dict that TorchGeo also uses.

        A sample is `{"image": float32 (C, H, W), "mask": int64 (H, W), "region": str}`. The image has the units of the
        files, and NaN where there is no data; the mask is 0 background, 1 landslide, 255 unknown.

        Args:
            region: the region of the chips.
            split: train, val or test.
            transform: applied to each sample.

        Returns:
            A map-style dataset that reads the window of each chip from its rasters; empty if the split has no chips.

        Raises:
            ChipError: the workspace has no chips of this region, there is no such split, or files are missing.

        Example:
            >>> dataset = work.dataset("eastern_forests")
            >>> dataset[0]["image"].shape, dataset[0]["mask"].dtype
            (torch.Size([6, 48, 48]), torch.int64)
        """
        from tsmu.chips import SPLITS, ChipDataset, require_files, select_chips

        chips = self.chips
        check_choice("split", split, SPLITS, ChipError)
        if region not in set(chips["region"]):
            regions = ", ".join(sorted(set(chips["region"]))) or "none yet"
            raise ChipError(
                f"{region}: no chips of this region in {self.folder.chips} (regions there: {regions}); "
                f"import some with: tsmu import chips DIR --region {region}"
            )
        rows = select_chips(chips, region, split)
        require_files(rows, f"{split} chips of {region}", decoded=False)
        return ChipDataset(rows, transform)


def _empty_table(columns: "list[str] | dict[str, str]") -> "geopandas.GeoDataFrame":
    """A table in EPSG:4326 without rows."""
    import geopandas

    return geopandas.GeoDataFrame(columns=[*columns, "geometry"], geometry="geometry", crs="EPSG:4326")
