"""The command line: python -m bccseg segment | train | evaluate | part-masks | publish | export | ..."""

import argparse
import sys

from bccseg import __version__
from bccseg.cli import collection, evaluate, export_model, part_masks, publish, segment, slide, study, train
from bccseg.errors import BccsegError, SettingsError

OK, SOME_FAILED, WRONG_USE = 0, 1, 2
COMMANDS = (segment, slide, study, train, evaluate, part_masks, publish, export_model, collection)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(prog="bccseg", description="Find, count and measure the cells of blood smears.")
    top.add_argument("--version", action="version", version=f"bccseg {__version__}")
    commands = top.add_subparsers(dest="command", required=True)
    for module in COMMANDS:
        module.add_parser(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 all done, 1 some inputs failed, 2 wrong use."""
    args = parser().parse_args(argv)
    try:
        return args.run(args)
    except SettingsError as error:
        print(f"bccseg: {error}", file=sys.stderr)
        return WRONG_USE
    except BccsegError as error:
        print(f"bccseg: {error}", file=sys.stderr)
        return SOME_FAILED
    except OSError as error:
        print(f"bccseg: a file could not be written or read ({error}). Is the disk full?", file=sys.stderr)
        return SOME_FAILED
    except KeyboardInterrupt:
        print("bccseg: stopped; files that were finished are kept.", file=sys.stderr)
        return SOME_FAILED
