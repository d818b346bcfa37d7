"""Classes of whole cells by a linear rule on `cell_features`: learned in seconds, kept as four small arrays."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.cell_classes import Classification

LIMIT = 4.0  # of a standardised number: one odd cell must not decide


@dataclass(frozen=True, eq=False)
class CellHead:
    """Multinomial logistic regression: K classes from F numbers a cell."""

    names: tuple[str, ...]  # of the K classes
    mean: NDArray[np.float32]  # (F,): of the cells it was learned from
    scale: NDArray[np.float32]  # (F,): what counts as 1
    weight: NDArray[np.float32]  # (K, F)
    bias: NDArray[np.float32]  # (K,)
    seen: NDArray[np.float32]  # (C,): share of those cells that the network's own classes told, by their rows

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of each class, (N, K), of cells with the features (N, F)."""
        return softmax(self.standardised(features) @ self.weight.T.astype(np.float64) + self.bias)

    def standardised(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """What the rule is applied to: (N, F), within LIMIT of 0 where a scale of 1 is."""
        return standardise(features, self.mean, self.scale)

    def classify(
        self, features: NDArray[np.float32], told: Classification | None, names: tuple[str, ...]
    ) -> Classification:
        """The class of each of N cells, as rows of `names`.

        told: by the network. Where it tells a class that none of the cells was that this was learned from, and that
        these classes do not have, that one stays: shapes learned on red cells say nothing of a white one.
        """
        probability = self(features)
        best = probability.argmax(axis=1)
        rows = np.array([names.index(name) for name in self.names], np.int16)
        number, score = rows[best].astype(np.int16), probability.max(axis=1, initial=0).astype(np.float32)
        if told is not None and len(self.seen):
            stays = np.array([
                self.seen[k] < LEAST_SEEN and name not in self.names for k, name in enumerate(told.names)
            ])  # fmt: skip
            other = np.array([names.index(name) for name in told.names], np.int16)
            keep = (told.number >= 0) & stays[told.number] & (told.score >= 0.5)
            number[keep], score[keep] = other[told.number[keep]], told.score[keep]
        return Classification(names, number, score)

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """All arrays by their names."""
        arrays = (field.name for field in fields(self) if field.name != "names")
        return {name: np.ascontiguousarray(getattr(self, name), np.float32) for name in arrays}

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray], names: tuple[str, ...]) -> "CellHead":
        """What `tensors` gave, of the classes `names`. Raises ValueError where they do not fit together."""
        if tensors.keys() != {field.name for field in fields(cls)} - {"names"}:
            raise ValueError(f"it holds {', '.join(sorted(tensors)) or 'nothing'}")
        head = cls(names, **{name: np.asarray(values, np.float32) for name, values in tensors.items()})
        shapes = (head.mean.shape, head.scale.shape, head.weight.shape, head.bias.shape, head.seen.ndim)
        f = head.mean.shape
        if len(f) != 1 or shapes != (f, f, (len(names), *f), (len(names),), 1):
            raise ValueError("its arrays do not fit its classes")
        if not all(np.isfinite(values).all() for values in head.tensors().values()) or not (head.scale > 0).all():
            raise ValueError("it holds numbers that are none")
        return head


LEAST_SEEN = 0.02  # share of the cells learned from, below which a class of the network's own was not among them


def standardise(features: NDArray, mean: NDArray, scale: NDArray) -> NDArray[np.float64]:
    """Features (N, F) less their mean, in units of `scale`, within LIMIT."""
    return np.clip((features.astype(np.float64) - mean) / scale, -LIMIT, LIMIT)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (N, K) of logits (N, K)."""
    power = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return power / power.sum(axis=1, keepdims=True)
