"""`bccseg export-model`: weights for other programs."""

import argparse
from pathlib import Path

from bccseg.portable.formats import FORMATS, can_write_onnx, check_format


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("export-model", help="write weights for other programs")
    p.add_argument("weights", metavar="W", help="shipped name, folder or hf://owner/repo[@revision]")
    p.add_argument("--format", default="bioimageio", metavar="|".join(FORMATS),
                   help="default: bioimageio, a package with all of it")  # fmt: skip
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder; made if it is not there")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export; prints what was written; returns 0."""
    check_format(args.format)  # before torch is loaded
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import CARD_FILE, load_weights
    from bccseg.portable.export import portable_files, write_files

    folder, source = locate(args.weights)
    card = folder / CARD_FILE
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    write_files({}, args.out)  # a folder that cannot be made is told before the work
    files = portable_files(load_weights(folder, source), args.format, text)
    write_files(files, args.out)
    print(f"{args.out}: {', '.join(sorted(files))}")
    if args.format == "bioimageio" and not can_write_onnx():
        print("Without ONNX, which needs: pip install 'bccseg[onnx]'")
    return 0
