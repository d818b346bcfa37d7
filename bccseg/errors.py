"""What can go wrong, as one exception tree.

    BccsegError
    ├── ImageError          a file is not an image that can be read
    │   ├── ImageTooLarge   more pixels than the limit, or a zip that unpacks to too much
    │   └── UnsupportedImage  an image of a kind that has no meaning here
    ├── WeightsError        weights that cannot be used
    │   └── HubError        the Hugging Face Hub did not give what was asked for
    ├── DataError           tables, or images and masks, that do not fit together
    ├── TrainingError       a training run that cannot go on
    ├── EditError           a correction that has no effect where it was drawn
    ├── StoreError          a collection or a study that cannot be saved or read
    │   └── WithdrawnError  an image that was taken out of the collection
    ├── WorkerError         the process that runs the network does not start
    ├── SettingsError       a setting outside its range
    ├── AccessError         something that the person at work may not do on this server
    └── Stopped             the person pressed stop

Every message says what happened and what to do about it, in words for a person at a microscope.
"""


class BccsegError(Exception):
    """Base of all errors that are meant to be read by the person using the program."""


class ImageError(BccsegError):
    """A file could not be read as an image."""


class ImageTooLarge(ImageError):
    """An image has more pixels, or an archive more content, than the limit allows."""


class UnsupportedImage(ImageError):
    """An image was read but is of a kind that cannot be segmented."""


class WeightsError(BccsegError):
    """Weights are missing, damaged, or do not fit their config.json."""


class HubError(WeightsError):
    """The Hugging Face Hub did not give what was asked for."""


class DataError(BccsegError):
    """Tables, or training images and masks, do not fit together."""


class TrainingError(BccsegError):
    """A training run cannot go on."""


class WorkerError(BccsegError):
    """The process that runs the network does not start."""


class SettingsError(BccsegError):
    """A setting is outside its range."""


class Stopped(BccsegError):
    """Work was stopped on request; what was finished before is kept."""


class EditError(BccsegError):
    """An edit that cannot be made where it was drawn."""


class StoreError(BccsegError):
    """A collection or a study could not be saved or read."""


class AccessError(BccsegError):
    """The person at work may not do this on this server."""


class WithdrawnError(StoreError):
    """An image was taken out of the collection and does not come back."""
