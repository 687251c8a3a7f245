"""A folder of chips: matched by name, good ones in, bad ones in the issue log."""

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import rasterio.warp
from rasterio.transform import Affine

from tests.conftest import write_chips, write_raster
from tsmu.chips.building.chip_folder import chips_from_folder, read_groups
from tsmu.chips.building.index_update import add_to_index
from tsmu.chips.index import keep_one_band_list, read_index
from tsmu.errors import ChipError
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder


def read(folder: Path, **options: object) -> tuple[object, IssueLog]:
    log = IssueLog(folder)
    return chips_from_folder(folder, "here", log, **options), log  # type: ignore[arg-type]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, shape, np.uint8)


def test_pairs_get_their_bands_pre_first(tmp_path: Path) -> None:
    chips, log = read(write_chips(tmp_path, 3, pre=True))
    assert chips.iloc[0]["bands"] == [
        f"{when}:{colour}" for when in ("pre", "post") for colour in ("red", "green", "blue")
    ]
    assert len(chips) == 3
    assert [str(issue) for issue in log] == []


def test_each_broken_file_is_logged_and_the_rest_is_taken(tmp_path: Path) -> None:
    write_chips(tmp_path, 10)
    images, masks = tmp_path / "images", tmp_path / "masks"
    (masks / "chip_0.png").unlink()
    (images / "chip_1.png").write_bytes((images / "chip_1.png").read_bytes()[:400])
    write_raster(masks / "chip_2.png", np.zeros((16, 16), np.uint8))
    write_raster(images / "chip_3.tif", noise(7, 32, 32))
    (images / "chip_3.png").unlink()
    write_raster(masks / "chip_4.png", np.array([0, 7, 9], np.uint8)[noise(32, 32) % 3])
    (images / "chip_5.png").write_bytes(b"")
    chips, log = read(tmp_path)
    assert sorted(chips["id"]) == [f"here/chip_{i}" for i in range(6, 10)]
    told = {Path(issue.file).name: issue.problem for issue in log.errors}
    assert len(told) == len(log) == 6
    assert "masks/" in told["chip_0.png"]
    assert "cannot be read" in told["chip_1.png"]
    assert "16 x 16 px" in told["chip_2.png"]
    assert "band_7" in told["chip_3.tif"]
    assert "0, 7, 9" in told["chip_4.png"]
    assert "cannot be read" in told["chip_5.png"]


def test_a_mask_may_say_that_it_is_one(tmp_path: Path) -> None:
    plain, _ = read(write_chips(tmp_path / "plain", 4))
    masks = write_chips(tmp_path / "told", 4) / "masks"
    for number, ending in enumerate(("_mask", "-label", "_Masks", "_gt")):
        (masks / f"chip_{number}.png").rename(masks / f"chip_{number}{ending}.png")
    told, log = read(tmp_path / "told")
    assert [str(issue) for issue in log] == []
    assert told["id"].tolist() == plain["id"].tolist()
    assert told["content"].tolist() == plain["content"].tolist()
    shutil.copy(masks / "chip_0_mask.png", masks / "chip_0.png")
    _, log = read(tmp_path / "told")
    assert [(Path(issue.file).name, "second file" in issue.problem) for issue in log] == [("chip_0_mask.png", True)]


def test_an_image_whose_own_name_ends_like_a_masks_keeps_its_mask(tmp_path: Path) -> None:
    write_chips(tmp_path, 2)
    for kind in ("images", "masks"):
        (tmp_path / kind / "chip_1.png").rename(tmp_path / kind / "chip_0_mask.png")
    chips, log = read(tmp_path)
    assert [str(issue) for issue in log] == []
    assert sorted(chips["id"]) == ["here/chip_0", "here/chip_0_mask"]


def test_a_mask_of_another_name_is_named_beside_its_image(tmp_path: Path) -> None:
    write_chips(tmp_path, 4)
    (tmp_path / "masks" / "chip_2.png").rename(tmp_path / "masks" / "mask_2.png")
    _, log = read(tmp_path)
    told = {Path(issue.file).name: issue.problem for issue in log.errors}
    assert told.keys() == {"chip_2.png", "mask_2.png"}
    assert "masks/mask_2.png has the same number" in told["chip_2.png"]
    assert "images/chip_2.png has the same number" in told["mask_2.png"]


