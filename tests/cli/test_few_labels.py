"""Classes of one's own by the command line."""

import numpy as np
import pandas as pd

from bccseg.classes import CellClass, ImageClasses
from bccseg.cli import main
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.encode import png
from bccseg.io.label_files import labels_png


def test_classes_are_learned_from_marked_cells_of_a_dataset(tmp_path, capsys):
    image, labels = draw_smear((400, 500), cells=24, diameter_px=52, seed=6, touching=False)
    image = np.where((labels % 2 == 0)[..., None] & (labels > 0)[..., None], (image * 0.7).astype(np.uint8), image)
    for folder in ("images", "labels", "classes"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    (tmp_path / "data/images/a.png").write_bytes(png(image))
    (tmp_path / "data/labels/a.png").write_bytes(labels_png(labels))
    classes = [CellClass(name="pale", colour="#ff0000"), CellClass(name="dark", colour="#0000ff")]
    known = ImageClasses(classes=classes, cells={cell: ("dark", "pale")[cell % 2] for cell in range(2, 14)})
    (tmp_path / "data/classes/a.json").write_bytes(known.to_json())
    command = ["train", "--few-labels", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "own")]
    assert main(command) == 0
    assert "learned from pale 6, dark 6. Of cells like those" in capsys.readouterr().err
    own = str(tmp_path / "own" / "weights")
    assert main(["segment", str(tmp_path / "data/images"), "--out", str(tmp_path / "out"), "--weights", own]) == 0
    told = pd.read_csv(tmp_path / "out" / "a_cells.csv")["class"].value_counts()
    assert set(told.index) <= {"pale", "dark", "white"}
    assert told["dark"] >= 9
    (tmp_path / "data/classes/a.json").unlink()
    assert main(command) == 1
    assert "No cell of these data has a class" in capsys.readouterr().err
