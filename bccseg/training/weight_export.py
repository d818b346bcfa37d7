"""From a finished run to a weight folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from bccseg.config import TrainConfig
from bccseg.errors import TrainingError
from bccseg.files import write_atomically
from bccseg.imaging.label_image import border_ids
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.io.images import read_image
from bccseg.io.truth import read_truth
from bccseg.metrics.calibration import calibration_error, fit_calibration
from bccseg.metrics.matching import match
from bccseg.model.weight_sources import locate
from bccseg.model.weights import (
    CARD_FILE,
    CalibrationCurve,
    WeightsConfig,
    load_weights,
    read_config,
    save_weights,
    write_config,
)
from bccseg.training.epoch_log import best_epoch, read_epochs
from bccseg.training.model_card import model_card

MIN_CELLS_TO_CALIBRATE = 50


def export_run(
    run: Path,
    out: Path | None = None,
    *,
    name: str | None = None,
    data: str = "",
    licence: str = "",
    thresholds: dict[str, float] | None = None,
    metrics: dict[str, Any] | None = None,
) -> Path:
    """Write the best weights of a run as a weight folder (default: `run`/weights); returns the folder.

    thresholds: fields of SegmentSettings these weights prefer. metrics: what was measured on other images,
    beside the validation numbers of the chosen epoch. The run's configuration goes along as training.json.
    Raises TrainingError before the first epoch is finished.
    """
    best, chosen = run / "best.safetensors", best_epoch(read_epochs(run))
    if chosen is None or not best.exists():
        raise TrainingError(f"The run '{run.name}' has no finished epoch yet.")
    config = TrainConfig.from_json((run / "config.json").read_bytes())
    out, small_rule = out or run / "weights", None
    if config.base_weights:  # what is made of them stays under their licence, and likes their thresholds
        base = read_config(locate(config.base_weights)[0])
        licence, thresholds = licence or base.licence, thresholds or base.thresholds
        small_rule = base.small_rule if (base.network, base.classes) == (config.network, config.classes) else None
    save_weights(
        out,
        load_file(best),
        WeightsConfig(
            name=name or run.name,
            network=config.network,
            classes=config.classes,
            small_rule=small_rule,
            diameter_px=config.diameter_px,
            thresholds=thresholds or {},
            data=data,
            licence=licence,
            metrics={
                "validation": {k: getattr(chosen, k) for k in ("epoch", "val_loss", "val_dice", "val_iou")},
                **(metrics or {}),
            },
        ),
    )
    write_atomically(out / "training.json", config.to_json(indent=2) + b"\n")
    write_atomically(out / CARD_FILE, model_card(read_config(out), run).encode())
    return out


def complete_weights(run: Path, *, licence: str = "", measured: dict[str, Any] | None = None) -> None:
    """Add to the finished weights of a run what became known later, and write their card again.

    measured: metrics and 95 % intervals of `evaluate`, by the set of images (`card.SETS`).
    """
    folder = run / "weights"
    config = read_config(folder)
    metrics = {**config.metrics, **(measured or {})}
    config = write_config(folder, config.replace(licence=licence or config.licence, metrics=metrics))
    if config.cell_head:  # nothing else was learned: the card of the base weights says the rest
        return
    write_atomically(folder / CARD_FILE, model_card(config, run).encode())


def calibrate_weights(folder: Path, pairs: list[tuple[Path, Path]], device: str = "auto") -> float | None:
    """Give the weights in `folder` a calibration from images they have not learned from; returns its error there.

    pairs: image and mask files. Every cell off the border counts as right if it matches a true one at IoU 0.5.
    None, with nothing changed, if those are fewer than MIN_CELLS_TO_CALIBRATE.
    """
    weights = load_weights(folder)
    predictor = Predictor(replace(weights, config=weights.config.replace(calibration=None)), device)
    scores, right = [], []
    for image_path, truth_path in pairs:
        image = read_image(image_path)
        truth, _ = read_truth(truth_path, image, image_path.name)
        found = segment(image, predictor)
        matched = {cell for _, cell, _ in match(truth, found.labels)}
        border = set(border_ids(found.labels).tolist())
        for cell, score in enumerate(found.scores, start=1):
            if cell not in border:
                scores.append(float(score))
                right.append(cell in matched)
    if len(scores) < MIN_CELLS_TO_CALIBRATE:
        return None
    curve = fit_calibration(np.array(scores), np.array(right))
    kept = CalibrationCurve(slope=round(curve.slope, 4), offset=round(curve.offset, 4))
    write_config(folder, weights.config.replace(calibration=kept))
    return calibration_error(curve(np.array(scores)), np.array(right))
