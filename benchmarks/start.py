"""Seconds from `streamlit run app.py` to a usable page in Chromium.

python benchmarks/start.py [--repeat 3]
"""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A port nobody uses."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def once(page) -> float:  # noqa: ANN001
    """Start the server, open the page, wait for the example button to be there."""
    port = free_port()
    start = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        page.goto(f"http://127.0.0.1:{port}")
        page.get_by_role("button", name="Try an example").first.wait_for()
        return time.perf_counter() - start
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Print the median."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--repeat", type=int, default=3)
    args = ask.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        seconds = [once(page) for _ in range(args.repeat)]
        browser.close()
    spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
    print(f"usable page after {statistics.median(seconds):.1f} s (median of {args.repeat}; {spread})")


if __name__ == "__main__":
    main()
