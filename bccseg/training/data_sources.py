"""Where training images come from, and what is wrong with them, said before training starts."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bccseg.annotation.dataset_export import chosen_versions, dataset_files, write_dataset
from bccseg.annotation.hub_sync import fetch
from bccseg.annotation.records import image_id
from bccseg.annotation.review import items
from bccseg.annotation.store import LabelStore
from bccseg.config import TrainConfig
from bccseg.errors import BccsegError, DataError
from bccseg.io.archive import is_zip, safe_stem, zip_members
from bccseg.io.images import SUFFIXES, read_image
from bccseg.io.truth import CLASSES, OTHERS, UNKNOWN, read_classes, read_truth
from bccseg.training.pairs import IMAGE_FOLDERS, TRUTH_FOLDERS, find_pairs, is_pair_folder, split_pairs
from bccseg.training.training_image import TrainingImage, load_training_image

STORE_PREFIX, HUB_PREFIX = "store:", "hf://datasets/"
FEW_CELLS, FEW_OF_A_CLASS = 100, 20
NONE_HELD_OUT = (
    "Too few images to hold one out, so the curves are of images that were learned from. "
    "Mark some more images as test before you trust the result."
)
Pairs = list[tuple[Path, Path]]


@dataclass
class TrainingData:
    """Image and mask files by their use, and what a person should know of them."""

    train: Pairs = field(default_factory=list)
    validation: Pairs = field(default_factory=list)  # the base training set's last
    test: Pairs = field(default_factory=list)  # never learned from; for comparing weights
    base: Pairs = field(default_factory=list)  # of the base training set, mixed in
    held_out: int = 0  # images of `validation` that are not of the base training set
    problems: list[str] = field(default_factory=list)  # training cannot start
    warnings: list[str] = field(default_factory=list)
    cells: int = 0  # of train and validation, without the base training set
    classes: Counter[str] = field(default_factory=Counter)  # of those cells and of platelets, where it is known

    @property
    def monitored(self) -> Pairs:
        """What chooses the best epoch: as many images of the base training set as of the new data, so that neither
        drowns the other; the images learned from, where none could be held out.
        """
        new = self.validation[: self.held_out] or self.train
        return new + self.validation[self.held_out :][: max(1, len(new))]

    def __str__(self) -> str:
        mixed = f", mixed with {len(self.base)} of the base training set" if self.base else ""
        return f"{len(self.train)} images to learn from{mixed}, {len(self.validation)} to check on"


def gather_training_data(sources: Iterable[str], work: Path, validation_share: float, base: str = "") -> TrainingData:
    """Pairs of all `sources`: a folder or a zip in the Kaggle layout, or the accepted labels of a collection:
    store:DIR, or hf://datasets/owner/name as `annotation.hub_sync` keeps it.

    What is not a folder already is written below `work`. A source's own splits (train, validation, test) are kept;
    where there is no validation split, `validation_share` of the images are held out. base: a base training set to mix
    in; its test split is left alone. With it there may be too few new images to hold one out. Raises DataError for a
    source that holds nothing.
    """
    data = TrainingData()
    for k, source in enumerate(sources):
        for split, pairs in data_splits(source_folder(source, work / f"source{k}")).items():
            getattr(data, split).extend(pairs)
    if not data.validation and (not base or len(data.train) * validation_share >= 0.5):
        data.train, data.validation = split_pairs(data.train, validation_share)
    data.held_out = len(data.validation)
    if base:
        splits = data_splits(source_folder(base, work / "base"))
        learned, check = splits.get("train", []), splits.get("validation", [])
        if not learned:
            raise DataError(f"The base training set '{Path(base).name}' has no images to learn from.")
        if not check:
            learned, check = split_pairs(learned, validation_share)
        data.base, data.validation = learned, data.validation + check
        if not data.held_out:
            data.warnings.append(NONE_HELD_OUT)
    _inspect(data)
    return data


def load_training_images(
    data: TrainingData, config: TrainConfig, on_field: Callable[[], object] = lambda: None
) -> tuple[list[TrainingImage], list[TrainingImage], list[TrainingImage]]:
    """Fields to learn from, to watch, and of the base training set. `on_field()` is called before each."""
    loaded = []
    for pairs in (data.train, data.monitored, data.base):
        fields = []
        for pair in pairs:
            on_field()
            fields.append(load_training_image(*pair, config))
        loaded.append(fields)
    return tuple(loaded)


def source_folder(source: str, work: Path) -> Path:
    """A source of `gather_training_data` as a folder; one that was written to `work` before is taken as it was then."""
    finished = work.with_name(f"{work.name}.done")
    if finished.exists():
        return work
    if (path := Path(source)).is_dir():
        return path
    _write_source(source, work)
    finished.touch()
    return work


def _write_source(source: str, work: Path) -> None:
    if source.startswith(HUB_PREFIX):
        store = LabelStore(work.with_name(f"{work.name}_collection"))
        fetch(store, source.removeprefix(HUB_PREFIX))
        source = f"{STORE_PREFIX}{store.root}"
    if source.startswith(STORE_PREFIX):
        store = LabelStore(Path(source.removeprefix(STORE_PREFIX)))
        chosen = chosen_versions(items(store))
        if not chosen:
            raise DataError("The collection has no accepted labels yet. Review what was submitted first.")
        write_dataset(dataset_files(store, chosen, "labels"), work)  # a mask would join cells that overlap
        return
    path = Path(source)
    if not path.is_file():
        raise DataError(f"'{source}' does not exist.")
    data = path.read_bytes()
    if not is_zip(data):
        raise DataError(f"'{path.name}' is neither a folder nor a zip.")
    for name, read in zip_members(data).items():
        inside = Path(name)
        side = inside.parent.name.lower()
        pictures = side in (*IMAGE_FOLDERS, *TRUTH_FOLDERS, UNKNOWN, OTHERS) and inside.suffix.lower() in SUFFIXES
        if not pictures and not (side == CLASSES and inside.suffix.lower() == ".json"):
            continue
        split = inside.parent.parent.name.lower()
        folder = work / (split if split in ("train", "validation", "test") else "train") / side
        folder.mkdir(parents=True, exist_ok=True)
        (folder / (safe_stem(inside.name) + inside.suffix.lower())).write_bytes(read())


def data_splits(folder: Path) -> dict[str, Pairs]:
    """The pairs of a folder by split; all are to learn from where it has no splits. Raises DataError."""
    if is_pair_folder(folder):
        return {"train": find_pairs(folder)}
    splits = {
        split: find_pairs(folder / split) for split in ("train", "validation", "test") if (folder / split).is_dir()
    }
    if not splits:
        raise DataError(
            f"{folder.name} has no folders 'original' and 'mask' or 'labels', nor 'train' and 'test' with those inside."
        )
    return splits


def _inspect(data: TrainingData) -> None:
    """Read every pair once; unreadable or contradicting ones are problems, questionable ones warnings."""
    seen: dict[str, str] = {}
    for split in ("test", "validation", "train", "base"):
        for k, (image_path, mask_path) in enumerate(getattr(data, split)):
            try:
                key, cells, classes = _checked_pair(image_path, mask_path)
            except BccsegError as error:
                data.problems.append(str(error))
                continue
            if split == "train" or (split == "validation" and k < data.held_out):
                data.cells += cells
                data.classes += classes
            if split == "base" and seen.get(key) == "train":
                continue  # a base image that was collected again
            if seen.get(key, split) != split:
                data.problems.append(f"{image_path.name} is in {seen[key]} and in {split}: no check would be honest.")
            elif key in seen:
                data.warnings.append(f"{image_path.name} is there twice.")
            seen[key] = split
    _judge_amount(data)


def _judge_amount(data: TrainingData) -> None:
    """Whether there is enough to learn from."""
    if not data.train:
        data.problems.append("There is no image to learn from.")
    if data.cells < FEW_CELLS:
        data.warnings.append(f"There are only {data.cells} cells; expect little from so few.")
    few = [f"{name} ({count})" for name, count in data.classes.items() if count < FEW_OF_A_CLASS]
    if few:
        data.warnings.append(f"There are few cells of: {', '.join(few)}. A network hardly learns a class from so few.")


def _checked_pair(image_path: Path, truth_path: Path) -> tuple[str, int, Counter[str]]:
    """Id of the image, number of its cells, and how many are of each class. Raises BccsegError."""
    try:
        image = read_image(image_path)
        labels, _ = read_truth(truth_path, image, image_path.name)
        known = read_classes(truth_path)
    except BccsegError as error:
        told = str(error).startswith(image_path.name)
        raise (error if told else DataError(f"{image_path.name}: {error}")) from error
    cells = int(labels.max(initial=0))
    if cells == 0:
        raise DataError(f"{truth_path.name} marks no cell.")
    counted = {one.name for one in known.classes if one.counted}
    return image_id(image), cells, Counter(name for name in known.cells.values() if name in counted)
