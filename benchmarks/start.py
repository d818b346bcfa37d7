"""Seconds from `streamlit run app.py` to a usable page in Chromium.

python benchmarks/start.py [--repeat 3]
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page

from benchmarks.running_app import browser_page, running_app


def once(page: Page) -> float:
    """Start the server, open the page, wait for the example button to be there."""
    with TemporaryDirectory() as home:
        start = time.perf_counter()
        with running_app(Path(home)) as url:
            page.goto(url)
            page.get_by_role("button", name="Try an example").first.wait_for()
            return time.perf_counter() - start


def main() -> None:
    """Print the median."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--repeat", type=int, default=3)
    args = ask.parse_args()
    with browser_page(1280, 900) as page:
        seconds = [once(page) for _ in range(args.repeat)]
    spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
    print(f"usable page after {statistics.median(seconds):.1f} s (median of {args.repeat}; {spread})")


if __name__ == "__main__":
    main()
