"""Clusters by address: processes of this machine, a scheduler that runs, or jobs of SLURM."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml

from bccseg.errors import SettingsError
from bccseg.schema import Schema, ranged

if TYPE_CHECKING:
    from distributed import Client

FORMS = "tcp://host:8786 (a scheduler that runs), local:N (N processes here) or slurm:profile.yaml"
NEEDS = "Several machines need packages more: pip install 'bccseg[dask]'"
CONNECT_SECONDS = 20
# How often an item may be under way on a worker that ends before it is given up.
SETTINGS = {"distributed.scheduler.allowed-failures": 2}


class SlurmProfile(Schema):
    """profile.yaml: what one SLURM job asks for, and how many there are. Names as dask-jobqueue has them."""

    title = "SLURM profile"

    jobs: Annotated[int, ranged(1, 10_000)]  # kept at work: one that ends early is submitted again
    cores: Annotated[int, ranged(1, 1024)]  # of a job
    memory: str  # of a job, such as "64GB"
    processes: Annotated[int, ranged(1, 1024)] = 1  # workers of a job, which share its cores
    walltime: str = "01:00:00"
    queue: str | None = None
    account: str | None = None
    interface: str | None = None  # network that nodes reach one another by, such as "ib0"
    python: str | None = None  # on the nodes; the one at work here, if they share its disk
    local_directory: str | None = None
    log_directory: str | None = None
    job_extra_directives: tuple[str, ...] = ()  # such as "--gres=gpu:1"
    job_script_prologue: tuple[str, ...] = ()  # such as "module load cuda"

    @classmethod
    def read(cls, path: Path) -> "SlurmProfile":
        """From a YAML file. Raises SettingsError."""
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"The profile '{path}' cannot be opened ({error.strerror}).") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SettingsError(f"The profile '{path}' is no YAML ({error}).") from error
        return cls.from_dict(values)

    def options(self) -> dict[str, Any]:
        """Arguments of `dask_jobqueue.SLURMCluster`."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name != "jobs"}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in given.items() if v not in (None, ())}


@dataclass(frozen=True)
class Cluster:
    """A cluster at work."""

    client: "Client"
    threads: int | None  # that each worker's network should use; None: as the workers were started


@contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """The cluster at an address, see FORMS; what was started for it ends with it. Raises SettingsError."""
    try:
        import dask
        import distributed
        from dask.system import CPU_COUNT  # what this process may use, in a container too
    except ImportError as error:
        raise SettingsError(f"{NEEDS} ({error}).") from error
    kind, _, rest = address.partition(":")
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(SETTINGS))
        threads = None
        if kind in ("tcp", "tls"):
            where: Any = address
        elif kind == "local" and re.fullmatch(r"[1-9]\d{0,3}", rest):
            threads = max(1, CPU_COUNT // int(rest))
            where = stack.enter_context(_local(int(rest), stack.enter_context(tempfile.TemporaryDirectory())))
        elif kind == "slurm" and rest:
            profile = SlurmProfile.read(Path(rest))
            threads = max(1, profile.cores // profile.processes)
            where = stack.enter_context(_slurm(profile))
        else:
            raise SettingsError(f"--cluster is {FORMS}, not '{address}'.")
        try:
            client = distributed.Client(where, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise SettingsError(f"No scheduler of Dask answers at '{address}' ({error}). Start one first.") from error
        yield Cluster(stack.enter_context(client), threads)


def _local(workers: int, folder: str) -> Any:
    """Processes of this machine, a thread each; nobody else reaches them."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0",
        local_directory=folder,
    )  # fmt: skip


def _slurm(profile: SlurmProfile) -> Any:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise SettingsError(f"{NEEDS} ({error}).") from error
    # An item at a time a worker: the network uses its cores by itself.
    cluster = SLURMCluster(
        **profile.options(), worker_extra_args=["--nthreads", "1"], scheduler_options={"dashboard_address": ":0"}
    )
    cluster.adapt(minimum_jobs=profile.jobs, maximum_jobs=profile.jobs)
    return cluster
