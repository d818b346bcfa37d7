"""`bccseg evaluate`: how good weights are on images with masks."""

import argparse
import json
import sys
from pathlib import Path

from bccseg.config import DEVICES


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("evaluate", help="score weights on images with masks")
    p.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder with original/ and mask/")
    p.add_argument("--weights", metavar="W", help="a shipped name, a folder, or hf://owner/repo@revision")
    p.add_argument("--device", default="auto", choices=DEVICES)
    p.add_argument("--json", action="store_true", help="one JSON object: metrics, 95 %% intervals, each image")
    p.add_argument("--pictures", type=Path, metavar="DIR", help="write pictures of the ten worst images there")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the metrics; returns 0."""
    from bccseg.inference.evaluate import evaluate
    from bccseg.inference.predictor import Predictor
    from bccseg.io.encode import jpeg
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights
    from bccseg.training.pairs import find_pairs

    pairs = find_pairs(args.data)
    predictor = Predictor(load_weights(*locate(args.weights)), args.device)
    found = evaluate(predictor, pairs, lambda k, n: print(f"\r{k} of {n}", end="", file=sys.stderr))
    print(file=sys.stderr)
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        for k, (name, _, picture) in enumerate(found.pictures(predictor), start=1):
            (args.pictures / f"{k:02}_{Path(name).stem}.jpg").write_bytes(jpeg(picture))
    if args.json:
        print(json.dumps({"weights": predictor.source, **found.to_dict()}))
        return 0
    print(f"{predictor.source} on {len(pairs)} images of {args.data}")
    for name, value in found.metrics.items():
        low, high = found.intervals.get(name, (None, None))
        spread = f"  ({low:.4f} to {high:.4f})" if low is not None else ""
        print(f"  {name:12} {value if isinstance(value, int) or value is None else f'{value:.4f}'}{spread}")
    print("worst images:")
    for row in found.each()[:5]:
        kinds = ", ".join(f"{n} {kind}" for kind, n in row["mistakes"].items())
        print(f"  {row['image'][:50]:50} F1 {row['f1']:.3f}  count error {100 * row['count_error']:.1f} %  {kinds}")
    return 0
