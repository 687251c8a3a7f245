"""`tsmu update REGION`: the current model version and a region's chips go in, the next version comes out."""

import time

from tsmu.chips import retain_chips
from tsmu.issues import IssueLog
from tsmu.model import (
    FIRST_BATCH,
    WORST_CHIPS,
    Bundle,
    RegionNet,
    RegionRecord,
    current_bundle,
    pin_worse_regions,
    read_serving,
    remove_orphaned_pins,
    training_curves,
    write_bundle,
)
from tsmu.update.bundle_records import record_bundle, record_region, score_region, worst_chips_picture
from tsmu.update.calibration import calibrate
from tsmu.update.plan import UpdatePlan, UpdateRequest, plan_update, request_update, starting_network
from tsmu.update.regression import check_regressions
from tsmu.update.run_folder import (
    complete_update,
    describe_run,
    find_incomplete_update,
    read_outcome,
    starting_point,
    write_outcome,
)
from tsmu.update.strategies import strategy_named
from tsmu.update.training.loggers import open_logger, require_logger
from tsmu.update.training.region_training import train_region
from tsmu.update.training.settings import (
    ONE_DEVICE,
    ProgressCallback,
    TrainingResources,
    TrainingResult,
    TrainingSettings,
)
from tsmu.workspace_folder import WorkspaceFolder


def update_bundle(
    workspace: WorkspaceFolder,
    region: str,
    strategy_name: str,
    settings: TrainingSettings,
    *,
    encoder: str | None = None,
    weights: str | None = None,
    keep_validation: bool = False,
    resources: TrainingResources = ONE_DEVICE,
    progress: ProgressCallback | None = None,
    log: IssueLog | None = None,
) -> Bundle:
    """Let the current version learn a region, and write the result as the next version.

    Old regions that the new version predicts worse (`regression`) are pinned to the version that predicts them
    best; so is the region itself, if a version serves it already and its validation chips are predicted worse now.

    Interrupted at any moment, the same call resumes from the last checkpoint in `runs/`; with other settings,
    other contents of images or masks, other pins or another parent it starts from the beginning. An update that
    was interrupted after its version was written is completed, and the same call returns that version. The
    caller holds the workspace's lock.

    Args:
        workspace: has the chips and the model versions.
        region: has chips in the workspace.
        strategy_name: how to learn.
        settings: steps, batch size, seed.
        encoder: of the network that the first update creates, by default the workspace's; later
            updates may only confirm it.
        weights: likewise, what that encoder starts from.
        keep_validation: copy the region's validation chips into the workspace, for later checks.
        resources: devices and machines that train, and the logger of the training.
        progress: called for each training step.
        log: gets a warning where an interrupted training is not resumed, and why.

    Raises:
        UpdateError, ChipError, BundleError: as their texts say; nothing is written then.

    Example:
        >>> settings = TrainingSettings(steps=2, batch_size=2, seed=0)
        >>> update_bundle(workspace, "alps", "isolate", settings, encoder="tu-test_resnet", weights="none").name
        'v002'
    """
    log = IssueLog(workspace.runs) if log is None else log
    require_logger(resources.logger)
    strategy = strategy_named(strategy_name)
    remove_orphaned_pins(workspace.models)
    request = request_update(workspace, region, strategy, settings, encoder, weights)
    if completed := _complete_interrupted_update(request, log):
        return completed
    plan = plan_update(request, current_bundle(workspace.models), read_serving(workspace.models).pins)
    started = time.monotonic()
    network = starting_network(plan)
    result = _train(plan, network, resources, progress, log)
    temperature = calibrate(network, result.decoder, request.split("val"))
    seconds = time.monotonic() - started
    scores = score_region(request, network, result.decoder)
    entry = record_region(request, scores, result, temperature, seconds)
    worst = worst_chips_picture(request, network, result.decoder, scores)
    if keep_validation:
        retain_chips(workspace, region, request.split("val"))
    bundle = _write_version(plan, network, entry, result, worst)
    complete_update(workspace, bundle)
    return bundle


def _complete_interrupted_update(request: UpdateRequest, log: IssueLog) -> Bundle | None:
    """Complete an update that was killed after its version was written.

    Returns:
        The version, if the same update is asked for again, so that nothing is left to train; None if a training has
        to follow.
    """
    workspace = request.workspace
    written = find_incomplete_update(workspace)
    if written is None:
        return None
    # It is the same update if a plan from the same starting point has the name of the same run.
    if written.record.newest_region == request.region:
        parent, pinned = starting_point(workspace, written)
        if plan_update(request, parent, pinned).run_name == written.record.run:
            complete_update(workspace, written)
            log.warning(written.path, "was written by this update, which was interrupted then", "completed")
            return written
    # Another update was killed. Its version becomes current, unless somebody has rolled back to another one since.
    if read_serving(workspace.models).current == read_outcome(workspace, written)["current"]:
        complete_update(workspace, written)
    return None


def _write_version(
    plan: UpdatePlan, network: RegionNet, entry: RegionRecord, result: TrainingResult, worst_chips: bytes | None
) -> Bundle:
    """Pin the regions that became worse, and write the next version.

    Pins and the outcome are written before the version, so that the same update can go on after a kill at any moment.

    Args:
        plan: of the update.
        network: trained and calibrated.
        entry: the record of the region that was learned.
        result: of the training.
        worst_chips: picture of the validation chips that are predicted worst.
    """
    workspace, region = plan.request.workspace, plan.request.region
    records, worse = plan.old_records | {region: entry}, dict[str, tuple[str, str]]()
    if plan.parent:
        records, worse = check_regressions(plan, network, records)
    record = record_bundle(plan, network, records)
    pin_worse_regions(workspace.models, f"v{record.version:03d}", worse)
    learned, current = None if region in worse else region, read_serving(workspace.models).current
    write_outcome(workspace.runs / plan.run_name, learned, current)
    first_batch = workspace.runs / plan.run_name / FIRST_BATCH
    pictures = {FIRST_BATCH: first_batch.read_bytes()} if first_batch.exists() else {}
    if worst_chips is not None:
        pictures[WORST_CHIPS] = worst_chips
    curves = training_curves(result.losses, result.scores)
    return write_bundle(workspace.models, network, record, result.memory, curves=curves, pictures=pictures)


def _train(
    plan: UpdatePlan,
    network: RegionNet,
    resources: TrainingResources,
    progress: ProgressCallback | None,
    log: IssueLog,
) -> TrainingResult:
    """Train the network in place, in the run's folder, with the validation chips of all regions that may change."""
    request = plan.request
    run = request.workspace.runs / plan.run_name
    describe_run(run, plan.digests, log)
    with open_logger(resources.logger, request.workspace.logs, run.name, plan.digests["settings"]) as logger:
        return train_region(
            network,
            request.region,
            request.split("train"),
            request.strategy,
            request.settings,
            prior=plan.prior,
            validation=plan.scored_chips(network),
            resources=resources,
            checkpoints=run,
            logger=logger,
            progress=progress,
            log=log,
        )
