"""A predictor whose class maps go by paint: green is a platelet, blue a white cell, any other cell is red."""

import numpy as np

from bccseg.classes import DEFAULT_CLASSES

GREEN, BLUE = (70, 170, 70), (70, 70, 200)


class ClassPainter:
    """The cells of another predictor, with class maps for paint."""

    def __init__(self, predictor, *, classes=True):
        self.predictor, self.told = predictor, classes
        self.source, self.device, self.dtype = "painted", predictor.device, predictor.dtype
        values = {name: getattr(predictor.config, name) for name in type(predictor.config).model_fields}
        network = predictor.config.network.replace(classes=len(DEFAULT_CLASSES) if classes else 0)
        self.config = type(predictor.config)(
            **values | {"network": network, "classes": DEFAULT_CLASSES if classes else (), "small_rule": None}
        )

    def __call__(self, image, white, **asked):
        maps = self.predictor(image, white, **asked)
        if not self.told:
            return maps._replace(classes=None)
        red, green, blue = np.moveaxis(image.astype(int), 2, 0)
        platelet = green > red + 40
        cell = (maps.cell > 0.5) & ~platelet
        is_white = cell & (blue > red + 60)
        found = np.stack([~cell & ~platelet, cell & ~is_white, is_white, platelet])
        return maps._replace(classes=found.astype(np.float32))


def paint(image, labels, white, platelets, radius=6):
    """The smear with some cells in blue, and green discs at (y, x)."""
    image = image.copy()
    image[np.isin(labels, white)] = BLUE
    rows, cols = np.mgrid[: image.shape[0], : image.shape[1]]
    for y, x in platelets:
        image[(rows - y) ** 2 + (cols - x) ** 2 <= radius**2] = GREEN
    return image


def free_places(labels, count, radius=6, apart=30):
    """Middles (y, x) of discs that touch neither a cell nor each other nor the border."""
    from scipy import ndimage as ndi

    room = ndi.distance_transform_edt(np.pad(labels, 1, constant_values=1) == 0)[1:-1, 1:-1]
    places = []
    for y, x in np.argwhere(room[::6, ::6] > radius + 3) * 6:
        if all(abs(y - v) + abs(x - u) > apart for v, u in places):
            places.append((int(y), int(x)))
    assert len(places) >= count
    return [places[k] for k in np.linspace(0, len(places) - 1, count).round().astype(int)]
