"""`part-masks` on the command line: drawn overlaps in, one number a cell out."""

import cv2
import numpy as np
import pytest
from scipy import ndimage as ndi

from bccseg.cli import main
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.truth import read_classes, read_objects, read_truth
from bccseg.training.pairs import find_pairs


def discs(*places, shape=(200, 300)):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return [(rows - y) ** 2 + (cols - x) ** 2 <= r * r for y, x, r in places]


def box_lines(places, shape=(200, 300), kind=0):
    h, w = shape
    return "".join(f"{kind} {x / w:.6f} {y / h:.6f} {2 * r / w:.6f} {2 * r / h:.6f}\n" for y, x, r in places)


@pytest.fixture
def folders(tmp_path):
    for name in ("masks", "boxes", "images"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_an_overlapping_pair_of_a_mask_becomes_two_cells(folders, capsys):
    places = [(100, 80, 30), (100, 120, 30), (60, 230, 25)]
    mask = np.any(discs(*places), axis=0)
    cv2.imwrite(str(folders / "masks/a.png"), mask.astype(np.uint8) * 255)
    cv2.imwrite(str(folders / "masks/lonely.png"), mask.astype(np.uint8) * 255)
    (folders / "boxes/a.txt").write_text(box_lines(places))
    arguments = ["part-masks", "--masks", str(folders / "masks"), "--boxes", str(folders / "boxes")]
    assert main([*arguments, "--out", str(folders / "out")]) == 0
    labels = cv2.imread(str(folders / "out/labels/a.png"), cv2.IMREAD_UNCHANGED)
    assert labels.dtype == np.uint16
    assert ((labels > 0) == mask).all()
    assert labels.max() == 3
    assert labels[100, 90] != labels[100, 110]
    assert [p.name for p in (folders / "out/labels").iterdir()] == ["a.png"]
    assert "1 label pictures" in capsys.readouterr().err
    assert main([*arguments, "--out", str(folders / "all"), "--no-cells", "0"]) == 0  # no box counts
    assert cv2.imread(str(folders / "all/labels/a.png"), cv2.IMREAD_UNCHANGED).max() == 2


def test_boxed_cells_of_an_image_are_outlined_and_can_be_learned_from(folders):
    image, truth = draw_smear((300, 400), cells=12, diameter_px=50, seed=2, touching=False)
    cv2.imwrite(str(folders / "images/a.png"), image[..., ::-1])
    lines = ""
    for k in range(1, truth.max() + 1):
        y, x = np.nonzero(truth == k)
        (top, left), (h, w) = (y.min(), x.min()), (np.ptp(y) + 1, np.ptp(x) + 1)
        lines += f"0 {(left + w / 2) / 400} {(top + h / 2) / 300} {w / 400} {h / 300}\n"
    (folders / "boxes/a.txt").write_text(lines)
    arguments = [
        "part-masks",
        "--images",
        str(folders / "images"),
        "--boxes",
        str(folders / "boxes"),
        "--device",
        "cpu",
    ]
    assert main([*arguments, "--out", str(folders)]) == 0
    ((_, path),) = find_pairs(folders)
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert labels.max() == truth.max()
    assert ((labels > 0) == (truth > 0)).mean() > 0.97
    assert (folders / "unknown/a.png").is_file()


def test_wrong_use_and_bad_boxes_are_told(folders, capsys):
    arguments = ["part-masks", "--boxes", str(folders / "boxes"), "--out", str(folders / "out")]
    assert main(arguments) == 2
    assert "needs either --masks DIR or --images DIR" in capsys.readouterr().err
    assert main([*arguments, "--masks", str(folders / "gone")]) == 2
    assert main([*arguments, "--masks", str(folders / "masks")]) == 1
    assert "No picture" in capsys.readouterr().err
    cv2.imwrite(str(folders / "masks/a.png"), np.full((50, 50), 255, np.uint8))
    (folders / "boxes/a.txt").write_text("cell at 3, 4\n")
    assert main([*arguments, "--masks", str(folders / "masks")]) == 1
    assert "a.png: Line 1 of a.txt" in capsys.readouterr().err


def test_platelets_lie_apart_from_the_cells(folders):
    image, truth = draw_smear((300, 400), cells=12, diameter_px=50, seed=2, touching=False)
    free = np.argwhere(ndi.distance_transform_edt(truth == 0) > 12)
    free = free[(free > 20).all(axis=1) & (free < [280, 380]).all(axis=1)]
    y, x = (int(v) for v in free[0])
    cv2.circle(image, (x, y), 6, (120, 60, 140), -1)
    cv2.imwrite(str(folders / "images/a.png"), image[..., ::-1])
    rows, cols = np.nonzero(truth == 1)
    box = cols.mean() / 400, rows.mean() / 300, np.ptp(cols) / 400, np.ptp(rows) / 300
    lines = " ".join(["1", *map(str, box)]) + f"\n2 {x / 400} {y / 300} {14 / 400} {14 / 300}\n"
    (folders / "boxes/a.txt").write_text(lines)
    places = ["--images", str(folders / "images"), "--boxes", str(folders / "boxes"), "--out", str(folders)]
    classes = ["--classes", "white=0", "red=1", "platelet=2"]
    assert main(["part-masks", *places, *classes, "--device", "cpu"]) == 0
    labels, others = (cv2.imread(str(folders / name / "a.png"), cv2.IMREAD_UNCHANGED) for name in ("labels", "others"))
    assert (labels.max(), others.max(), labels[y, x], others[y, x]) == (1, 1, 0, 1)
    path = folders / "labels/a.png"
    assert read_classes(path).cells == {1: "red", 2: "platelet"}
    cells, _ = read_truth(path, image, "a")
    assert read_objects(path, cells, "a")[y, x] == 2