@pytest.mark.parametrize(
    ("first", "second", "remedy"),
    [
        (["pre:red", "post:red"], ["post:red"], "need a workspace each"),
        (["post:red", "post:green"], ["post:b4_red", "post:b3_green"], "name the same bands alike"),
        (["post:red", "post:green"], ["post:red", "post:nir"], "a workspace of their own"),
    ],
)
def test_what_to_do_about_other_bands_is_said(first: list[str], second: list[str], remedy: str) -> None:
    log = IssueLog("chips")
    assert not keep_one_band_list([{"bands": second, "post": "a.png"}], first, log)
    assert remedy in log.errors[0].problem


def test_an_all_empty_mask_is_a_negative_chip(tmp_path: Path) -> None:
    write_chips(tmp_path, 4)
    write_raster(tmp_path / "masks" / "chip_2.png", np.zeros((32, 32), np.uint8))
    chips, log = read(tmp_path)
    assert chips.set_index("id").loc["here/chip_2", "landslide_pixels"] == 0
    assert [str(issue) for issue in log] == []


def test_the_real_all_empty_mask_is_taken(shared_data: Path) -> None:
    chips, log = read(shared_data / "landslide4sense_rgb" / "hokkaido_iburi")
    assert chips.set_index("id").loc["here/l4s_3079", "landslide_pixels"] == 0
    assert len(chips) == 114
    assert [str(issue) for issue in log] == []


def test_nan_pixels_are_unknown_and_said_to_be(tmp_path: Path) -> None:
    for number in range(3):
        image = noise(4, 32, 32).astype(np.float32)
        image[0, :2] = np.nan if number == 1 else number
        write_raster(tmp_path / "images" / f"{number}.tif", image)
        write_raster(tmp_path / "masks" / f"{number}.tif", np.eye(32, dtype=np.uint8))
    chips, log = read(tmp_path)
    assert list(chips["known_pixels"]) == [1024, 1024 - 64, 1024]
    assert [issue.severity for issue in log] == ["warning"]


def test_an_image_without_any_valid_pixel_is_left_out(tmp_path: Path) -> None:
    write_chips(tmp_path, 3)
    (tmp_path / "images" / "chip_0.png").unlink()
    write_raster(tmp_path / "images" / "chip_0.tif", np.full((3, 32, 32), np.nan, np.float32))
    chips, log = read(tmp_path)
    assert len(chips) == 2
    assert len(log.errors) == 1


def test_martian_chips_are_taken_without_a_footprint(shared_data: Path) -> None:
    chips, log = read(shared_data / "mars_7band")
    assert len(chips) == 8
    assert chips.geometry.isna().all()
    assert not log.errors


@pytest.mark.parametrize("made", [(), ("images",), ("images", "masks")])
def test_an_empty_folder_is_refused(tmp_path: Path, made: tuple[str, ...]) -> None:
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(ChipError, match="images/ and"):
        read(tmp_path)


def test_other_bands_than_the_workspace_has_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(ChipError, match="no usable chip"):
        read(write_chips(tmp_path, 2), bands=["post:nir"])


