"""Which part of an image is in sight on the Correct page, how large, and which place of it is ringed."""

from dataclasses import dataclass

import numpy as np

from bccseg.annotation.drafts import Draft
from bccseg.report.viewport import ZOOMS, View, make_view

SMALLEST_RING_PX = 10
RING_RADIUS = 0.8  # of the ring around a cell to check, in cell diameters
PLACE_PX = 160  # screen px; so wide is a cell that is brought to the middle
LEAST_CELL_PX = 48  # screen px; a cell that is shown larger can be told, and the picture may stay where it is


@dataclass
class Sight:
    """What of a draft is in sight in one tab."""

    draft: Draft
    zoom: float | None = None  # None: the whole image
    middle: tuple[float, float] | None = None
    view: View | None = None  # as it is now
    room: tuple[int, int] = (1, 1)  # screen px (width, height) that it may fill
    place: tuple[float, float] | None = None  # x, y that is looked at, px of the image
    places_seen: int = 0  # so many have been looked at

    def make_view(self, available_px: tuple[int, int]) -> View:
        """The window to be shown in `available_px` (width, height) screen px."""
        self.room = available_px
        self.view = make_view(self.draft.labels.shape, self.zoom, self.middle, available_px)
        return self.view

    def ring(self, view: View) -> tuple[float, float, float] | None:
        """Ring around the place that is looked at: x, y and radius in screen px."""
        if self.place is None:
            return None
        radius = RING_RADIUS * self.draft.info.diameter_px * view.zoom[0]
        return *view.to_screen(*self.place), max(SMALLEST_RING_PX, radius)

    def zoom_by(self, step: int, about: tuple[float, float] | None = None) -> None:
        """A zoom level in (1), out (-1), or the whole image (0). about: x, y in px of the image; stays where it is."""
        if step == 0 or self.view is None:
            self.zoom, self.middle = None, None
            return
        self._hold_middle()
        now, whole = self.view.zoom[0], self.view.width == self.draft.labels.shape[1]
        levels = [z for z in ZOOMS if (z > now * 1.05 if step > 0 else z < now * 0.95)]
        if step > 0 and levels:
            self.zoom = levels[0]
        elif step < 0 and not (whole and self.view.height == self.draft.labels.shape[0]):
            self.zoom = levels[-1] if levels else None
        else:
            return
        if about and self.zoom:
            middle = self.view.left + self.view.width / 2, self.view.top + self.view.height / 2
            x, y = (a + (m - a) * now / self.zoom for a, m in zip(about, middle, strict=True))
            self.middle = (x, y)
        self.view = make_view(self.draft.labels.shape, self.zoom, self.middle, self.room)

    def pan(self, across: float, down: float) -> None:
        """Move the window by a share of its size."""
        if self.view is not None:
            moved = self.view.moved(across * self.view.width, down * self.view.height, self.draft.labels.shape)
            self.middle = (moved.left + moved.width / 2, moved.top + moved.height / 2)

    def go_to(self, x: float, y: float) -> None:
        """Bring a point of the image to the middle; from the whole image, at twice its size."""
        if self.zoom is None and self.view is not None:
            self.zoom = next((z for z in ZOOMS if z > self.view.zoom[0] * 1.5), ZOOMS[-1])
        self.middle = (x, y)

    def look_at(self, x: float, y: float, *, move: bool = True) -> None:
        """Ring a place; and bring it to the middle, unless it is in sight already."""
        self.place = (x, y)
        self.places_seen += 1
        if move:
            wanted = PLACE_PX / self.draft.info.diameter_px
            self.zoom = min(ZOOMS, key=lambda z: abs(np.log(z / wanted)))
            self.middle = (x, y)

    def in_sight(self, x: float, y: float) -> bool:
        """Whether the cell there is shown whole, and large enough to be told."""
        view, rim = self.view, self.draft.info.diameter_px / 2
        if view is None or view.zoom[0] * 2 * rim < LEAST_CELL_PX:
            return False
        return all(
            start <= at <= start + shown
            and (at - rim >= start or start == 0)
            and (at + rim <= start + shown or start + shown == size)
            for at, start, shown, size in zip(
                (x, y), (view.left, view.top), (view.width, view.height), self.draft.labels.shape[::-1], strict=True
            )
        )

    def _hold_middle(self) -> None:
        if self.view is not None and self.middle is None:
            self.middle = (self.view.left + self.view.width / 2, self.view.top + self.view.height / 2)
