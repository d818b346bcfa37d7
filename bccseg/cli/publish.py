"""`bccseg publish`: weights to the Hugging Face Hub."""

import argparse
from pathlib import Path

from bccseg.errors import SettingsError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("publish", help="push the weights of a run to the Hub")
    p.add_argument("folder", type=Path, metavar="RUN", help="folder of a run, or of weights")
    p.add_argument("--repo", required=True, metavar="owner/name", help="model repository; made if it is not there")
    p.add_argument("--public", action="store_true", help="a repository that is made is public (default: private)")
    p.add_argument("--pull-request", action="store_true", help="as a pull request instead of a commit")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Push; prints how to name the weights, or where the pull request is; returns 0."""
    from bccseg.hub import publish_weights

    folder = args.folder / "weights" if (args.folder / "weights").is_dir() else args.folder
    if not (folder / "config.json").exists():
        raise SettingsError(f"'{args.folder}' holds no finished weights.")
    print(publish_weights(folder, args.repo, private=not args.public, pull_request=args.pull_request))
    return 0
