"""The collection on the Hugging Face Hub: a dataset repository that holds all of it and opens in the dataset viewer.

`hub_layout` says which file lies where. Files are added, so two servers that push to one repository end up with the
same collection. They are removed only where somebody decided so (a tombstone, another split); every server follows.
"""

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bccseg.annotation.disk import disk_errors
from bccseg.annotation.hub_layout import MARK, image_of, local_files, local_path, metadata, readme, stale_files
from bccseg.annotation.records import SPLITS
from bccseg.annotation.store import REVIEW, LabelStore
from bccseg.errors import BccsegError, HubError
from bccseg.files import TEMPORARY_SUFFIX, write_once
from bccseg.hub import http_status, hub_error

log = logging.getLogger("bccseg")

CONFLICT_TRIES = 5
REPO = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class SyncReport:
    """What a sync did."""

    pushed: int  # files
    pulled: int
    commit: str  # that the repository is at
    removed: int = 0  # from the repository


def sync(
    store: LabelStore, repo: str, token: str | None = None, on_step: Callable[[str], None] | None = None
) -> SyncReport:
    """Bring the collection and the dataset repository `owner/name` to the same state.

    The repository is made, private, if it is not there. What is new here goes up in one commit; what another
    server pushed comes down. Can be stopped and restarted at any moment. Raises HubError, StoreError.
    """
    report_progress = on_step or (lambda _text: None)
    api, pulled = _client(repo, token), 0
    store.purge_deleted()
    with _hub_errors(repo):
        report_progress("asking the Hub")
        api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
        for _ in range(CONFLICT_TRIES):
            head, there = _state(api, repo)
            pulled += _pull(store, api, repo, head, there, report_progress)
            stale = stale_files(store, there)
            pushed, commit = _push(store, api, repo, head, there, stale, report_progress)
            if commit is not None:
                return SyncReport(pushed=pushed, pulled=pulled, commit=commit, removed=len(stale))
            log.info("another server pushed to %s meanwhile; going on from there", repo)
    raise HubError(f"Others push to '{repo}' all the time. Try again in a few minutes.")


def fetch(store: LabelStore, repo: str, token: str | None = None) -> SyncReport:
    """Bring what the dataset repository `owner/name` holds into the collection; nothing is pushed.

    Raises HubError, StoreError.
    """
    api = _client(repo, token)
    with _hub_errors(repo):
        head, there = _state(api, repo)
        pulled = _pull(store, api, repo, head, there, lambda _text: None)
        return SyncReport(pushed=0, pulled=pulled, commit=head)


def _client(repo: str, token: str | None) -> Any:
    from huggingface_hub import HfApi

    if not REPO.fullmatch(repo) or ".." in repo:
        raise HubError(f"'{repo[:80]}' is not a name of a dataset. Use owner/name.")
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token)


def _state(api: Any, repo: str) -> tuple[str, set[str]]:
    """The commit the repository is at, and its files."""
    info = api.repo_info(repo, repo_type="dataset")
    return info.sha, {sibling.rfilename for sibling in info.siblings or []}


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    """The client's errors in words, with what to do."""
    try:
        yield
    except BccsegError:
        raise
    except OSError as error:
        if http_status(error) is None and error.errno is not None and "huggingface" not in type(error).__module__:
            with disk_errors("Syncing"):
                raise
        raise hub_error(error, repo, "the collection") from error
    except Exception as error:  # the client lets errors of three other libraries through
        raise hub_error(error, repo, "the collection") from error


def _push(
    store: LabelStore, api: Any, repo: str, head: str, there: set[str], stale: list[str], report_progress: Callable
) -> tuple[int, str | None]:
    """Files pushed, and the commit; None if somebody else pushed first. stale: places that the repository loses."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    from huggingface_hub.errors import HfHubHTTPError

    new = {place: path for place, path in local_files(store, there).items() if place not in there}
    listed = metadata(store)
    # A split whose last label was rejected since keeps its file, with nothing in it.
    derived = {place: "" for split in SPLITS if (place := f"{split}/metadata.jsonl") in there}
    derived |= {f"{split}/metadata.jsonl": text for split, text in listed.items()}
    derived["README.md"] = readme(store, list(listed))
    changed = {place: text.encode() for place, text in derived.items() if _differs(api, repo, head, there, place, text)}
    if not new and not changed and not stale:
        return 0, head
    report_progress(f"pushing {len(new):,} files")
    added = [CommitOperationAdd(place, str(path)) for place, path in sorted(new.items())]
    added += [CommitOperationAdd(place, data) for place, data in changed.items()]
    removed = [CommitOperationDelete(place, is_folder=False) for place in stale]
    images = sum(place.startswith("records/images/") for place in new)
    versions = sum(place.startswith("records/labels/") and REVIEW not in place for place in new)
    message = f"Add {images} images, {versions} versions" + (f"; remove {len(stale)} files" if stale else "")
    try:
        commit = api.create_commit(
            repo, [*added, *removed], commit_message=message, repo_type="dataset", parent_commit=head
        )
    except HfHubHTTPError as error:
        if http_status(error) in (409, 412):
            return 0, None
        raise
    return len(new), commit.oid


def _differs(api: Any, repo: str, head: str, there: set[str], place: str, text: str) -> bool:
    """Whether a derived file is to be written: it is not there, or ours and another."""
    if place not in there:
        return True
    path = api.hf_hub_download(repo, place, repo_type="dataset", revision=head)
    old = Path(path).read_text(encoding="utf-8")
    return old != text and (place != "README.md" or MARK in old)


def _pull(store: LabelStore, api: Any, repo: str, head: str, there: set[str], report_progress: Callable) -> int:
    """Fetch what the store lacks. What was decided about images comes first: withdrawn ones are not fetched."""
    wanted = {place: path for place in there if (path := local_path(store, place)) and not path.exists()}
    decided = {place: path for place, path in wanted.items() if place.startswith("records/changes/")}
    fetched = _fetch(store, api, repo, head, decided, report_progress)
    store.purge_deleted()
    gone = {image for image, standing in store.changes.all().items() if standing.tombstone}
    rest = {place: path for place, path in wanted.items() if place not in decided and image_of(place) not in gone}
    return fetched + _fetch(store, api, repo, head, rest, report_progress)


def _fetch(
    store: LabelStore, api: Any, repo: str, head: str, wanted: dict[str, Path], report_progress: Callable
) -> int:
    """Records last, because they make a version exist."""
    if not wanted:
        return 0
    report_progress(f"fetching {len(wanted):,} files")
    scratch = store.root / f"fetched{TEMPORARY_SUFFIX}"
    for place, path in sorted(wanted.items(), key=lambda pair: pair[0].startswith("records/")):
        fetched = Path(api.hf_hub_download(repo, place, repo_type="dataset", revision=head, local_dir=scratch))
        with disk_errors("Restoring the collection"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_once(path, fetched.read_bytes())
            fetched.unlink()
    shutil.rmtree(scratch, ignore_errors=True)
    return len(wanted)
