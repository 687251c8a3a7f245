"""What the map shows: landslides in vector tiles, and images in picture tiles, each where it is."""

import io
import shutil
from pathlib import Path

import mapbox_vector_tile
import morecantile
import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
from PIL import Image
from rasterio.shutil import copy as copy_raster
from rio_tiler.io import Reader

from tests.conftest import write_raster
from tests.mapping.test_change import images, write
from tests.server.conftest import Client, decision, first
from tsmu.database import Database, Filters, open_database, query, scenes
from tsmu.server.context import ServerContext
from tsmu.server.tiles import LandslideBoxCache, SceneLayer, SceneRaster, find_raster, read_tile
from tsmu.server.tiles.web_mercator import tile_bounds_m
from tsmu.workspace import Workspace
from tsmu.workspace_folder import WorkspaceFolder

WEB_MERCATOR = morecantile.tms.get("WebMercatorQuad")  # so that the server's own arithmetic is tested


def tile_at(longitude: float, latitude: float, z: int) -> tuple[int, int]:
    """The tile that holds a place."""
    tile = WEB_MERCATOR.tile(longitude, latitude, z)
    return tile.x, tile.y


def test_vector_tiles_show_every_landslide_once(client: Client, records: Database) -> None:
    table = query(records)
    centre = table.geometry.union_all().centroid
    with client() as browser:
        for z in (0, 8, 13):
            x, y = tile_at(centre.x, centre.y, z)
            answer = browser.get(f"/api/tiles/{z}/{x}/{y}.mvt")
            layers = mapbox_vector_tile.decode(answer.content)
            counted = sum(f["properties"]["count"] for f in layers.get("clusters", {"features": []})["features"])
            drawn = [f["properties"]["id"] for f in layers.get("landslides", {"features": []})["features"]]
            assert len(drawn) == len(set(drawn))
            if z < 13:
                assert counted + len(drawn) == len(table)
            again = browser.get(f"/api/tiles/{z}/{x}/{y}.mvt", headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304
        inside = table[table["id"].isin(drawn)]
        outside = table[~table["id"].isin(drawn)]
        for rows, status in ((outside, 304), (inside, 200)):  # only the tiles that show it are drawn anew
            browser.post("/api/decisions", json=decision("reject", (rows["id"].iloc[0], 1)))
            changed = browser.get(f"/api/tiles/{z}/{x}/{y}.mvt", headers={"If-None-Match": answer.headers["etag"]})
            assert changed.status_code == status
        shown = mapbox_vector_tile.decode(changed.content)["landslides"]["features"]
        statuses = {feature["properties"]["id"]: feature["properties"]["status"] for feature in shown}
        assert statuses[inside["id"].iloc[0]] == "rejected"
        assert browser.get("/api/tiles/1/2/0.mvt").status_code == 404


def test_an_overview_follows_every_change(client: Client, records: Database) -> None:
    filters = Filters(status=("candidate", "confirmed"))
    cache = LandslideBoxCache(records)

    def shown() -> list[tuple[int, ...]]:
        boxes = cache.boxes(filters)
        return sorted(zip(boxes.fid, boxes.version, boxes.state, boxes.area_m2, *boxes.box.T, strict=True))

    shown()
    (one, _), (two, _), (three, _) = (first(records, place) for place in range(3))
    outline = shapely.geometry.mapping(query(records).geometry[0].envelope.centroid.buffer(0.001))
    scene = scenes(records)["id"].item()
    with client() as browser:
        for body in (
            decision("reject", (one, 1)),
            decision("merge", (two, 1), (three, 1)),
            decision("draw", geometry=outline, scene=scene, region="alps"),
            decision("edit", (two, 2), geometry=outline),
        ):
            answer = browser.post("/api/decisions", json=body)
            assert answer.status_code == 200, answer.text
            before, after = shown(), sorted(query(records, filters)["version"])
            assert sorted(row[1] for row in before) == after
        browser.post("/api/decisions", json={"id": "take-back-1"} | answer.json()["undo"])
    followed = shown()
    cache = LandslideBoxCache(records)
    assert followed == shown()


def test_a_density_counts_what_is_drawn_as_an_outline_too(client: Client, records: Database) -> None:
    centre = query(records).geometry.iloc[0].centroid
    x, y = tile_at(centre.x, centre.y, 11)
    path = f"/api/tiles/11/{x}/{y}.mvt"
    assert "landslides" in mapbox_vector_tile.decode(client().get(path).content)
    counted = mapbox_vector_tile.decode(client().get(path, params={"outlines": "false"}).content)
    assert set(counted) == {"clusters"}
    west, south, east, north = WEB_MERCATOR.bounds(x, y, 11)
    sides = query(records).bounds
    across, down = (sides["minx"] + sides["maxx"]) / 2, (sides["miny"] + sides["maxy"]) / 2
    inside = across.between(west, east) & down.between(south, north)
    assert sum(point["properties"]["count"] for point in counted["clusters"]["features"]) == inside.sum()


def test_an_outline_in_a_tile_lies_where_it_is(client: Client, records: Database) -> None:
    largest = query(records).sort_values("area_m2").iloc[-1]
    centre = largest.geometry.envelope.centroid
    z = 14
    x, y = tile_at(centre.x, centre.y, z)
    content = client().get(f"/api/tiles/{z}/{x}/{y}.mvt").content
    layer = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})["landslides"]
    [found] = [f for f in layer["features"] if f["properties"]["id"] == largest["id"]]
    west, south, east, north = WEB_MERCATOR.bounds(x, y, z)
    place = lambda p: np.column_stack([west + p[:, 0] / 4096 * (east - west), north - p[:, 1] / 4096 * (north - south)])  # noqa: E731
    shape = shapely.make_valid(shapely.transform(shapely.geometry.shape(found["geometry"]), place))
    inside = shapely.intersection(largest.geometry, shapely.box(west, south, east, north))
    assert shapely.intersection(shape, inside).area / inside.area > 0.9


