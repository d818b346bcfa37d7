"""What the log of a run says of the classes of each epoch."""

import numpy as np

from bccseg.training.epoch_log import EpochReport, read_epochs
from bccseg.training.trainer import Trainer
from bccseg.training.training_image import load_training_image
from tests.training.test_class_truth import CONFIG, pair  # noqa: F401, the fixture


def test_each_epoch_counts_the_pixels_of_each_class_on_what_is_checked_on(tmp_path, pair):  # noqa: F811
    config = CONFIG.replace(epochs=1, steps_per_epoch=1, batch_size=1, workers=0, warmup_steps=0)
    image = load_training_image(*pair, config)
    list(Trainer([image], [image], config, tmp_path, "cpu").run())
    (report,) = read_epochs(tmp_path)
    table = np.array(report.class_confusion)
    assert table.shape == (4, 4)
    assert (table[1:].sum(axis=1) > 0).any(), "some pixels are known to be of a class"


def test_logs_of_before_have_none():
    old = b'{"epoch":1,"loss":1,"dice":0,"iou":0,"val_loss":1,"val_dice":0,"val_iou":0,"learning_rate":0.1,"seconds":1}'
    assert EpochReport.from_json(old).class_confusion == ()
