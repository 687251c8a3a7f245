"""The pictures of a situation report: its map, its figures, and landslides before and after the event."""

from tsmu.situation.pictures.chips import LandslidePicture, landslide_pictures
from tsmu.situation.pictures.figures import probability_figure, size_figure
from tsmu.situation.pictures.map_picture import MapPicture, draw_map

__all__ = ["LandslidePicture", "MapPicture", "draw_map", "landslide_pictures", "probability_figure", "size_figure"]
