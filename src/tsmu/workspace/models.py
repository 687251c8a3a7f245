"""The versions of a workspace's model, and which of them serves which region."""

from typing import TYPE_CHECKING, Any

from tsmu.errors import BundleError
from tsmu.workspace.base import Reporting, WorkspaceBase
from tsmu.workspace.display import Display
from tsmu.workspace.model import Model
from tsmu.workspace.report import Report
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    import pandas as pd

    from tsmu.model import Bundle, Serving


class ModelVersions(Reporting):
    """The versions of a model: list and compare them, and choose the one that serves a region, as `tsmu models` does.

    Example:
        >>> work.models.list()[["version", "learned", "serves"]]
          version learned  serves
        0    v001    alps  [alps]
    """

    def __init__(self, folder: WorkspaceFolder, display: Display) -> None:
        """Give access to the versions in a workspace."""
        self.folder, self.display = folder, display

    def list(self) -> "pd.DataFrame":
        """List the versions, oldest first.

        Returns:
            One row per version: `version`, `created`, `parent` (the version from which it came), `learned` (the region
            that it learned), `strategy`, `regions` (all that it knows), `serves` (the regions that it maps now),
            `bytes` (its size on disk), `current` (whether the next update begins with it).

        Raises:
            BundleError: nothing has been learned yet.
        """
        import pandas as pd

        from tsmu.model import bundle_versions, current_bundle, open_bundle, read_serving

        report, models = self._begin(Report("models list")), self.folder.models
        current, serving = current_bundle(models), read_serving(models)
        if current is None:
            raise BundleError(f"{models}: no bundle yet; make the first with: tsmu update REGION")
        rows = [_version_row(open_bundle(path), current, serving) for path in bundle_versions(models)]
        report.records = len(rows)
        report.details = {"current": current.name, "versions": rows, "pins": serving.model_dump()["pins"]}
        for row in rows:
            mark = "*" if row["version"] == current.name else " "
            report.say(
                f"{mark} {row['version']}  {row['created']}  learned {row['learned']} by {row['strategy']}, "
                f"{row['bytes'] / 1e6:.1f} MB, serves {', '.join(row['serves']) or 'nothing'}"
            )
        for region, pin in serving.pins.items():
            report.say(f"{region} is pinned to {pin.version} since {pin.since}: {pin.why}")
        return pd.DataFrame(rows).assign(current=[row["version"] == current.name for row in rows])

    def pins(self) -> "pd.DataFrame":
        """List the regions that are pinned to a version, which serves them instead of the current one.

        Returns:
            One row per region, which is the index: `version`, `why`, `since` (UTC), `by_hand`, `against`.
        """
        import pandas as pd

        from tsmu.model import Pin, read_serving

        pins = read_serving(self.folder.models).pins
        rows = [pin.model_dump() for pin in pins.values()]
        return pd.DataFrame(rows, index=pd.Index(list(pins), name="region"), columns=list(Pin.model_fields))

    def show(self, version: str) -> Model:
        """Open a version, such as `v003`, and show its card.

        Raises:
            BundleError: there is no such version, or it is damaged.
        """
        from tsmu.model import open_version

        report = self._begin(Report("models show"))
        bundle = open_version(self.folder.models, version)
        model = Model(self.folder, bundle, display=self.display)
        report.records = 1
        report.outputs = {"card": str(bundle.path / "card.md")}
        report.details = {"version": bundle.name, **bundle.record.model_dump(mode="json", exclude={"version"})}
        report.say(model.card)
        return model

    def diff(self, first: str, second: str) -> "pd.DataFrame":
        """Compare two versions: weights by part, regions, thresholds.

        Returns:
            One row per part: `part` (`encoder`, `decoder NAME` or `region NAME`), `change`, `moved` (for weights, the
            norm of their difference divided by the norm of the first version's weights), `detail`.

        Raises:
            BundleError: there is no such version, or it is damaged.
        """
        import pandas as pd

        from tsmu.model import compare_bundles, open_version

        report, models = self._begin(Report("models diff")), self.folder.models
        differences = compare_bundles(open_version(models, first), open_version(models, second))
        rows = [part.as_dict() for part in differences]
        report.records = len(differences)
        report.details = {"first": first, "second": second, "parts": rows}
        for part in differences:
            report.say(str(part))
        return pd.DataFrame(rows)

    def pin(self, region: str, version: str, *, why: str = "by hand") -> Report:
        """Let a version serve a region from now on, whatever is learned later.

        Args:
            region: the region.
            version: the version, such as `v003`, which must have learned the region.
            why: the reason, which is stored with the pin.

        Raises:
            BundleError: there is no such version, or it has not learned the region.
        """
        from tsmu.model import pin_region

        report = self._begin(Report("models pin"))
        with self.folder.lock("tsmu models pin"):
            pin_region(self.folder.models, region, version, why)
        report.records = 1
        report.say(f"{region} is served by {version}; undo with: tsmu models unpin {region}")
        return report

    def unpin(self, region: str) -> Report:
        """Let the current version serve a region again.

        Raises:
            BundleError: the region is not pinned.
        """
        from tsmu.model import unpin_region

        report = self._begin(Report("models unpin"))
        with self.folder.lock("tsmu models unpin"):
            unpin_region(self.folder.models, region)
        report.records = 1
        report.say(f"{region} is served by the current version again; the next update pins it if it serves it worse")
        return report

    def rollback(self, version: str | None = None) -> Model:
        """Make an earlier version the current one, which serves all regions that are not pinned.

        The next update begins with it. No version is removed, and the next one gets a new number.

        Args:
            version: the version, such as `v003`; by default the one from which the current version came.

        Returns:
            The version that is current now.

        Raises:
            BundleError: there is no such version.
        """
        from tsmu.model import current_bundle, open_version, roll_back

        report, models = self._begin(Report("models rollback")), self.folder.models
        with self.folder.lock("tsmu models rollback"):
            current = current_bundle(models)
            if version is None:
                if current is None or current.record.parent is None:
                    raise BundleError(f"{models}: there is no version before the current one to go back to")
                version = f"v{current.record.parent:03d}"
            roll_back(models, version)
        report.records = 1
        report.details = {"current": version}
        report.say(f"{version} is current now; the next update begins with it and gets a new number")
        return Model(self.folder, open_version(models, version), display=self.display, report=report)

    def __repr__(self) -> str:
        """Name the folder of the versions."""
        return f"<ModelVersions in {str(self.folder.models)!r}>"


