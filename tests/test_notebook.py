"""The notebook of docs/ runs from start to end on real chips and a real pair."""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.networks import NETWORK
from tests.real_data import copy_chips, cut_raster
from tsmu import LandslideDatabase

ROOT = Path(__file__).parents[1]


def test_the_notebook_runs(shared_data: Path, tmp_path: Path) -> None:
    """As users run it, but for its cell of parameters: few chips, few steps, and a threshold that finds something."""
    data = tmp_path / "data"
    for region, folder in (("gorkha", "nepal_gorkha"), ("kodagu", "india_kodagu")):
        copy_chips(shared_data / "landslide4sense_rgb" / folder, data / region, 20)
    for name in ("pre.tif", "post.tif", "mask.tif"):
        cut_raster(shared_data / "iburi_pair" / name, data / "pair" / name)
    notebook = nbformat.read(ROOT / "docs" / "first_lines.ipynb", as_version=4)
    (parameters,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    assert not any(cell.get("outputs") for cell in notebook.cells), "docs/first_lines.ipynb is stored without outputs"
    training = {"steps": 2, "batch_size": 4, **NETWORK}
    parameters.source = (
        f"data, workspaces = {str(data)!r}, {str(tmp_path)!r}\n"
        f"training, mapping = {training!r}, {{'threshold': 1, 'engine': 'torch'}}"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    client = NotebookClient(notebook, timeout=250, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    client.execute(env=environment)
    shown = "".join(str(output.get("data", "")) for cell in notebook.cells for output in cell.get("outputs", []))
    for text in ("<ChipReport", "v002", "WA", "data:image/png;base64,", "seen in the field", "leaflet"):
        assert text in shown, f"the notebook does not show {text!r}"
    assert len(LandslideDatabase(tmp_path / "hokkaido" / "landslides.gpkg").query(status="confirmed")) == 1
