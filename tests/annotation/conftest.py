"""A collection with a few images and people."""

import numpy as np
import pytest

from bccseg.annotation.drafts import DraftInfo, create_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.imaging.synthetic import draw_smear


@pytest.fixture
def store(tmp_path):
    return LabelStore(tmp_path / "store")


@pytest.fixture
def field():
    """A drawn smear (120, 160) and its labels."""
    return draw_smear((120, 160), cells=6, diameter_px=30, seed=4)


@pytest.fixture
def submitted(store, field):
    """A store with a proposal and Ana's correction of it, and the correction."""
    image, labels = field
    scores = [0.9] * int(labels.max() - 1) + [0.4]
    info = DraftInfo(name="smear 1.png", diameter_px=30, weights="unet", scores=scores, rejected=[[5.0, 5.0, 0.5]])
    draft = create_draft(store, image, labels, info)
    y, x = np.argwhere(labels == 1).mean(axis=0)
    draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    return store, draft.submit(store, "Ana", "one too many", "CC BY 4.0")
