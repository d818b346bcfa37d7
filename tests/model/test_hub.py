"""hf:// weights through the real huggingface_hub client and a server that answers as the Hub does."""

import json

import numpy as np
import pytest

from bccseg.classes import CellClass
from bccseg.errors import HubError, WeightsError
from bccseg.hub import fetch_weights, parse_spec, publish_weights
from bccseg.imaging.cell_head import CellHead
from bccseg.model.weight_sources import locate
from bccseg.model.weights import CellHeadConfig, load_weights, save_cell_head
from tests.hub_server import Repo


@pytest.fixture
def files(tiny_weights):
    folder, _ = tiny_weights
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_fetched_pinned_and_loaded(hub, files, cache):
    hub.repos["lab/smears"] = repo = Repo()
    commit = repo.commit({**files, "README.md": b"# card"})
    folder, source = fetch_weights("hf://lab/smears", cache)
    assert source == f"hf://lab/smears@{commit}"
    assert (folder / "README.md").read_bytes() == b"# card"
    assert load_weights(folder, source).source == source


def test_all_files_come_from_one_commit(hub, files, cache):
    """A push between two downloads does not mix versions."""
    hub.repos["lab/smears"] = repo = Repo()
    first = repo.commit(files)
    plain = repo.refs
    moved = {}

    class Moving(dict):
        def get(self, name, default=None):
            answer = plain.get(name, default)
            moved.setdefault(name, 0)
            if name == "main":
                moved[name] += 1
                if moved[name] == 4:  # config.json was asked for three times; then someone pushes
                    repo.commits["0" * 40] = {"model.safetensors": b"other", "config.json": b"{}"}
                    plain["main"] = "0" * 40
            return answer

    repo.refs = Moving(plain)
    folder, source = fetch_weights("hf://lab/smears", cache)
    assert source.endswith(first)
    load_weights(folder)


def test_revisions(hub, files, cache):
    hub.repos["lab/smears"] = repo = Repo()
    old = repo.commit({**files, "note": b"1"}, "v1.0")
    new = repo.commit(files)
    assert fetch_weights("hf://lab/smears@v1.0", cache)[1].endswith(old)
    assert fetch_weights(f"hf://lab/smears@{old}", cache)[1].endswith(old)
    assert fetch_weights("hf://lab/smears", cache)[1].endswith(new)


def test_cached_and_offline_afterwards(hub, files, cache, monkeypatch):
    hub.repos["lab/smears"] = repo = Repo()
    commit = repo.commit(files)
    fetch_weights("hf://lab/smears", cache)
    gets = sum(n for path, n in hub.requests.items() if path.startswith("GET") and path.endswith("safetensors"))
    fetch_weights("hf://lab/smears", cache)
    assert sum(n for path, n in hub.requests.items() if path.startswith("GET") and path.endswith("safetensors")) == gets
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the cable is out
    assert fetch_weights("hf://lab/smears", cache)[1].endswith(commit)
    with pytest.raises(HubError, match="cannot be reached"):
        fetch_weights("hf://lab/other", cache)


def test_private_with_the_token_of_the_environment(hub, files, cache, monkeypatch):
    hub.repos["lab/private"] = repo = Repo(token="hf_secret")
    repo.commit(files)
    with pytest.raises(HubError, match="private") as caught:
        fetch_weights("hf://lab/private", cache)
    assert "hf_secret" not in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    load_weights(fetch_weights("hf://lab/private", cache)[0])


def broken(hub, files, case):
    """Set the Hub up so that `case` goes wrong."""
    repo = hub.repos["lab/smears"] = Repo()
    if case == "no config":
        files = {"model.safetensors": files["model.safetensors"]}
    if case == "no model":
        files = {"config.json": files["config.json"], "pytorch_model.bin": b"x"}
    repo.commit(files)
    repo.gated = case == "gated"
    hub.fail_with = {"limited": 429, "down": 503, "forbidden": 403}.get(case)


