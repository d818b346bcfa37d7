"""From a finished run to a weight folder."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from bccseg.config import train_config
from bccseg.errors import TrainingError
from bccseg.files import write_atomically
from bccseg.model.weights import WeightsConfig, save_weights


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
    best = run / "best.safetensors"
    if not best.exists():
        raise TrainingError(f"The run '{run.name}' has no finished epoch yet.")
    values = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config = train_config(values)
    reports = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    chosen = min(reports, key=lambda report: report["val_loss"])
    out = out or run / "weights"
    save_weights(
        out,
        load_file(best),
        WeightsConfig(
            name=name or run.name,
            network=config.network,
            diameter_px=config.diameter_px,
            thresholds=thresholds or {},
            data=data,
            licence=licence,
            metrics={
                "validation": {k: chosen[k] for k in ("epoch", "val_loss", "val_dice", "val_iou")},
                **(metrics or {}),
            },
        ),
    )
    write_atomically(out / "training.json", (json.dumps(values, indent=2) + "\n").encode())
    return out