class ModelVerbs(WorkspaceBase):
    """The members by which a workspace gives access to the versions of its model."""

    @property
    def models(self) -> ModelVersions:
        """The versions: list, compare, pin and roll back."""
        return ModelVersions(self.folder, self.display)

    def model(self, version: str | None = None) -> Model:
        """Open a version of the model.

        Args:
            version: the version, such as `v003`; by default the current one.

        Raises:
            BundleError: there is no such version, nothing has been learned yet, or the version is damaged.

        Example:
            >>> work.model("v001").regions
            ['alps']
        """
        from tsmu.model import open_version, serving_bundle

        models = self.folder.models
        bundle = serving_bundle(models) if version is None else open_version(models, version)
        return Model(self.folder, bundle, display=self.display)


def _version_row(bundle: "Bundle", current: "Bundle", serving: "Serving") -> dict[str, Any]:
    """Make the row of a version in the list of versions."""
    record = bundle.record
    learned = record.newest_region
    as_current = [name for name in current.record.regions if name not in serving.pins]
    return {
        "version": bundle.name,
        "created": record.created,
        "parent": record.parent and f"v{record.parent:03d}",
        "learned": learned,
        "strategy": record.regions[learned].strategy,
        "regions": list(record.regions),
        "serves": (as_current if bundle.path == current.path else [])
        + [name for name, pin in serving.pins.items() if pin.version == bundle.name],
        "bytes": sum(file.stat().st_size for file in bundle.path.rglob("*") if file.is_file()),
    }
