"""One side of an event, composed tile by tile; a run that was stopped goes on, and gives the same result.

A scene that could not be read once is left out of the whole side: it is recorded, not asked for again, and tiles that
it is in are composed anew without it. So the result depends on which scenes fail, not on when they do or how often the
run was killed. Where the server as a whole fails, nothing is recorded: the run stops, and goes on when it is called
again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from tsmu.errors import FetchError, ServerError
from tsmu.files import read_json_object, remove, write_json
from tsmu.imagery.composites.event_scenes import SIDE_WORDS, EventScene
from tsmu.imagery.composites.observations import ObservationReader
from tsmu.imagery.composites.options import Side
from tsmu.imagery.composites.tile_composite import (
    TileResult,
    compose_tile,
    read_tile_scenes,
    tile_is_valid,
    write_tile,
)
from tsmu.imagery.composites.zone_tiles import ZoneGrid, choose_tile_side, scenes_of_tile
from tsmu.wording import counted

LEFT_OUT_FILE = "left_out.json"
MAX_FAILURES_IN_A_ROW = 8  # scenes that the server did not give, and nothing else in between


@dataclass(frozen=True)
class Tile:
    """A tile of a zone.

    Attributes:
        zone: its zone.
        window: in the zone's grid.
        path: where it is stored when it is done.
    """

    zone: ZoneGrid
    window: Window
    path: Path


class SideComposite:
    """Composes one side of an event.

    Args:
        work: the folder of its tiles, which no other process uses.
        side: pre or post.
        scenes: those that can be used.
        zones: the grids.
        bands: names of the bands.
        reader: reads scenes.
        workers: how many scenes are read at once.

    Attributes:
        tiles: all tiles that meet the area.
        left_out: id of a scene that could not be read -> why.
    """

    def __init__(
        self,
        work: Path,
        side: Side,
        scenes: Sequence[EventScene],
        zones: Sequence[ZoneGrid],
        bands: Sequence[str],
        reader: ObservationReader,
        workers: int,
    ) -> None:
        self.work, self.side, self.scenes = work, side, scenes
        self._band_count, self._reader, self._workers = len(bands), reader, workers
        bytes_per_pixel = np.dtype(reader.dtype).itemsize * len(bands)
        sides = {zone.zone.name: choose_tile_side(zone, scenes, bytes_per_pixel) for zone in zones}
        self.tiles = [
            Tile(zone, window, work / f"{zone.zone.name}_{side_px}" / f"{window.row_off}_{window.col_off}.npz")
            for zone in zones
            for side_px in [sides[zone.zone.name]]
            for window in zone.windows(side_px)
        ]
        self.left_out: dict[str, str] = read_json_object(work / LEFT_OUT_FILE)
        self._failures_in_a_row: dict[str, str] = {}

    def run(self, is_answering: Callable[[EventScene], bool], advance: Callable[[int], None]) -> None:
        """Compose every tile that is not stored yet.

        Args:
            is_answering: whether the servers that a scene comes from answer at all.
            advance: called with how many tiles of this side are done, at first and after each.

        Raises:
            FetchError: the server as a whole fails; what is done is kept.
        """
        for partial in self.work.glob("**/.*.*-*"):  # half-written when a run was killed
            remove(partial)
        with ThreadPoolExecutor(self._workers) as pool:
            while todo := [tile for tile in self.tiles if not tile_is_valid(tile.path, self.left_out.keys())]:
                done = len(self.tiles) - len(todo)
                advance(done)
                for tile in todo:
                    self._compose(tile, pool, is_answering)
                    done += 1
                    advance(done)

    def seen_pixels(self) -> dict[str, dict[str, int]]:
        """Name of a zone -> id of a scene -> pixels of the area in whose median it is."""
        seen: dict[str, dict[str, int]] = {}
        for tile in self.tiles:
            of_zone = seen.setdefault(tile.zone.zone.name, {})
            for scene, pixels in (read_tile_scenes(tile.path)[0] or {}).items():
                of_zone[scene] = of_zone.get(scene, 0) + pixels
        return seen

    def _compose(self, tile: Tile, pool: ThreadPoolExecutor, is_answering: Callable[[EventScene], bool]) -> None:
        usable = [scene for scene in self.scenes if scene.item.id not in self.left_out]
        windows = scenes_of_tile(tile.zone, usable, tile.window)
        grid, inside = tile.zone.grid.of_window(tile.window), tile.zone.inside(tile.window)
        try:
            result = compose_tile(self._reader, windows, self._band_count, grid, inside, pool, is_answering)
        except ServerError as error:
            raise self._stopped(str(error)) from None
        self._leave_out(result)
        write_tile(tile.path, result)

    def _leave_out(self, result: TileResult) -> None:
        """Record the scenes that failed in a tile, before that tile is stored without them.

        Where many scenes fail one after the other and none can be read in between, it is the server that fails. Then
        these scenes are not left out, and the run stops.

        Raises:
            FetchError: `MAX_FAILURES_IN_A_ROW` scenes have failed in a row.
        """
        if result.answered:
            self._failures_in_a_row.clear()
        elif result.failed:
            self._failures_in_a_row |= result.failed
            if len(self._failures_in_a_row) >= MAX_FAILURES_IN_A_ROW:
                for scene in self._failures_in_a_row:
                    self.left_out.pop(scene, None)
                write_json(self.work / LEFT_OUT_FILE, self.left_out)
                count = counted(len(self._failures_in_a_row), "scene")
                raise self._stopped(f"{next(iter(result.failed.values()))}, as {count} in a row")
        if result.failed:
            self.left_out |= result.failed
            write_json(self.work / LEFT_OUT_FILE, self.left_out)

    def _stopped(self, reason: str) -> FetchError:
        return FetchError(
            f"{reason}; the images {SIDE_WORDS[self.side]} the event are not whole: run it again, and it goes on where "
            "it stopped"
        )
