"""The Hugging Face Hub: fetch weights, pinned to a commit, cached, offline afterwards."""

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bccseg.errors import HubError

log = logging.getLogger("bccseg")

PREFIX = "hf://"
SPEC = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?/?")
COMMIT = re.compile(r"[0-9a-f]{40}")
TIMEOUT_S = 10
MAX_MODEL_BYTES = 1_000_000_000
FILES = ("config.json", "model.safetensors")
CARD = "README.md"
OPTIONAL = ("cell_head.safetensors", "training.json")  # cell_head: where the config has one


@dataclass(frozen=True)
class HubSpec:
    """What hf://owner/repo@revision names; revision is a branch, a tag or a commit."""

    repo: str
    revision: str | None


def parse_spec(text: str) -> HubSpec:
    """Repository and revision of hf://owner/repo[@revision]. Raises HubError."""
    match = SPEC.fullmatch(text.strip())
    if not match:
        raise HubError(f"'{text.strip()[:80]}' is not of the form hf://owner/repo or hf://owner/repo@revision.")
    return HubSpec(repo=match["repo"], revision=match["revision"])


def fetch_weights(spec: str, cache_dir: Path | None = None) -> tuple[Path, str]:
    """Folder of the weights at `spec`, fetched if it is not cached, and hf://owner/repo@commit.

    The first file fixes the commit and the others are taken from the same one. Without network the
    cached files are used. The token comes from HF_TOKEN or the login of huggingface_hub.
    Raises HubError.
    """
    wanted = parse_spec(spec)
    config = _fetch(wanted, FILES[0], wanted.revision, cache_dir)
    commit = config.parent.name  # <cache>/models--owner--repo/snapshots/<commit>/config.json
    for file in FILES[1:]:
        _fetch(wanted, file, commit, cache_dir)
    if b'"cell_head":{' in b"".join(config.read_bytes().split()):  # what it says is checked where weights are loaded
        _fetch(wanted, OPTIONAL[0], commit, cache_dir)
    try:
        _fetch(wanted, CARD, commit, cache_dir)
    except HubError as error:
        log.info("no model card: %s", error)  # good manners, not a need
    return config.parent, f"{PREFIX}{wanted.repo}@{commit}"


def publish_weights(folder: Path, repo: str, *, private: bool = True, pull_request: bool = False) -> str:
    """Push a weight folder to the model repository `owner/name`, which is made if need be; returns how to name it.

    One commit with model.safetensors, config.json and the model card, or a pull request. The token comes from HF_TOKEN
    or the login of huggingface_hub. Raises HubError.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo) or ".." in repo:
        raise HubError(f"'{repo[:80]}' is not a name of a repository. Use owner/name.")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
    files = [folder / name for name in (*FILES, CARD, *OPTIONAL) if (folder / name).exists()]
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        commit = api.create_commit(
            repo, [CommitOperationAdd(path.name, str(path)) for path in files],
            commit_message="Weights trained with bccseg", create_pr=pull_request,
        )  # fmt: skip
    except Exception as error:  # the client lets errors of three other libraries through
        raise hub_error(error, repo, "the weights") from error
    return commit.pr_url or f"{PREFIX}{repo}@{commit.oid}"


def _fetch(wanted: HubSpec, file: str, revision: str | None, cache_dir: Path | None) -> Path:
    """One file, from the Hub or, where that cannot be reached, from the cache. Raises HubError."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT") or None
    if revision and COMMIT.fullmatch(revision) and (path := _cached(wanted.repo, file, revision, cache_dir)):
        return path  # a commit never changes
    try:
        # Asked first and without the client's minute of retries, so that being offline is noticed at once.
        url = hf_hub_url(wanted.repo, file, revision=revision, endpoint=endpoint)
        size = get_hf_file_metadata(url, timeout=TIMEOUT_S).size
        if size and size > MAX_MODEL_BYTES:
            raise HubError(f"{file} of {wanted.repo} is {size / 1e9:.1f} GB; weights of bccseg are far smaller.")
        return Path(hf_hub_download(wanted.repo, file, revision=revision, endpoint=endpoint, cache_dir=cache_dir))
    except HubError:
        raise
    except Exception as error:  # the client lets errors of three other libraries through
        if is_temporary(error) and (path := _cached(wanted.repo, file, revision, cache_dir)):
            log.warning("the Hub cannot be reached; using the cached %s of %s", file, wanted.repo)
            return path
        raise hub_error(error, wanted.repo + (f"@{wanted.revision}" if wanted.revision else ""), file) from error


def _cached(repo: str, file: str, revision: str | None, cache_dir: Path | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo, file, cache_dir=cache_dir, revision=revision)
    return Path(path) if isinstance(path, str) else None


def is_temporary(error: Exception) -> bool:
    """Whether an error means that the Hub is out of reach for now, and not that it refuses."""
    status = http_status(error)
    return (status is None and not isinstance(error, ValueError)) or status == 429 or (status or 0) >= 500


def hub_error(error: Exception, where: str, what: str) -> HubError:
    """The client's error in words, with what to do. where: owner/repo[@revision]; what: file or thing asked for."""
    from huggingface_hub import errors

    repo, _, revision = where.partition("@")
    status = http_status(error)
    if isinstance(error, errors.GatedRepoError):
        reason = f"'{repo}' is gated. Ask for access on its page and set HF_TOKEN to your token."
    elif isinstance(error, errors.RepositoryNotFoundError):
        reason = f"'{repo}' does not exist, or is private. Check the name; if it is private, set HF_TOKEN."
    elif isinstance(error, errors.RevisionNotFoundError):
        reason = f"'{repo}' has no revision '{revision}'. Check the branch, tag or commit."
    elif isinstance(error, errors.EntryNotFoundError):
        reason = f"'{where}' has no {what}, so it holds no weights of bccseg. Choose another repository."
    elif status in (401, 403):
        reason = f"The Hub does not let you use '{where}'. Set HF_TOKEN to a token with access."
    elif status == 429:
        reason = "The Hub asks to slow down (too many requests). Try again in a few minutes."
    elif status and status >= 500:
        reason = f"The Hub has trouble of its own (error {status}). Try again in a few minutes."
    elif isinstance(error, errors.HFValidationError):
        reason = f"'{repo}' is not a name the Hub allows. Use owner/repo."
    elif any("Connect" in type(e).__name__ for e in causes(error)):
        reason = "The Hugging Face Hub cannot be reached. Check the network; what was fetched before works without it."
    else:
        reason = (
            f"{what[0].upper()}{what[1:]} of '{where}' did not get through whole ({type(error).__name__}). Try again."
        )
    return HubError(reason)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def http_status(error: BaseException) -> int | None:
    """HTTP status that an error came with, if any."""
    codes = (getattr(getattr(e, "response", None), "status_code", None) for e in causes(error))
    return next((code for code in codes if code), None)
