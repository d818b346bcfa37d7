"""Fields a second on a cluster of one and of two processes, with one of them killed in the middle, against one machine.

    python benchmarks/cluster.py [IMAGE ...] [--fields 24] [--workers 1 2] [--weights W]

Without images, drawn smears of 1600 x 1200 px. Each field is a file of its own. All in one run: `segment` as it is,
then `--cluster` with each number of workers, then with the last number and a worker that is killed when a third of
the fields is done. Timed from when each worker has done one field, so that loading the network is not. The labels are
compared with those of one machine. What handing out costs, whatever is done, is measured with work that does nothing.
"""

import argparse
import contextlib
import io
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import distributed
import torch
from PIL import Image

from bccseg import __version__
from bccseg.cli import main as command
from bccseg.cli.cluster import find_items, work_of
from bccseg.cluster import dispatch
from bccseg.cluster.connect import connect
from bccseg.cluster.records import DONE
from bccseg.cluster.worker import segment_item
from bccseg.config import SegmentSettings
from bccseg.imaging.synthetic import draw_smear

NOTHINGS = 4000


def make_fields(folder: Path, images: list[Path], count: int) -> None:
    """So many files: the images in turn, or drawn smears."""
    drawn = [draw_smear((1200, 1600), cells=110, diameter_px=105, seed=seed)[0] for seed in range(0 if images else 4)]
    for k in range(count):
        if images:
            source = images[k % len(images)]
            (folder / f"field{k:04d}{source.suffix}").write_bytes(source.read_bytes())
        else:
            Image.fromarray(drawn[k % len(drawn)]).save(folder / f"field{k:04d}.png")


def one_machine(fields: Path, out: Path, weights: list[str]) -> float:
    """Fields a second of `segment` in one process, by when each field's table was written."""
    with contextlib.redirect_stderr(io.StringIO()):
        command(["segment", str(fields), "--out", str(out), *weights])
    times = sorted(path.stat().st_mtime for path in out.glob("*_cells.csv"))
    return (len(times) - 1) / (times[-1] - times[0])


def on_cluster(workers: int, fields: Path, out: Path, weights: str | None, *, kill: bool) -> tuple[float, int, float]:
    """Fields a second once every worker has done one; processes that were at it; processor seconds a field, median."""
    args = argparse.Namespace(out=out, weights=weights, device="auto", also=[], classes=False)
    out.mkdir()
    (out / DONE).mkdir()
    items = find_items([fields], out)
    with connect(f"local:{workers}") as cluster:
        work = work_of(args, SegmentSettings(), None, cluster.threads)
        (out / DONE / work.token).touch()
        times, met, killed, cpu = [], set(), 0, []
        for _, record in dispatch.run_items(cluster.client, partial(segment_item, work), items):
            times.append((time.perf_counter(), met | {record.worker}))
            met = met | {record.worker}
            cpu.append(record.cpu_seconds)
            if kill and not killed and len(times) == len(items) // 3:
                address = next(name for name, tasks in cluster.client.processing().items() if tasks)
                killed = cluster.client.run(os.getpid, workers=[address])[address]
                os.kill(killed, signal.SIGKILL)
    first = next(k for k, (_, names) in enumerate(times) if len(names) >= workers)
    return (len(times) - 1 - first) / (times[-1][0] - times[first][0]), len(met), statistics.median(cpu)


def same(one: Path, other: Path) -> bool:
    """Whether both folders hold the same labels."""
    names = sorted(path.name for path in one.glob("*_labels.png"))
    return bool(names) and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def nothing(number: int) -> int:
    """What costs no more than handing it out."""
    return number


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("images", nargs="*", type=Path)
    ask.add_argument("--fields", type=int, default=24)
    ask.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    ask.add_argument("--weights")
    args = ask.parse_args()
    print(
        f"bccseg {__version__}, torch {torch.__version__}, distributed {distributed.__version__}, Python "
        f"{platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; {args.fields} fields"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        fields = folder / "fields"
        fields.mkdir()
        make_fields(fields, args.images, args.fields)
        alone = one_machine(fields, folder / "alone", ["--weights", args.weights] if args.weights else [])
        print(f"  one machine, no cluster      {alone:5.2f} fields a second")
        for workers, kill in [*((n, False) for n in args.workers), (args.workers[-1], True)]:
            out = folder / f"{workers}{kill}"
            speed, processes, cpu = on_cluster(workers, fields, out, args.weights, kill=kill)
            what = f"{workers} worker(s){', one killed' if kill else ''}"
            equal = "labels as on one machine" if same(folder / "alone", out) else "LABELS DIFFER"
            print(
                f"  {what:28} {speed:5.2f} fields a second, {speed / alone:.2f} times; {processes} processes, "
                f"{cpu:.2f} s of processor a field (median); {equal}",
                flush=True,
            )
        read, written, notes = (
            [p.stat().st_size for p in paths if p.is_file()]
            for paths in (fields.iterdir(), out.iterdir(), (out / DONE).rglob("*.json"))
        )
        print(
            f"  a field: {sum(read) / args.fields / 1e6:.2f} MB read, {sum(written) / args.fields / 1e6:.2f} MB "
            f"written in {len(written) / args.fields:.1f} files, and a note of {sum(notes) / len(notes) / 1e3:.1f} kB"
        )
    with connect("local:2") as cluster:
        list(dispatch.run_items(cluster.client, nothing, range(64)))
        start = time.perf_counter()
        list(dispatch.run_items(cluster.client, nothing, range(NOTHINGS)))
        pace = NOTHINGS / (time.perf_counter() - start)
    print(f"  handing out alone: {pace:.0f} items a second, in groups of {dispatch.MOST_IN_GROUP}")


if __name__ == "__main__":
    main()
