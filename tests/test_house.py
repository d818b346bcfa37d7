"""The rules of the house: who may import whom, what is documented, what stands in the files."""

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

PAGES = sorted((ROOT / "pages").glob("*.py"))


def test_import_contracts_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_pages_are_recipes(page):
    """At most 100 lines, no array maths, no imports of other pages."""
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= {"streamlit", "ui", "bccseg", "pathlib"}
    assert f'open_page("pages/{page.name}"' in text


def test_every_page_is_in_the_list():
    from ui.shared.page import PAGES as LISTED

    assert {p.path for p in LISTED} == {f"pages/{p.name}" for p in PAGES}


def test_importing_bccseg_and_the_first_page_needs_no_torch():
    modules = "bccseg, bccseg.cli, ui.segment.image_view, ui.segment.batch_view, ui.segment.uploads, ui.shared.page"
    code = f"import sys, {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True)


def test_every_command_is_documented():
    from bccseg.cli import parser

    commands = parser()._subparsers._group_actions[0].choices
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in commands:
        assert f"python -m bccseg {name}" in readme


def test_requirements_are_pinned_and_reasoned():
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-")):
            assert re.match(r"[\w\-\[\]]+==[\w.]+\s+# \w", line), line


def declared(extra=None):
    """Requirements of pyproject.toml by name: of the library, or of an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


@pytest.mark.parametrize(
    ("pins", "names"),
    [("requirements.txt", {**declared(), **declared("app")}), ("requirements-dev.txt", declared("dev"))],
    ids=["app", "dev"],
)
def test_the_pinned_versions_are_of_what_is_declared(pins, names):
    lines = [line.split("#")[0].strip() for line in (ROOT / pins).read_text(encoding="utf-8").splitlines()]
    pinned = {canonicalize_name(r.name): r for r in map(Requirement, filter(None, lines))}
    assert set(pinned) == set(names)
    for name, pin in pinned.items():
        (version,) = (exact.version for exact in pin.specifier)
        assert version in names[name].specifier, f"{pin} does not fit {names[name]}"
        assert pin.extras == names[name].extras, name


def test_what_the_library_imports_is_declared():
    graph = grimp.build_graph("bccseg", include_external_packages=True, cache_dir=None)
    others = {m for m in graph.modules if not m.startswith("bccseg")} - sys.stdlib_module_names
    homes = packages_distributions()
    imported = {canonicalize_name(homes[m][0]) for m in others} - {"pydantic-core"}  # pydantic brings it, pinned
    assert imported <= {*declared(), *declared("dask"), *declared("slides")}
    assert set(declared()) <= imported


def test_version_is_one():
    import bccseg

    assert f'version = "{bccseg.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"## {bccseg.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_error_tree_is_drawn():
    from bccseg import errors

    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert name in (errors.__doc__ or "")


def test_the_floors_are_those_that_architecture_draws():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    drawn = (
        (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("floors, from the top:\n", 1)[1].split("\n\n")[0]
    )
    assert [line.strip() for line in drawn.splitlines()] == contracts[0]["layers"]
    rooms = {p.name for p in (ROOT / "bccseg").iterdir() if (p / "__init__.py").exists()}
    rooms |= {p.stem for p in (ROOT / "bccseg").glob("*.py")} - {"__init__", "__main__"}
    assert rooms == {
        name.strip().removeprefix("bccseg.") for line in drawn.splitlines() for name in line.split("|")
    } - {"ui"}


def test_no_module_imports_itself_by_way_of_others():
    graph = grimp.build_graph("bccseg", "ui", exclude_type_checking_imports=True, cache_dir=None)
    sorter = graphlib.TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules})
    assert len(list(sorter.static_order())) == len(graph.modules)  # raises CycleError, which names the circle
