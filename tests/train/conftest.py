"""Small datasets in the Kaggle layout."""

import cv2
import pytest

from bccseg.imaging.synthetic import draw_smear
from bccseg.labels.exporting import parted_mask


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory):
    """Four small drawn smears, not to be changed."""
    folder = tmp_path_factory.mktemp("data")
    for part in ("original", "mask"):
        (folder / part).mkdir()
    for k in range(4):
        image, labels = draw_smear((200, 240), cells=8, diameter_px=48, seed=k, touching=False)
        cv2.imwrite(str(folder / "original" / f"{k}.png"), image[..., ::-1])
        cv2.imwrite(str(folder / "mask" / f"{k}.png"), parted_mask(labels))
    return folder
