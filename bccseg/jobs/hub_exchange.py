"""What a server and a job on Hugging Face hand each other: a private dataset repository of the account that pays.

job.json, source<k>.zip, base.zip, base_weights/    from the server; names in job.json are those of the files
result/                                             from the job, once it has ended

While it trains the job tells how far it is by lines of its log that begin with MARK.
"""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

from bccseg.errors import HubError, TrainingError
from bccseg.hub import MAX_MODEL_BYTES
from bccseg.jobs.hub_machines import hub_api, jobs_error
from bccseg.jobs.records import JobSpec
from bccseg.training.data_sources import gather_training_data, source_folder
from bccseg.training.pairs import IMAGE_FOLDERS, TRUTH_FOLDERS

MARK = "@bccseg "  # then "progress" or "epoch", a space, and JSON
BASE_WEIGHTS = "base_weights"
RESULT = "result"
# What comes back; anything else in the repository is left there. Nothing in it is unpickled.
RESULT_FILES = re.compile(
    r"(log\.jsonl|preview\.png|config\.json|training\.json|"
    r"weights/(config\.json|model\.safetensors|cell_head\.safetensors|training\.json|README\.md))"
)
PICTURE_FOLDERS = {*IMAGE_FOLDERS, *TRUTH_FOLDERS, "unknown", "others", "classes"}


def repository(namespace: str, run: str) -> str:
    """Name of the repository of a run."""
    return f"{namespace}/bccseg-run-{run.lower()}"


def push_run(repo: str, folder: Path, spec: JobSpec) -> None:
    """Check the data of a run, and put all that it needs into a private repository.

    Raises DataError for data that do not fit together, before anything is sent; HubError.
    """
    from huggingface_hub import CommitOperationAdd

    data = gather_training_data(spec.sources, folder / "data", spec.config.validation_share, spec.base)
    if data.problems:
        raise TrainingError(" ".join(data.problems[:10]))
    packed = folder / "packed"
    packed.mkdir(exist_ok=True)
    sources = [f"source{k}.zip" for k in range(len(spec.sources))]
    files: list[CommitOperationAdd] = []
    for name, source, place in [
        *((name, source, f"source{k}") for k, (name, source) in enumerate(zip(sources, spec.sources, strict=True))),
        *([("base.zip", spec.base, "base")] if spec.base else []),
    ]:
        _pack(source_folder(source, folder / "data" / place), packed / name)
        files.append(CommitOperationAdd(name, str(packed / name)))
    weights = Path(spec.config.base_weights) if spec.config.base_weights else None
    there = spec.config
    if weights is not None and weights.is_dir():
        files += [
            CommitOperationAdd(f"{BASE_WEIGHTS}/{path.name}", str(path)) for path in weights.iterdir() if path.is_file()
        ]
        there = there.replace(base_weights=BASE_WEIGHTS)
    sent = spec.replace(sources=tuple(sources), base="base.zip" if spec.base else "", config=there)
    files.append(CommitOperationAdd("job.json", sent.to_json()))
    api = hub_api()
    try:
        api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
        api.create_commit(repo, files, commit_message="What the training needs", repo_type="dataset")
    except Exception as error:  # the client lets errors of three other libraries through
        raise jobs_error(error, "the images") from error
    finally:
        for path in packed.iterdir():
            path.unlink()
        packed.rmdir()


def fetch_run(repo: str, folder: Path) -> JobSpec:
    """On the machine of the job: all files of the repository into a run folder, and what is to be done there."""
    api = hub_api()
    for sibling in api.repo_info(repo, repo_type="dataset").siblings or []:
        if not sibling.rfilename.startswith((".", RESULT)):
            api.hf_hub_download(repo, sibling.rfilename, repo_type="dataset", local_dir=folder)
    spec = JobSpec.from_json((folder / "job.json").read_bytes())
    config = spec.config
    if config.base_weights == BASE_WEIGHTS:
        config = config.replace(base_weights=str(folder / BASE_WEIGHTS))
    base = str(folder / spec.base) if spec.base else ""
    return spec.replace(sources=tuple(str(folder / name) for name in spec.sources), base=base, config=config)


def push_result(repo: str, folder: Path) -> None:
    """On the machine of the job: what came of it."""
    from huggingface_hub import CommitOperationAdd

    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    files = [CommitOperationAdd(f"{RESULT}/{n}", str(folder / n)) for n in names if RESULT_FILES.fullmatch(n)]
    hub_api().create_commit(repo, files, commit_message="What the training gave", repo_type="dataset")


def fetch_result(repo: str, folder: Path) -> bool:
    """What came of the job, into the run folder; whether there are weights. They come last, whole or not at all.

    Raises HubError, TrainingError for weights that are damaged.
    """
    api = hub_api()
    scratch = folder / "result.part"
    try:
        info = api.repo_info(repo, repo_type="dataset")
        names = [s.rfilename.removeprefix(f"{RESULT}/") for s in info.siblings or [] if s.rfilename.startswith(RESULT)]
        for name in filter(RESULT_FILES.fullmatch, names):
            api.hf_hub_download(repo, f"{RESULT}/{name}", repo_type="dataset", revision=info.sha, local_dir=scratch)
    except Exception as error:  # as above
        raise jobs_error(error, "the result") from error
    found = scratch / RESULT
    _check_weights(found / "weights")
    for path in sorted(found.iterdir()) if found.is_dir() else []:
        if path.is_file():
            path.replace(folder / path.name)
    if (found / "weights").is_dir() and not (folder / "weights").exists():
        (found / "weights").rename(folder / "weights")
    shutil.rmtree(scratch, ignore_errors=True)
    return (folder / "weights").is_dir()


def _check_weights(weights: Path) -> None:
    """Whether the weights are those that their config.json was written for."""
    if not weights.is_dir():
        return
    try:
        told = json.loads((weights / "config.json").read_bytes())["sha256"]
        model = weights / "model.safetensors"
        whole = model.stat().st_size < MAX_MODEL_BYTES and hashlib.sha256(model.read_bytes()).hexdigest() == told
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise TrainingError("The weights that came back from Hugging Face are damaged. Resume fetches them again.")


def delete_exchange(repo: str) -> None:
    """Delete the repository with the images. Raises HubError."""
    try:
        hub_api().delete_repo(repo, repo_type="dataset", missing_ok=True)
    except Exception as error:  # as above
        raise HubError(f"The private dataset '{repo}' could not be deleted. Delete it on Hugging Face.") from error


def _pack(source: Path, target: Path) -> None:
    """Pictures and truth of a dataset folder as a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file() and path.parent.name.lower() in PICTURE_FOLDERS:
                archive.write(path, path.relative_to(source).as_posix())
