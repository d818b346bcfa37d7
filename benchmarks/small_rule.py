"""Learn which small things in the class maps are platelets, and what that gains.

    python -m benchmarks.small_rule DATA --weights FOLDER [--write]

DATA holds images/ and labels/ with boxes of classes, platelets as class 2 (TXL-PBC, train). Each candidate is told by
rules that have not seen its image. With --write the rule and its threshold go into the settings of the weights.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.inference.predictor import Predictor
from bccseg.io.box_files import read_boxes
from bccseg.io.images import read_image
from bccseg.model.weights import load_weights, write_config
from bccseg.training.small_rule_learning import find_candidates, learn_small_rule

PLATELET = 2
THRESHOLDS = tuple(np.round(np.arange(0.2, 0.91, 0.05), 2).tolist())


def main() -> None:
    """Print F1, precision and recall without the rule and with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    predictor = Predictor(load_weights(args.weights), "cpu")
    found = find_candidates(predictor, images(args.data))
    rule, told = learn_small_rule(found, f"boxes of {int(found.true.sum())} platelets, TXL-PBC train")
    print(f"{len(told)} candidates, {int(found.true.sum())} of them platelets; {found.missed} more have no candidate")
    best = 0.5
    for title, values in (("mean probability", found.looks[:, 0]), ("rule", told)):
        scores = {threshold: found.scores(values, threshold) for threshold in THRESHOLDS}
        best = max(scores, key=lambda threshold: scores[threshold][0])
        print(f"{title}: best above {best}: F1 {scores[best][0]:.3f}, precision {scores[best][1]:.3f}, recall "
              f"{scores[best][2]:.3f}")  # fmt: skip
    if args.write:
        config = predictor.config
        write_config(
            args.weights,
            config.replace(small_rule=rule, thresholds={**config.thresholds, "small_threshold": best}),
        )


def images(data: Path) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """Images and the boxes of their platelets."""
    for path in sorted((data / "images").iterdir()):
        image = read_image(path)
        kinds, boxes = read_boxes(data / "labels" / f"{path.stem}.txt", image.shape[:2])
        yield image, boxes[kinds == PLATELET]


if __name__ == "__main__":
    main()