def test_importing_again_adds_nothing_and_moves_no_chip(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    folder = write_chips(tmp_path / "data", 10)
    add_to_index(workspace, read(folder)[0])
    before = read_index(workspace).set_index("id")["split"]
    write_chips(folder, 30)
    index = add_to_index(workspace, read(folder)[0])
    assert len(index) == len(read_index(workspace)) == 30
    assert index.set_index("id")["split"].loc[before.index].equals(before)
    assert set(index[~index["id"].isin(before.index)]["split"]) == {"train", "val", "test"}


def test_two_folders_with_the_same_names_are_both_kept(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    folders = [write_chips(tmp_path / name, 5, seed=number) for number, name in enumerate("abc")]
    for folder in (*folders, folders[1]):
        index = add_to_index(workspace, read(folder)[0])
    assert len(index) == 15
    assert index["id"].is_unique
    assert index.groupby("group")["source"].nunique().max() == 1


def test_a_given_group_is_one_group_in_two_folders(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    groups = {f"chip_{number}": f"event {number % 3}" for number in range(6)}
    for number, name in enumerate("ab"):
        index = add_to_index(workspace, read(write_chips(tmp_path / name, 6, seed=number), groups=groups)[0])
    assert set(index["group"]) == {f"here/{group}" for group in groups.values()}
    assert index.groupby("group")["split"].nunique().max() == 1
    assert index["id"].is_unique


def test_groups_given_later_leave_no_group_on_two_sides(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    folder = write_chips(tmp_path / "data", 10)
    add_to_index(workspace, read(folder)[0])
    index = add_to_index(workspace, read(folder, groups={f"chip_{n}": f"event {n % 3}" for n in range(10)})[0])
    sided = index[index["split"] != "gap"]
    assert sided.groupby("group")["split"].nunique().max() == 1
    assert set(sided["split"]) == {"test", "val"}  # each of the three groups had one or the other


def test_a_chip_that_lost_its_side_gets_no_other_one_later(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    folder = write_chips(tmp_path / "data", 10)
    before = add_to_index(workspace, read(folder)[0])
    groups = {f"chip_{n}": f"event {n % 3}" for n in range(10)}
    first = add_to_index(workspace, read(folder, groups=groups)[0])
    again = add_to_index(workspace, read(folder, groups=groups)[0])
    assert list(again["split"]) == list(first["split"])
    learned = set(before[before["split"] == "train"]["content"])
    assert set(again[again["content"].isin(learned)]["split"]) == {"gap"}


def test_a_moved_workspace_knows_its_own_sources(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    add_to_index(workspace, read(write_chips(tmp_path / "survey" / "chips", 5))[0])
    (tmp_path / "survey").rename(tmp_path / "moved")
    moved = WorkspaceFolder.open(tmp_path / "moved")
    index = add_to_index(moved, read(tmp_path / "moved" / "chips")[0])
    assert len(index) == 5
    assert all(Path(path).exists() for path in index["post"])


def test_chips_with_a_blank_group_are_groups_of_their_own(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("name,group\nchip_0,a\nchip_1,a\nchip_2,\n,b\n")
    assert read_groups(table) == {"chip_0": "a", "chip_1": "a"}


def test_groups_that_no_chip_has_are_told(tmp_path: Path) -> None:
    folder = write_chips(tmp_path / "chips", 5)
    with pytest.raises(ChipError, match="nobody"):
        read(folder, groups={"nobody": "1"})
    _, log = read(folder, groups={"chip_1": "1", "nobody": "1"})
    assert "nobody" in log.issues[0].problem
    table = tmp_path / "groups.csv"
    table.write_text("name,group\nchip_1.png,a\nchip_3.PNG,a\n")
    assert read_groups(table) == {"chip_1": "a", "chip_3": "a"}


def test_given_groups_stay_together(tmp_path: Path) -> None:
    chips, _ = read(write_chips(tmp_path, 10), groups={f"chip_{i}": f"event {i % 3}" for i in range(10)})
    assert all(len(set(rows["split"])) == 1 for _, rows in chips.groupby("group"))


def test_a_copy_with_more_chips_in_it_moves_nothing_out_of_test(tmp_path: Path) -> None:
    space = WorkspaceFolder.create(tmp_path / "survey")
    few = write_chips(tmp_path / "few", 10)
    before = add_to_index(space, chips_from_folder(few, "alps", IssueLog(few)))
    more = write_chips(tmp_path / "more", 30, seed=1)
    for kind in ("images", "masks"):
        for file in (few / kind).iterdir():
            shutil.copy(file, more / kind / f"copy_{file.name}")
    index = add_to_index(space, chips_from_folder(more, "alps", IssueLog(more)))
    assert len(index) == 40  # of the very same images the later ones
    sides = dict(zip(index["content"], index["split"], strict=True))
    assert all(sides[content] == side for content, side in zip(before["content"], before["split"], strict=True))


def test_a_folder_that_was_moved_is_the_same_chips(tmp_path: Path) -> None:
    space = WorkspaceFolder.create(tmp_path / "survey")
    before = add_to_index(space, chips_from_folder(write_chips(tmp_path / "here"), "alps", IssueLog(space.root)))
    (tmp_path / "here").rename(tmp_path / "there")
    index = add_to_index(space, chips_from_folder(tmp_path / "there", "alps", IssueLog(space.root)))
    assert list(index["id"]) == list(before["id"])
    assert list(index["split"]) == list(before["split"])
    assert all(Path(post).exists() for post in index["post"])


@pytest.mark.parametrize("shift", [3, -1])
def test_renumbered_files_stay_on_their_sides(tmp_path: Path, shift: int) -> None:
    space = WorkspaceFolder.create(tmp_path / "survey")
    folder = write_chips(tmp_path / "chips", 10)
    before = add_to_index(space, chips_from_folder(folder, "alps", IssueLog(folder)))
    for kind in ("images", "masks"):
        files = {n: (folder / kind / f"chip_{n}.png").read_bytes() for n in range(10)}
        for number in range(10):
            (folder / kind / f"chip_{number}.png").unlink()
        for number, content in files.items():
            if number >= shift:
                (folder / kind / f"chip_{number - shift}.png").write_bytes(content)
    after = add_to_index(space, chips_from_folder(folder, "alps", IssueLog(folder)))
    assert len(after) == 10 - max(shift, 0)
    sides = dict(zip(before["content"], before["split"], strict=True))
    assert [sides[content] for content in after["content"]] == list(after["split"])


def test_a_chip_too_small_to_know_a_region_by_is_left_out(tmp_path: Path) -> None:
    write_chips(tmp_path, 2)
    for kind, bands in (("images", 3), ("masks", 1)):
        write_raster(tmp_path / kind / "tiny.png", noise(bands, 8, 40) * (kind == "images"))
    chips, log = read(tmp_path)
    assert len(chips) == 2  # type: ignore[arg-type]
    assert "40 x 8 px, a chip has to have 16 px at least" in str(log.errors[0])


def test_copies_within_a_folder_are_left_out(tmp_path: Path) -> None:
    folder = write_chips(tmp_path / "alps")
    for kind in ("images", "masks"):
        shutil.copy(folder / kind / "chip_0.png", folder / kind / "chip_99.png")
    log = IssueLog(folder)
    chips = chips_from_folder(folder, "alps", log)
    assert "alps/chip_99" not in set(chips["id"])
    assert "the same image as chip_0.png" in str(log.errors[0])


def test_chips_in_subfolders_are_matched_within_them(tmp_path: Path) -> None:
    for place in ("north", "south/valley", "."):
        for kind in ("images", "masks"):
            (tmp_path / kind / place).mkdir(parents=True, exist_ok=True)
    for number, place in enumerate(("north", "north", "south/valley", ".")):
        write_raster(tmp_path / "images" / place / f"chip_{number % 2}.png", noise(3, 32, 32) + np.uint8(number))
        write_raster(tmp_path / "masks" / place / f"chip_{number % 2}.png", np.eye(32, dtype=np.uint8))
    write_raster(tmp_path / "images" / "south" / "alone.png", noise(3, 32, 32))
    chips, log = read(tmp_path)
    assert set(chips["id"]) == {
        "here/north/chip_0", "here/north/chip_1", "here/south/valley/chip_0", "here/chip_1",
    }  # fmt: skip
    assert [Path(issue.file).name for issue in log.errors] == ["alone.png"]
    groups = {"chip_0": "both", "north/chip_1": "one", "nobody": "x"}
    grouped, log = read(tmp_path, groups=groups)
    assert grouped.set_index("id")["group"]["here/north/chip_1"] == "here/one"
    assert "here/both" not in set(grouped["group"]), "two chips have that name"
    assert "2 names" in log.issues[-1].problem


def test_names_that_differ_in_their_unicode_form_are_one(tmp_path: Path) -> None:
    for kind, form in (("images", "NFC"), ("masks", "NFD"), ("pre", "NFD")):
        for number in range(3):
            name = unicodedata.normalize(form, f"Gérôme_{number}.png")
            bands = 1 if kind == "masks" else 3
            pixels = noise(bands, 32, 32) + np.uint8(number)
            write_raster(tmp_path / kind / name, pixels % 2 if kind == "masks" else pixels)
    table = tmp_path / "groups.csv"
    listed = "sep=;\nName;Group\nGe\u0301ro\u0302me_0.png;a\nG\u00e9r\u00f4me_1;a\n"
    table.write_bytes(listed.encode("utf-16"))
    chips, log = read(tmp_path, groups=read_groups(table))
    assert len(chips) == 3 and not log.errors
    assert chips["group"].tolist() == ["here/a", "here/a", "here/G\u00e9r\u00f4me_2"]


def test_images_that_are_not_read_are_told(tmp_path: Path) -> None:
    write_chips(tmp_path / "chips", 3)
    write_chips(tmp_path / "chips" / "train", 2)
    _, log = read(tmp_path / "chips")
    assert [(Path(issue.file).name, "4 images" in issue.problem) for issue in log] == [("train", True)]
    with pytest.raises(ChipError, match="one by one: chips"):
        read(tmp_path)


def test_a_table_of_groups_with_backslashes_names_subfolders(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_bytes("name;group;Bemerkung\nnorth\\chip_1.tif;Höhe;é\n".encode("latin-1"))
    assert read_groups(table) == {"north/chip_1": "Höhe"}
    table.write_text("chip,group\na,b\n")
    with pytest.raises(ChipError, match="no column name"):
        read_groups(table)


def chips_of(folder: Path, images: list[np.ndarray], masks: list[np.ndarray], **profile: object) -> Path:
    """Write chips as GeoTIFF, with a georeference each if one is given."""
    for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
        write_raster(folder / "images" / f"{number}.tif", image, **profile)
        write_raster(folder / "masks" / f"{number}.tif", mask, **profile)
    return folder


def told(log: IssueLog) -> str:
    return "; ".join(f"{issue.problem}; {issue.action}" for issue in log)


def test_what_all_chips_of_a_folder_show_is_said_once(tmp_path: Path) -> None:
    eye = np.eye(32, dtype=np.uint8)
    bytes_ = list(noise(6, 3, 32, 32) // 2 + 1)
    _, log = read(chips_of(tmp_path / "inverted", bytes_, [1 - eye] * 6))
    assert "landslides cover 97% of the masks' known pixels; used as it is; see that landslide" in told(log)
    _, log = read(chips_of(tmp_path / "mixed", bytes_, [eye, eye, eye, eye * 255, eye * 255, eye]))
    assert "2 masks have 0 and 255 alone (3.tif), where others have 0 and 1; 255 read as unknown" in told(log)
    holed = [image * (np.arange(32) > 9).astype(np.uint8) for image in bytes_]
    _, log = read(chips_of(tmp_path / "holed", holed, [eye] * 6))
    assert "6 images have many known pixels that are 0 in all bands, up to 31% of" in told(log)
    words = [image.astype(np.uint16) * (40 if number % 2 else 1) for number, image in enumerate(bytes_)]
    _, log = read(chips_of(tmp_path / "units", words, [eye] * 6))
    assert "the values of 3 chips reach about 12" in told(log)
    _, log = read(chips_of(tmp_path / "right", bytes_, [eye] * 6))
    assert not told(log)


def test_a_mask_that_lies_elsewhere_than_its_image_is_left_out(tmp_path: Path) -> None:
    eye, place = np.eye(32, dtype=np.uint8), Affine(10, 0, 500_000, 0, -10, 3_100_000)
    chips_of(tmp_path, list(noise(3, 3, 32, 32) // 2 + 1), [eye] * 3, crs="EPSG:32645", transform=place)
    moved = Affine.translation(200, 0) @ place
    write_raster(tmp_path / "masks" / "1.tif", eye, crs="EPSG:32645", transform=moved)
    chips, log = read(tmp_path)
    assert len(chips) == 2
    assert "lies up to 20 px off its image by its georeference" in log.errors[0].problem
    (west,), (north,) = rasterio.warp.transform("EPSG:32645", "EPSG:4326", [500_000], [3_100_000])
    degrees = Affine(1e-4, 0, west, 0, -1e-4, north)
    write_raster(tmp_path / "masks" / "2.tif", eye, crs="EPSG:4326", transform=degrees)
    chips, log = read(tmp_path)
    assert len(chips) == 1 and len(log.errors) == 2
