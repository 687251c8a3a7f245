"""The command `tsmu respond`, which responds to an event: imagery, a first map and a situation report."""

from datetime import datetime
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from tsmu.cli.command import JsonOption, WorkspaceOption, console, finite
from tsmu.cli.fetch import CollectionOption, MaxCloudOption, StacOption

OWN_IMAGES = "With two images of your own instead of a catalogue: tsmu map POST.tif --pre PRE.tif --by change"


class RespondCommand(TyperCommand):
    """`tsmu respond`, whose errors name `tsmu map --by change` to users who have two images and no catalogue."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words; an error about a missing catalogue, or about images, also names `tsmu map --by change`."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            about = getattr(getattr(error, "param", None), "name", None) or getattr(error, "option_name", "")
            if about in ("stac", "collection", "--pre", "--post"):
                error.message = f"{error.message}. {OWN_IMAGES}".removeprefix(". ")
            raise


def respond(
    aoi: Annotated[str, typer.Option(metavar="FILE|W,S,E,N", help="The area: polygons, or a box in degrees.")],
    date: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Day of the event.")],
    stac: StacOption,
    collection: CollectionOption,
    name: Annotated[str | None, typer.Option(help="Of the event; by default of area and day.")] = None,
    by: Annotated[
        str,
        typer.Option(metavar="auto|decoder|change|both", help="auto: the region's decoder if it fits, else change."),
    ] = "auto",
    region: Annotated[str, typer.Option(metavar="NAME|auto", help="Whose decoder; auto asks the region map.")] = "auto",
    dem: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="Elevations in metres, for relief, change.")
    ] = None,
    cloud_mask: Annotated[
        str | None,
        typer.Option(metavar="ASSET:VALUES|none", help="Which pixels are clouded; by default by SCL or QA_PIXEL."),
    ] = None,
    districts: Annotated[
        str | None, typer.Option(metavar="FILE", help="Polygons by which landslides are counted.")
    ] = None,
    district_name: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="With the districts' names; by default name.")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(min=1, max=100, help="Percent; by default that of what maps.")
    ] = None,
    min_area: Annotated[
        float, typer.Option(min=0, callback=finite, metavar="M2", help="Leave out smaller landslides.")
    ] = 900.0,
    resolution: Annotated[
        float | None,
        typer.Option(min=0.01, max=1e4, callback=finite, metavar="METRES", help="Pixel size; by default the scenes'."),
    ] = None,
    pre_days: Annotated[int, typer.Option(min=1, max=36_500, help="Days before the event for scenes.")] = 365,
    post_days: Annotated[int, typer.Option(min=1, max=36_500, help="Days after the event for scenes.")] = 120,
    max_cloud: MaxCloudOption = 100.0,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Scenes read at once; be polite.")] = 4,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Respond to an event: imagery before and after, a first map, a situation report to print.

    The same command goes on where it was stopped, and with later imagery says what is new.
    """
    with console("respond", as_json) as terminal:
        terminal.workspace(workspace).respond(
            aoi=aoi,
            date=date,
            stac=stac,
            collection=collection,
            name=name,
            by=by,
            region=region,
            dem=dem,
            cloud_mask=cloud_mask,
            districts=districts,
            district_name=district_name,
            threshold=threshold,
            min_area=min_area,
            resolution=resolution,
            pre_days=pre_days,
            post_days=post_days,
            max_cloud=max_cloud,
            workers=workers,
        )
