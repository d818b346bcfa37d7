"""What the files of a run hold: what was asked for, the process that was started, how far it is."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from bccseg.config import TrainConfig
from bccseg.errors import BccsegError, TrainingError
from bccseg.schema import Schema, ranged

State = Literal["queued", "preparing", "training", "paused", "done", "cancelled", "failed", "lost"]
ACTIVE_STATES: tuple[State, ...] = ("queued", "preparing", "training", "paused")
Signal = Literal["pause", "cancel", ""]


class HubMachine(Schema):
    """The machine of Hugging Face that a run was asked to train on."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "machine of Hugging Face"

    flavor: str  # as the Hub calls it, "a10g-small"
    title_there: str = ""  # as people know it, "Nvidia A10G - small"
    minutes: Annotated[int, ranged(5, 24 * 60)]  # after which the Hub ends it, whatever it has learned
    dollars_an_hour: float = 0.0  # as the Hub's list said when it was chosen
    image: str  # what is run there: "hf.co/spaces/owner/name", or an image of a registry
    namespace: str  # account or organisation that pays

    @property
    def most_dollars(self) -> float:
        """What it costs if it takes all its time."""
        return self.dollars_an_hour * self.minutes / 60


class JobSpec(Schema):
    """What a run was asked to do: job.json."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "run"

    name: str
    sources: tuple[str, ...]  # as `gather_training_data` takes them
    config: TrainConfig
    device: str = "auto"
    created: str = ""
    preset: str = ""
    base: str = ""  # base training set to mix in
    hub: HubMachine | None = None  # None: on this machine
    few_labels: bool = False  # only classes were learned, from a few marked cells; it was done when it was made


class HubJob(Schema):
    """The job on Hugging Face that trains a run: hub_job.json."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "job"

    job: str  # its id
    namespace: str
    repo: str  # see `jobs.hub_exchange`
    url: str = ""  # its page
    started: float = 0.0  # seconds since 1970


class StartedProcess(Schema):
    """The process of a run, as who started it knows it: process.json."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "process"

    pid: int = 0
    started: float = 0.0  # seconds since 1970


class JobProgress(Schema):
    """How far a run is: progress.json."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "progress"

    state: State = "queued"
    message: str = ""
    epoch: int = 0  # finished
    epochs: int = 0
    step: int = 0  # of the epoch under way
    steps: int = 0
    loss: float | None = None
    images_per_second: float | None = None
    device: str = ""
    memory_mb: float | None = None  # of the process
    out_of_memory: bool = False
    warnings: list[str] = Field(default_factory=list)
    written: float = 0.0  # seconds since 1970
    pid: int = 0

    @property
    def share(self) -> float:
        """Finished share of the run, 0 to 1."""
        if not self.epochs:
            return 0.0
        return min(1.0, (self.epoch + (self.step / self.steps if self.steps else 0)) / self.epochs)
