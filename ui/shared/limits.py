"""How much one browser may ask at once and in an hour, and the words when it is too much. No Streamlit in here."""

import time
from collections import deque
from dataclasses import dataclass, field

from bccseg.accounts.server import ServerSettings
from bccseg.config import OWN_COMPUTER, SHARED_SERVER, VisitLimits
from bccseg.io.archive import Entry, count_files, is_zip
from bccseg.io.images import count_pixels

HOUR = 3600.0


def limits_in_force() -> VisitLimits:
    """Those of this server's mode."""
    return SHARED_SERVER if ServerSettings.shared() else OWN_COMPUTER


@dataclass
class Allowance:
    """What one browser has asked for lately."""

    given: deque[tuple[float, int, int]] = field(default_factory=deque)  # when, files, bytes; of the last hour

    def admit(
        self, entries: list[Entry], limits: VisitLimits, *, images: int, waiting: list[Entry], jobs: int,
        now: float | None = None,
    ) -> tuple[list[Entry], list[tuple[str, str]]]:  # fmt: skip
        """The files that may be segmented, and the others' names, each with why not. All are counted as given.

        images: that there are, with those that wait. waiting: files that wait. jobs: batches that are open.
        """
        now = time.monotonic() if now is None else now
        while self.given and self.given[0][0] < now - HOUR:
            self.given.popleft()
        if limits.jobs is not None and jobs >= limits.jobs:
            reason = (
                f"{jobs} batches wait already; that is as many as one browser may have at once. Wait for one to end."
            )
            return [], [(entry.name, reason) for entry in entries]
        megapixels = sum(count_pixels(entry.data) for entry in waiting) / 1e6
        kept, refused = [], []
        for entry in entries:
            files, size = count_files(entry.data), len(entry.data)
            pixels = 0 if is_zip(entry.data) else count_pixels(entry.data) / 1e6
            reason = self._too_much(limits, images + files, megapixels + pixels, files, size, now)
            if reason:
                refused.append((entry.name, reason))
                continue
            kept.append(entry)
            self.given.append((now, files, size))
            images, megapixels = images + files, megapixels + pixels
        return kept, refused

    def _too_much(
        self, limits: VisitLimits, images: int, megapixels: float, files: int, size: int, now: float
    ) -> str:  # fmt: skip
        """Why one more file is too much, and what helps; '' if it is not."""
        minutes = max(1, round((self.given[0][0] + HOUR - now) / 60)) if self.given else 60
        later = f"Try again in {minutes} minutes" if minutes > 1 else "Try again in a minute"
        hourly = files + sum(n for _, n, _ in self.given)
        megabytes = (size + sum(n for _, _, n in self.given)) / 1e6
        if limits.images is not None and images > limits.images:
            return (
                f"That would be more than {limits.images:,} images, which one browser may have on this server. "
                "Download the results, then Clear all; or segment on your own computer."
            )
        if limits.waiting_megapixels is not None and megapixels > limits.waiting_megapixels:
            return (
                f"More than {limits.waiting_megapixels:,.0f} megapixels would wait: as much as one browser may "
                "ask for at once. Add it when the others are done."
            )
        if limits.files_an_hour is not None and hourly > limits.files_an_hour:
            return f"One browser may give this server {limits.files_an_hour:,} files an hour. {later}."
        if limits.megabytes_an_hour is not None and megabytes > limits.megabytes_an_hour:
            return f"One browser may give this server {limits.megabytes_an_hour:,.0f} MB an hour. {later}."
        return ""
