"""`bccseg train`: learn from a folder of images and masks."""

import argparse
import logging
import os
import sys
from pathlib import Path

from bccseg.config import HEAD_CHANNELS, PRESETS, TrainConfig
from bccseg.errors import DataError, SettingsError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("train", help="train a network on images with masks")
    p.add_argument("--data", type=Path, metavar="DIR", help="folder with original/ and mask/")
    p.add_argument("--out", type=Path, metavar="RUN", help="folder of the run; resumed if it exists")
    p.add_argument("--job", type=Path, metavar="RUN", help=argparse.SUPPRESS)  # a run that the training page made
    p.add_argument("--preset", default="recommended", choices=sorted(PRESETS))
    p.add_argument("--config", type=Path, metavar="JSON", help="settings of an earlier run (its config.json)")
    p.add_argument("--network", choices=("unet", "resunet"))
    p.add_argument("--head", choices=sorted(HEAD_CHANNELS))
    p.add_argument("--greyscale", action="store_true", help="read images without colour")
    p.add_argument("--width", type=int)
    p.add_argument("--mix", type=Path, metavar="DIR", help="base training set to mix in, so that it is not forgotten")
    p.add_argument("--init", metavar="W", help="weights to go on from: shipped name, folder or hf://owner/repo")
    p.add_argument("--learning-rate", type=float)
    p.add_argument("--epochs", type=int)
    p.add_argument("--steps", type=int, help="steps an epoch")
    p.add_argument("--seed", type=int)
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    p.set_defaults(run=run)


def config_from(args: argparse.Namespace) -> TrainConfig:
    """The preset or the config file, with what the command line changes. Raises SettingsError."""
    config = PRESETS[args.preset]
    if args.config:
        try:
            config = TrainConfig.from_json(args.config.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(f"'{args.config}' is not the config.json of a run ({error}).") from error
    network = {"architecture": args.network, "head": args.head, "width": args.width}
    network = {k: v for k, v in network.items() if v is not None}
    if args.greyscale:
        network["in_channels"] = 1
    changes = {
        "base_weights": args.init, "learning_rate": args.learning_rate,
        "epochs": args.epochs, "steps_per_epoch": args.steps, "seed": args.seed,
    }  # fmt: skip
    changes = {k: v for k, v in changes.items() if v is not None}
    return config.replace(network=config.network.replace(**network), **changes)


def run(args: argparse.Namespace) -> int:
    """Train; a line an epoch on stderr; the run folder ends with weights/ that `segment` can use."""
    if args.job:
        return run_page_job(args.job)
    if not (args.data and args.out):
        raise SettingsError("train needs --data DIR and --out RUN.")
    config = config_from(args)
    from bccseg.model.device import choose_device
    from bccseg.training.data_sources import gather_training_data, load_training_images
    from bccseg.training.distributed import join_process_group
    from bccseg.training.provenance import save_provenance
    from bccseg.training.trainer import Trainer
    from bccseg.training.weight_export import calibrate_weights, export_run

    group = join_process_group(choose_device(args.device))
    say = print if group.is_main else lambda *_, **__: None
    with group.main_first():
        data = gather_training_data([str(args.data)], args.out / "data", config.validation_share, str(args.mix or ""))
    if data.problems:
        raise DataError(" ".join(data.problems[:10]))
    for line in (f"{data}; reading them", *data.warnings):
        say(line, file=sys.stderr)
    train, monitored, base = load_training_images(data, config)
    if group.is_main:
        args.out.mkdir(parents=True, exist_ok=True)
        save_provenance(args.out, data)
    trainer = Trainer(train, monitored, config, args.out, args.device, base, group)
    for report in trainer.run():
        say(
            f"epoch {report.epoch}/{config.epochs}  loss {report.loss:.4f}  IoU {report.iou:.4f}  "
            f"validation loss {report.val_loss:.4f}  IoU {report.val_iou:.4f}  {report.seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    group.close()
    if not group.is_main:
        return 0
    folder = export_run(args.out, data=f"{args.data.name}: {data}")
    error = calibrate_weights(folder, data.validation, args.device)
    if error is not None:
        print(f"scores calibrated on the images held out, error {error:.3f}", file=sys.stderr)
    print(f"weights in {folder}", file=sys.stderr)
    return 0


def run_page_job(folder: Path) -> int:
    """A run of the training page; how it goes stands in its folder. The app beside it comes first."""
    if hasattr(os, "nice"):
        os.nice(5)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    from bccseg.jobs.training_run import Run
    from bccseg.jobs.worker import run_job

    return 0 if run_job(Run(folder)) else 1