@pytest.mark.parametrize(
    ("case", "spec", "message"),
    [
        ("no repo", "hf://lab/nothing", "does not exist, or is private"),
        ("no revision", "hf://lab/smears@v9", "no revision 'v9'"),
        ("no config", "hf://lab/smears", "has no config.json"),
        ("no model", "hf://lab/smears", "has no model.safetensors"),
        ("gated", "hf://lab/smears", "gated"),
        ("forbidden", "hf://lab/smears", "does not let you use"),
        ("limited", "hf://lab/smears", "slow down"),
        ("down", "hf://lab/smears", "trouble of its own"),
        ("", "hf://smears", "not of the form"),
        ("", "hf://lab/smears@", "not of the form"),
        ("", "hf://../../etc/passwd", "not of the form"),
        ("", "hf://lab/..", "not a name|does not exist"),
    ],
)
def test_clear_errors(hub, files, cache, case, spec, message, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda s: None, raising=False)
    broken(hub, files, case)
    with pytest.raises(HubError, match=message):
        fetch_weights(spec, cache)


def test_a_file_that_was_exchanged_is_refused(hub, files, cache):
    files["model.safetensors"] = files["model.safetensors"][:-4] + b"\0\0\0\1"
    hub.repos["lab/smears"] = repo = Repo()
    repo.commit(files)
    with pytest.raises(WeightsError, match="checksum differs"):
        load_weights(*fetch_weights("hf://lab/smears", cache))


def test_weights_of_another_program_are_refused(hub, files, cache):
    files["config.json"] = json.dumps({"model_type": "segformer"}).encode()
    hub.repos["lab/smears"] = repo = Repo()
    repo.commit(files)
    with pytest.raises(WeightsError, match="not written by bccseg"):
        load_weights(*fetch_weights("hf://lab/smears", cache))


def test_a_cut_connection_is_told_and_the_next_try_works(hub, files, cache, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda s: None, raising=False)
    hub.repos["lab/smears"] = repo = Repo()
    repo.commit(files)
    hub.cut_after = 1000
    with pytest.raises(HubError, match="Try again"):
        fetch_weights("hf://lab/smears", cache)
    hub.cut_after = None
    load_weights(*fetch_weights("hf://lab/smears", cache))


def test_locate_takes_hub_names_everywhere(hub, files, monkeypatch):
    hub.repos["lab/named"] = repo = Repo()
    commit = repo.commit(files)
    assert locate("hf://lab/named", allow_paths=False)[1] == f"hf://lab/named@{commit}"
    monkeypatch.setenv("BCCSEG_WEIGHTS", "hf://lab/named")
    assert locate()[1] == f"hf://lab/named@{commit}"


def test_parse_spec():
    assert parse_spec("hf://a-b/c.d@main") == parse_spec(" hf://a-b/c.d@main ")
    assert parse_spec("hf://a/b").revision is None
    assert parse_spec("hf://a/b@refs/pr/1").revision == "refs/pr/1"


def test_published_weights_load_again(hub, tiny_weights, cache):
    folder, _ = tiny_weights
    (folder / "README.md").write_text("---\nlicense: other\n---\n# Tiny\n")
    name = publish_weights(folder, "lab/mine")
    assert hub.repos["lab/mine"].private
    assert len(hub.repos["lab/mine"].messages) == 1
    found, source = fetch_weights(name, cache)
    assert source == name
    assert (found / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert load_weights(found).config.name == "tiny"
    assert publish_weights(folder, "lab/mine", pull_request=True).endswith("/lab/mine/discussions/1")
    assert len(hub.repos["lab/mine"].commits) == 3  # the repository's own, ours, the pull request's


def test_publishing_without_the_right_is_told(hub, tiny_weights):
    folder, _ = tiny_weights
    hub.write_token = "hf_writer"
    with pytest.raises(HubError, match="HF_TOKEN"):
        publish_weights(folder, "lab/mine")
    with pytest.raises(HubError, match="owner/name"):
        publish_weights(folder, "mine")


def test_classes_of_marked_cells_travel_with_their_weights(hub, tiny_weights, cache):
    folder, _ = tiny_weights
    classes = tuple(CellClass(name=name, colour="#000000") for name in ("a", "b"))
    head = CellHead(("a", "b"), *(np.ones(shape, np.float32) for shape in (3, 3, (2, 3), 2, 0)))
    save_cell_head(folder, head, CellHeadConfig(classes=classes, cells={"a": 20, "b": 20}))
    name = publish_weights(folder, "lab/own")
    weights = load_weights(fetch_weights(name, cache)[0])
    assert weights.cell_head.names == ("a", "b")
    assert np.array_equal(weights.cell_head.weight, head.weight)
