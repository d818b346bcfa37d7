"""What a very large image costs the others: small images of one visitor, alone and beside a large one of another.

    python benchmarks/fairness.py [--megapixels 150] [--images 12] [--json FILE]

Real websocket clients, a server of its own; see `load.py`. The large image is a drawn smear, repeated.
"""

import argparse
import asyncio
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bccseg.imaging.synthetic import draw_smear
from bccseg.io.encode import jpeg
from benchmarks.load import PICTURES, Client, Server, smear, spread

BEGUN_S = 20.0  # after which the large image is unpacked and being worked on


def large(megapixels: float) -> bytes:
    """A JPEG file of so many pixels."""
    one = draw_smear((600, 800), 60, 50, 1)[0]
    times = max(1, round((megapixels * 1e6 / (600 * 800)) ** 0.5))
    return jpeg(np.tile(one, (times, times, 1)))


async def small_ones(client: Client, images: int, first: int) -> list[float]:
    """Seconds for each of some small images, one after the other."""
    names = [f"smear-{client.token[:8]}-{first + k}.png" for k in range(images)]
    return [await client.segment(name, smear(k % PICTURES)) for k, name in enumerate(names)]


async def main() -> None:
    """Print the figures as JSON."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--megapixels", type=float, default=150)
    ask.add_argument("--images", type=int, default=12)
    ask.add_argument("--json", type=Path)
    args = ask.parse_args()
    for k in range(PICTURES):
        smear(k)
    data, server = large(args.megapixels), Server()
    try:
        other, client = Client(server.url), Client(server.url)
        await client.open()
        await small_ones(client, 2, 0)  # warm
        alone = await small_ones(client, args.images, 2)
        await other.open()
        began = time.perf_counter()
        large_one = asyncio.create_task(other.segment(f"smear-{other.token[:8]}-large.jpg", data))
        await asyncio.sleep(BEGUN_S)
        beside = await small_ones(client, args.images, 2 + args.images)
        still = not large_one.done()
        large_one.cancel()
        with suppress(asyncio.CancelledError):
            await large_one
        took = time.perf_counter() - began
        await client.close()
        await other.close()
        errors = server.errors()
    finally:
        server.close()
    found = {
        "megapixels": args.megapixels, "alone": spread(alone), "beside": spread(beside),
        "still_at_the_large_one": still, "seconds_beside": round(took, 1), "errors_in_the_log": errors,
        "ratio_of_medians": round(spread(beside)["median"] / spread(alone)["median"], 2),
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
