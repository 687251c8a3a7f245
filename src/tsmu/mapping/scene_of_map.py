"""Which scene the map in a folder shows, by the tags of its probability raster."""

from pathlib import Path

from tsmu.files import content_digest
from tsmu.imagery import Grid, describe_raster, is_remote
from tsmu.mapping.outputs.map_files import PROBABILITY_FILE, read_tags
from tsmu.mapping.scene.raster import scene_grid
from tsmu.workspace_folder import WorkspaceFolder

# Tags of the probability raster: which scene it maps, by its path or address and by the digest of its content.
SCENE_TAG, SCENE_CONTENT_TAG = "tsmu_scene", "tsmu_scene_content"


def is_map_of(folder: Path, post: Path | str, space: WorkspaceFolder) -> bool:
    """Whether the map in a folder is of a scene; also where there is none, or one that does not say of what it is.

    A map is of the same scene if it has the same path within the workspace, or elsewhere the same content.
    Maps of older versions record neither, but an absolute path: where no file is at that path any more,
    the workspace or the scene was moved, and name and grid decide.

    Args:
        folder: of the map.
        post: the scene's post-event image, an absolute path or an address.
        space: the workspace.

    Example:
        >>> is_map_of(space.maps / "not-there", "https://example.org/post.tif", space)
        True
    """
    tags = read_tags(folder)
    mapped = tags.get(SCENE_TAG)
    if mapped is None or mapped == stored_scene_name(post, space):
        return True
    if not isinstance(post, Path) or is_remote(mapped):
        return False
    if mapped == str(post.resolve()):
        return True
    if not post.is_file():
        return False
    if SCENE_CONTENT_TAG in tags:
        return (tags[SCENE_CONTENT_TAG] or "unknown") == content_digest(post)
    moved = not (space.root / mapped).exists()
    return moved and Path(mapped).name == post.name and _same_grid(folder, post)


def stored_scene_name(post: Path | str, space: WorkspaceFolder) -> str:
    """Return how a map notes its image: the path relative to the workspace inside it, else absolute; or the address."""
    return space.stored_path(post) if isinstance(post, Path) else post


def _same_grid(folder: Path, post: Path) -> bool:
    return Grid.from_raster(describe_raster(folder / PROBABILITY_FILE)).same_as(scene_grid(post))