def picture(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def test_the_deviation_of_the_views_is_a_layer(client: Client, survey: WorkspaceFolder) -> None:
    shutil.copy(survey.maps / "valley" / "probability.tif", survey.maps / "valley" / "deviation.tif")
    with client() as browser:
        [scene] = browser.get("/api/scenes").json()
        assert scene["layers"] == ["pre", "post", "probability", "uncertainty"]
        centre = shapely.box(*scene["bounds"]).centroid
        x, y = tile_at(centre.x, centre.y, 13)
        assert browser.get(f"/api/scenes/{scene['id']}/uncertainty/13/{x}/{y}.png").status_code == 200


def test_a_map_that_lies_elsewhere_is_shown(client: Client, survey: WorkspaceFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "maps of today"
    shutil.copytree(survey.maps / "valley", elsewhere)
    shutil.rmtree(survey.maps / "valley")
    with client() as browser:
        assert browser.get("/api/scenes").json()[0]["layers"] == ["pre", "post"]
        survey.note_map_folder("valley", elsewhere)  # as `tsmu map --out` does
        assert browser.get("/api/scenes").json()[0]["layers"] == ["pre", "post", "probability"]


def test_a_scene_is_shown_as_its_file_has_it(client: Client, survey: WorkspaceFolder) -> None:
    with client() as browser:
        [scene] = browser.get("/api/scenes").json()
        assert scene["layers"] == ["pre", "post", "probability"]
        assert not {"pre", "post"} & set(scene)
        centre = shapely.box(*scene["bounds"]).centroid
        x, y = tile_at(centre.x, centre.y, 15)
        at = f"/api/scenes/{scene['id']}"
        shown = {layer: picture(browser.get(f"{at}/{layer}/15/{x}/{y}.png").content) for layer in scene["layers"]}
        west, south, east, north = WEB_MERCATOR.bounds(x, y, 15)
        with rasterio.open(survey.root / "scenes" / "valley" / "post.tif") as dataset:
            xs, ys = rasterio.warp.transform("EPSG:4326", dataset.crs, [(west + east) / 2], [(south + north) / 2])
            expected = next(dataset.sample([(xs[0], ys[0])]))
        near = shown["post"][126:130, 126:130, :3].reshape(-1, 3).astype(int)
        assert np.abs(near - expected).max(axis=1).min() <= 3
        assert (shown["pre"] != shown["post"]).any()
        dark = picture(browser.get(f"{at}/post/15/{x}/{y}.png", params={"rescale": "0,510"}).content)
        np.testing.assert_allclose(dark[..., :3], shown["post"][..., :3] / 2, atol=1.5)
        webp = browser.get(f"{at}/post/15/{x}/{y}.webp", params={"size": 512})
        assert (webp.headers["content-type"], picture(webp.content).shape) == ("image/webp", (512, 512, 4))
        assert browser.get(f"{at}/post/3/0/0.png").status_code == 204
        assert browser.get(f"{at}/hillshade/3/0/0.png").status_code == 404
        for bad in ("9", "5,1", "a,b", "nan,1", "0,1,0,1"):
            assert browser.get(f"{at}/post/15/{x}/{y}.png", params={"rescale": bad}).status_code == 400


def test_bands_and_stretch_are_those_that_are_asked_for(client: Client, survey: WorkspaceFolder) -> None:
    post = survey.root / "scenes" / "valley" / "post.tif"
    with rasterio.open(post) as dataset:
        pixels, place = dataset.read(), {"crs": dataset.crs, "transform": dataset.transform}
    wide = np.concatenate([pixels.astype(np.uint16) * 10, np.full_like(pixels[:1], 7, np.uint16)])
    with rasterio.open(write_raster(post, wide, **place), "r+") as dataset:
        dataset.descriptions = ("Red", "green", "blue", "nir")
    with client() as browser:
        [scene] = browser.get("/api/scenes").json()
        assert scene["bands"] == {"pre": ["red", "green", "blue"], "post": ["red", "green", "blue", "nir"]}
        centre = shapely.box(*scene["bounds"]).centroid
        x, y = tile_at(centre.x, centre.y, 15)
        path = f"/api/scenes/{scene['id']}/post/15/{x}/{y}.png"

        def ask(**params: str) -> np.ndarray:
            return picture(browser.get(path, params=params).content)

        usual, swapped = ask(), ask(bands="Blue,green,red")
        np.testing.assert_array_equal(swapped[..., [2, 1, 0]], usual[..., :3])
        grey = ask(bands="green", rescale="0,2550")
        np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
        assert (ask(stretch="2,98") == usual).all()
        lowest, highest = wide[1].min(), wide[1].max()
        np.testing.assert_array_equal(
            ask(bands="green", stretch="0,100"), ask(bands="green", rescale=f"{lowest},{highest}")
        )
        assert (ask(bands="nir", stretch="2,98")[..., 0] == 0).all()  # one value alone
        for params in ({"bands": "swir"}, {"bands": "red,green"}, {"stretch": "98,2"}, {"stretch": "a"}):
            refused = browser.get(path, params=params)
            assert refused.status_code in (400, 404, 422), params
            assert next(iter(params)).removesuffix("s") in refused.json()["error"]


def test_elevations_along_a_line(client: Client, survey: WorkspaceFolder) -> None:
    ramp = np.repeat(np.arange(10, dtype=np.float32)[None], 10, axis=0)
    ramp[9, 9] = -9999
    dem = write_raster(
        survey.root / "dem.tif", ramp, crs="EPSG:4326", transform=rasterio.Affine(0.1, 0, 7, 0, -0.1, 47)
    )
    with client(dem=dem) as browser:
        line = [7.05, 46.95, 7.1, 46.9, 7.31, 46.62, 7.0, 47.0, 7.92, 46.08, 6.9, 46.5]
        answer = browser.get("/api/elevations", params={"line": ",".join(map(str, line))})
        assert answer.json()["elevations"] == [0, 0.5, 2.6, 0, None, None]
        for wrong in ("7", "7,46,8", "a,b", "200,10", ""):
            assert browser.get("/api/elevations", params={"line": wrong}).status_code in (400, 422)
    with client() as browser:
        refused = browser.get("/api/elevations", params={"line": "7,46,8,47"})
        assert (refused.status_code, "--dem" in refused.json()["error"]) == (404, True)


def test_a_shift_moves_the_images_and_stays(client: Client) -> None:
    with client() as browser:
        [scene] = browser.get("/api/scenes").json()
        centre = shapely.box(*scene["bounds"]).centroid
        x, y = tile_at(centre.x, centre.y, 14)
        address = f"/api/scenes/{scene['id']}/post/14/{x}/{y}.png"
        before = picture(browser.get(address).content)
        side = 40_075_016.686 / 2**14 / 256 * np.cos(np.radians(centre.y))  # m, of a pixel on the ground
        moved = {"east_m": 20 * side, "north_m": -10 * side}
        assert browser.put(f"/api/scenes/{scene['id']}/shift", json=moved).json()["by"] == "eva"
        after = picture(browser.get(address).content)
        assert browser.get("/api/scenes").json()[0]["shift_east_m"] == moved["east_m"]
        too_far = browser.put(f"/api/scenes/{scene['id']}/shift", json={"east_m": 1e6, "north_m": 0})
    difference = np.abs(after[10:, 20:, :3].astype(int) - before[:-10, :-20, :3])
    assert np.median(difference) <= 2
    assert too_far.status_code == 422


def test_the_image_before_is_moved_apart(client: Client) -> None:
    with client() as browser:
        [scene] = browser.get("/api/scenes").json()
        centre = shapely.box(*scene["bounds"]).centroid
        x, y = tile_at(centre.x, centre.y, 14)
        path = f"/api/scenes/{scene['id']}"

        def shown(layer: str, **query: str) -> bytes:
            return browser.get(f"{path}/{layer}/14/{x}/{y}.png", params=query).content

        before = {layer: shown(layer) for layer in ("pre", "post")}
        put = lambda **body: browser.put(f"{path}/shift", json=body).json()  # noqa: E731
        stored = put(east_m=0, north_m=0, pre_m=[200, -100], made_at_ms=2000)
        assert [stored[name] for name in ("pre_shift_east_m", "pre_shift_north_m")] == [200, -100]
        assert shown("post") == before["post"]
        assert shown("pre") != before["pre"]
        assert shown("pre", shift="0,0") == before["pre"]  # as a page shows it that has not stored its shift yet
        both = put(east_m=200, north_m=-100, made_at_ms=3000)
        assert both["pre_shift_east_m"] is None
        assert shown("pre") == shown("pre", shift="200,-100")
        late = put(east_m=7, north_m=7, made_at_ms=2500)  # sent before the last one, but it comes after it
        assert late == both
        assert put(east_m=7, north_m=7, made_at_ms=2500, by="jo")["shift_east_m"] == 7
        for bad in ("1", "a,b", "1e6,0", "nan,0"):
            assert browser.get(f"{path}/pre/14/{x}/{y}.png", params={"shift": bad}).status_code == 400


def test_a_hillshade_lights_the_north_west(client: Client, survey: WorkspaceFolder) -> None:
    with rasterio.open(survey.root / "scenes" / "valley" / "post.tif") as dataset:
        profile = {"crs": dataset.crs, "transform": dataset.transform}
        rows, columns = np.mgrid[: dataset.height, : dataset.width]
    cone = (2000 - 5 * np.hypot(rows - 128, columns - 128)).astype(np.float32)
    dem = write_raster(survey.root / "dem.tif", cone, **profile)
    with client(dem=dem) as browser:
        [scene] = browser.get("/api/scenes").json()
        centre = shapely.box(*scene["bounds"]).centroid
        x, y = tile_at(centre.x, centre.y, 15)
        shown = picture(browser.get(f"/api/scenes/{scene['id']}/hillshade/15/{x}/{y}.png").content)
        west, south, east, north = WEB_MERCATOR.bounds(x, y, 15)
    column = int((centre.x - west) / (east - west) * 256)
    row = int((north - centre.y) / (north - south) * 256)
    seen = shown[..., 0].astype(int)
    known = shown[..., 3] > 0
    to_north_west = seen[:row, :column][known[:row, :column]]
    to_south_east = seen[row + 4 :, column + 4 :][known[row + 4 :, column + 4 :]]
    assert to_north_west.mean() > to_south_east.mean() + 50


def test_a_hillshade_of_a_smooth_surface_shows_neither_cells_nor_tiles(client: Client, survey: WorkspaceFolder) -> None:
    with rasterio.open(survey.root / "scenes" / "valley" / "post.tif") as dataset:
        crs, west, north = dataset.crs, dataset.bounds.left, dataset.bounds.top
    rows, columns = np.mgrid[:90, :90] * 30.0  # m
    hills = np.round(1000 + 150 * np.sin(columns / 250) * np.cos(rows / 300)).astype(np.int16)  # as SRTM has them
    dem = write_raster(survey.root / "dem.tif", hills, crs=crs, transform=rasterio.Affine(30, 0, west, 0, -30, north))
    with client(dem=dem) as browser:
        [scene] = browser.get("/api/scenes").json()
        centre = shapely.box(*scene["bounds"]).centroid
        x, y = tile_at(centre.x, centre.y, 16)
        tiles = [browser.get(f"/api/scenes/{scene['id']}/hillshade/16/{x + i}/{y}.png").content for i in (0, 1)]
    shown = np.hstack([picture(content)[..., 0].astype(int) for content in tiles])
    steps = np.abs(np.diff(shown, axis=1))  # from one pixel of 1.6 m to the next
    assert steps.max() <= 4
    assert steps[:, 255].max() <= 4  # where the two tiles meet
    assert np.ptp(shown) > 100


def test_far_tiles_show_a_scene_where_it_is(client: Client) -> None:
    """Each zoom out took four times as long before: at zoom 0 minutes, and more than a GB."""
    with client() as browser:
        [scene] = browser.get("/api/scenes").json()
        area = shapely.box(*scene["bounds"])
        for z in (11, 9, 6, 3, 0):
            x, y = tile_at(area.centroid.x, area.centroid.y, z)
            shown = picture(browser.get(f"/api/scenes/{scene['id']}/post/{z}/{x}/{y}.png").content)
            west, south, east, north = WEB_MERCATOR.bounds(x, y, z)
            rows, columns = np.nonzero(shown[..., 3])
            left, right = np.clip((np.array(area.bounds)[[0, 2]] - west) / (east - west) * 256, 0, 256)
            np.testing.assert_allclose([columns.min(), columns.max() + 1], [left, right], atol=1.5)
            if z >= 9:  # further out the latitude does not go down a tile in even steps
                top, bottom = np.clip((north - np.array(area.bounds)[[3, 1]]) / (north - south) * 256, 0, 256)
                np.testing.assert_allclose([rows.min(), rows.max() + 1], [top, bottom], atol=2)


@pytest.mark.parametrize("overviews", ["NONE", "AUTO"])
def test_a_far_tile_is_what_the_whole_tile_would_be(survey: WorkspaceFolder, tmp_path: Path, overviews: str) -> None:
    path = tmp_path / "post.tif"
    copy_raster(survey.root / "scenes" / "valley" / "post.tif", path, driver="COG", OVERVIEWS=overviews, BLOCKSIZE=128)
    with Reader(str(path)) as reader:
        assert bool(reader.dataset.overviews(1)) == (overviews == "AUTO")
        west, south, east, north = reader.get_geographic_bounds("EPSG:4326")
        bounds = tile_bounds_m(11, *tile_at((west + east) / 2, (south + north) / 2, 11))
        crs = rasterio.CRS.from_epsg(3857)
        whole = reader.part(bounds, crs, crs, width=256, height=256).array
    tile = read_tile(SceneRaster(path, 0), SceneLayer.POST, bounds, 256, (1, 2, 3)).array
    known, expected = ~np.ma.getmaskarray(tile), ~np.ma.getmaskarray(whole)
    assert expected.any() and (known != expected).sum() < 0.1 * expected.sum()
    both = known & expected
    assert np.median(np.abs(tile.data[both].astype(int) - whole.data[both])) < 20


def test_a_missing_image_is_named_without_its_path(client: Client, survey: WorkspaceFolder) -> None:
    (survey.root / "scenes" / "valley" / "pre.tif").unlink()
    with client() as browser:
        answer = browser.get("/api/scenes")
    [scene] = answer.json()
    assert (scene["layers"], scene["missing"]) == (["post", "probability"], {"pre": "pre.tif"})
    assert str(survey.root) not in answer.text


def test_scenes_of_one_name_show_their_own_maps(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "survey")
    for seed, folder in enumerate(("one", "other")):
        for name, pixels in zip(("pre", "post"), images(seed), strict=True):
            write(tmp_path / folder, name, pixels)
    post, other = (tmp_path / folder / "post.tif" for folder in ("one", "other"))
    work.map(post, pre=post.with_name("pre.tif"), by="change")
    work.map(other, pre=other.with_name("pre.tif"), by="change", out=tmp_path / "elsewhere")

    def with_map() -> list[str]:
        """The post-event images of the scenes whose probability is shown."""
        with open_database(work.folder.database) as records:
            context = ServerContext(records, work.folder, reviewer="eva")
            rows = scenes(records).drop(columns="geometry").to_dict("records")
            return [row["post"] for row in rows if find_raster(context, row, SceneLayer.PROBABILITY)]

    assert set(with_map()) == {str(post), str(other)}
    shutil.rmtree(tmp_path / "elsewhere")
    assert with_map() == [str(post)]
    post.write_bytes(post.read_bytes() + b"0")  # replaced under its name: the map is still this scene's
    assert with_map() == [str(post)]
    work.folder.root.rename(tmp_path / "renamed")
    work = Workspace(tmp_path / "renamed")
    assert with_map() == [str(post)]
