"""The Hugging Face Hub: fetch weights, pinned to a commit, cached, offline afterwards."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from bccseg.errors import HubError

PREFIX = "hf://"
SPEC = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?/?")
MAX_MODEL_BYTES = 1_000_000_000
FILES = ("config.json", "model.safetensors")
CARD = "README.md"


@dataclass(frozen=True)
class HubSpec:
    """hf://owner/repo@revision in parts; revision is a branch, a tag or a commit."""

    repo: str
    revision: str | None


def parse_spec(text: str) -> HubSpec:
    """Parts of hf://owner/repo[@revision]. Raises HubError."""
    match = SPEC.fullmatch(text.strip())
    if not match:
        raise HubError(f"'{text.strip()[:80]}' is not of the form hf://owner/repo or hf://owner/repo@revision.")
    return HubSpec(match["repo"], match["revision"])


def fetch_weights(spec: str, cache_dir: Path | None = None) -> tuple[Path, str]:
    """Folder of the weights at `spec`, fetched if it is not cached, and hf://owner/repo@commit.

    The first file fixes the commit and the others are taken from the same one. Without network the
    cached files are used. The token comes from HF_TOKEN or the login of huggingface_hub.
    Raises HubError.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = parse_spec(spec)
    endpoint = os.environ.get("HF_ENDPOINT") or None

    def fetch(file: str, revision: str | None) -> Path:
        try:
            _check_size(wanted.repo, file, revision, endpoint, cache_dir)
            path = hf_hub_download(
                wanted.repo, file, revision=revision, endpoint=endpoint, cache_dir=cache_dir, etag_timeout=10
            )
        except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
            raise explain(error, wanted, file) from error
        return Path(path)

    config = fetch(FILES[0], wanted.revision)
    commit = config.parent.name  # <cache>/models--owner--repo/snapshots/<commit>/config.json
    for file in FILES[1:]:
        fetch(file, commit)
    try:
        fetch(CARD, commit)
    except HubError:
        pass  # a model card is good manners, not a need
    return config.parent, f"{PREFIX}{wanted.repo}@{commit}"


def _check_size(repo: str, file: str, revision: str | None, endpoint: str | None, cache_dir: Path | None) -> None:
    """Raise HubError for a file too large to be weights; silent if it is cached or cannot be asked for."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(try_to_load_from_cache(repo, file, cache_dir=cache_dir, revision=revision), str):
        return
    try:
        size = get_hf_file_metadata(hf_hub_url(repo, file, revision=revision, endpoint=endpoint), timeout=10).size
    except (HfHubHTTPError, OSError, ValueError):
        return  # the download that follows meets the same trouble and explains it
    if size and size > MAX_MODEL_BYTES:
        raise HubError(f"{file} of {repo} is {size / 1e9:.1f} GB; weights of bccseg are far smaller.")


def explain(error: Exception, wanted: HubSpec, file: str) -> HubError:
    """The client's error in words that say what to do."""
    from huggingface_hub import errors

    where = wanted.repo + (f"@{wanted.revision}" if wanted.revision else "")
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        reason = f"'{wanted.repo}' is gated. Ask for access on its page and set HF_TOKEN to your token."
    elif isinstance(error, errors.RepositoryNotFoundError):
        reason = f"'{wanted.repo}' does not exist, or is private. Check the name; if it is private, set HF_TOKEN."
    elif isinstance(error, errors.RevisionNotFoundError):
        reason = f"'{wanted.repo}' has no revision '{wanted.revision}'. Check the branch, tag or commit."
    elif isinstance(error, errors.LocalEntryNotFoundError):
        reason = f"The Hugging Face Hub cannot be reached and '{where}' was not used here before. Check the network."
    elif isinstance(error, errors.EntryNotFoundError):
        reason = f"'{where}' has no {file}, so it holds no weights of bccseg. Choose another repository."
    elif status in (401, 403):
        reason = f"The Hub does not let you read '{where}'. Set HF_TOKEN to a token with access."
    elif status == 429:
        reason = "The Hub asks to slow down (too many requests). Try again in a few minutes."
    elif status and status >= 500:
        reason = f"The Hub has trouble of its own (error {status}). Try again in a few minutes."
    elif isinstance(error, errors.HFValidationError):
        reason = f"'{wanted.repo}' is not a name the Hub allows. Use owner/repo."
    elif isinstance(error, OSError) and "consistency" in str(error).lower():
        reason = f"{file} of '{where}' arrived incomplete. Try again."
    else:
        reason = f"{file} of '{where}' could not be fetched ({type(error).__name__}). Check the network and try again."
    return HubError(reason)
