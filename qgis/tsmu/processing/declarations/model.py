"""The model: learning a region, and what was learned."""

from __future__ import annotations

from ...translation import tr
from ..declaration import Declaration
from ..outputs import Output
from ..parameters import Choice, Flag, Number, Path, Text

STRATEGIES = ("", "isolate", "tsmu", "tsmu-plus", "finetune")


def declarations() -> list[Declaration]:
    """The algorithms of this group."""
    return [_update(), _evaluate()]


def _group() -> str:
    return tr("2 Model")


def _update() -> Declaration:
    return Declaration(
        "update", tr("Update the model with a region"), _group(),
        tr("Learns a region and writes the next version of the model; what was learned before is kept. It takes "
           "minutes to hours; cancelled, the same algorithm goes on where it stopped."),
        (("update",),),
        (
            Text("REGION", tr("Region"), optional=False),
            Text("STEPS", tr("Optimisation steps, or auto"), "--steps",
                 help=tr("auto goes on as long as the validation chips are served better.")),
            Number("BATCH_SIZE", tr("Chips per step"), "--batch-size", advanced=True, whole=True, low=2, high=4096),
            Choice("STRATEGY", tr("Strategy"), "--strategy", advanced=True, options=STRATEGIES,
                   labels=(tr("as in tsmu.toml"), *STRATEGIES[1:])),
            Number("SEED", tr("Seed"), "--seed", advanced=True, whole=True, low=0, default=0),
            Text("ENCODER", tr("Encoder of the first version"), "--encoder", advanced=True),
            Text("WEIGHTS", tr("Weights that it starts from"), "--weights", advanced=True,
                 help=tr("auto, none, a name or a file; auto needs no download.")),
            Flag("KEEP_VALIDATION", tr("Copy the validation chips into the workspace"), "--keep-validation",
                 advanced=True),
            Flag("DRY_RUN", tr("Only say what it would take"), "--dry-run", advanced=True),
        ),
        (Output("BUNDLE", tr("Version of the model"), "folder", "bundle"),),
    )  # fmt: skip


def _evaluate() -> Declaration:
    return Declaration(
        "evaluate", tr("Evaluate the model"), _group(),
        tr("Scores every version on every region's test chips: what was learned, and what was forgotten."),
        (("evaluate",),),
        (Path("OUT", tr("Folder for the report"), "--out", advanced=True, folder=True),),
        (
            Output("PAGE", tr("Report"), "html", "html"),
            Output("FIGURES", tr("Figures (JSON)"), "file", "json"),
        ),
    )  # fmt: skip
