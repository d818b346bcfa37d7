"""From a finished run to a weight folder."""

import json
from pathlib import Path

from safetensors.torch import load_file

from bccseg.config import train_config
from bccseg.errors import TrainingError
from bccseg.model.weights import WeightsConfig, save_weights


def export_run(
    run: Path, out: Path | None = None, *, name: str | None = None, data: str = "", licence: str = ""
) -> Path:
    """Write the best weights of a run as a weight folder (default: `run`/weights); returns the folder."""
    best = run / "best.safetensors"
    if not best.exists():
        raise TrainingError(f"The run '{run.name}' has no finished epoch yet.")
    config = train_config(json.loads((run / "config.json").read_text(encoding="utf-8")))
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
            data=data,
            licence=licence,
            metrics={k: chosen[k] for k in ("epoch", "val_loss", "val_dice", "val_iou")},
        ),
    )
    return out
