"""What one downloads runs: the wheel and the notebooks of the site, in an empty environment."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from book import downloads
from tests.conftest import ROOT

CHAPTERS = sorted(file.stem for file in (ROOT / "exercises").glob("*.yml"))
RUN_WHOLE = "bernoulli"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    downloads.publish(out, CHAPTERS, url="")
    return out / "notebooks"


@pytest.fixture(scope="module")
def machine(site, tmp_path_factory) -> Path:
    """A Python that has the wheel and the locked packages, and nothing of this checkout."""
    venv = tmp_path_factory.mktemp("machine") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    packages = next((venv / "lib").glob("python*")) / "site-packages"
    (packages / "locked.pth").write_text(sysconfig.get_paths()["purelib"])  # not their .pth files
    with zipfile.ZipFile(next(site.glob("*.whl"))) as wheel:
        wheel.extractall(packages)
    where = [python, "-c", "import ngdlib; print(ngdlib.__file__, ngdlib.__version__)"]
    said = subprocess.run(where, capture_output=True, text=True, check=True, cwd=venv).stdout
    assert said.startswith(str(packages)), said
    return python


def test_a_downloaded_chapter_runs(machine, site, tmp_path):
    """The chapter and its questions run to the end, each alone in a folder with the other."""
    for name in (f"{RUN_WHOLE}.ipynb", f"{RUN_WHOLE}-questions.ipynb"):
        (tmp_path / name).write_bytes((site / name).read_bytes())
    command = [machine, "-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", "done"]
    made = subprocess.run(
        [*command, "--log-level=ERROR", *sorted(tmp_path.glob("*.ipynb"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    for file in (tmp_path / "done").glob("*.ipynb"):
        cells = json.loads(file.read_text("utf-8"))["cells"]
        assert cells[1]["id"] == "install" and not cells[1]["outputs"]  # it was there


USE = """
import os, sys
seen = set()
sys.addaudithook(lambda event, a: event == "open" and isinstance(a[0], str) and seen.add(a[0]))
from ngdlib import claims
from ngdlib.exercises import boxes, check, solution, summary
for chapter in sys.argv[1:]:
    boxes(chapter)._repr_html_()
    claims.box(chapter)._repr_html_()
    solution(f"{chapter}.q1")
    summary(check(f"{chapter}.q1", ""))
claims.summary()
print("\\n".join(sorted(seen)))
"""


def test_every_chapter_finds_its_files_in_the_wheel(machine, tmp_path):
    """Questions, claims and register are read from the wheel; nothing from the checkout."""
    used = subprocess.run(
        [machine, "-c", USE, *CHAPTERS], cwd=tmp_path, capture_output=True, text=True
    )
    assert used.returncode == 0, used.stderr[-2000:]
    opened = used.stdout.splitlines()
    assert any("_texts/exercises/bernoulli.yml" in name for name in opened)
    folders = ("book/", "chapters/", "exercises/", "ngdlib/")
    assert [n for n in opened if n.startswith(tuple(f"{ROOT}/{f}" for f in folders))] == []


@pytest.mark.parametrize("url", ["", "https://example.org/book"])
def test_first_lines_say_how_to_install(url, tmp_path):
    downloads.publish(tmp_path, ["bernoulli"], url)
    wheel = next((tmp_path / "notebooks").glob("*.whl")).name
    for file in (tmp_path / "notebooks").glob("*.ipynb"):
        book = json.loads(file.read_text("utf-8"))
        words, code = ("".join(cell["source"]) for cell in book["cells"][:2])
        place = f"{url}/notebooks/{wheel}" if url else f"../notebooks/{wheel}"
        assert wheel in words and place in code and "%pip install" in code
        links = re.findall(r"\]\(([^)#]+\.ipynb)\)", file.read_text("utf-8"))
        assert all((file.parent / link).exists() for link in links), links


def test_the_site_links_to_them():
    """Of every chapter: notebook, questions, library, each to be downloaded; and they are there."""
    html = ROOT / "_build" / "html"
    for chapter in CHAPTERS:
        page = (html / "chapters" / f"{chapter}.html").read_text("utf-8")
        links = re.findall(r'href="\.\./(notebooks/[^"]+)"\s+download', page)
        assert f"notebooks/{chapter}.ipynb" in links
        assert f"notebooks/{chapter}-questions.ipynb" in links
        assert any(link.endswith(".whl") for link in links)
        assert all((html / link).exists() for link in links)
        assert "_sources/" not in page
        for note in re.findall(r"Code runs in a notebook.*?</p>", page):
            assert f'href="../notebooks/{chapter}-questions.ipynb"' in note


#: Imported where the book is made, or by authors and instructors, from a checkout; by no reader.
AT_HOME = {"jsonschema", "hatchling"}


def test_the_wheel_asks_for_all_that_it_imports(site):
    """Of other packages, also where a function imports them; with what these bring along."""
    with zipfile.ZipFile(next(site.glob("*.whl"))) as wheel:
        sources = [wheel.read(n).decode() for n in wheel.namelist() if n.endswith(".py")]
        metadata = next(n for n in wheel.namelist() if n.endswith("/METADATA"))
        asked = re.findall(r"^Requires-Dist: (.*)$", wheel.read(metadata).decode(), flags=re.M)
    known, waiting = set(), [each for each in asked if "extra ==" not in each]
    while waiting:
        name = re.match(r"[\w.-]+", waiting.pop())[0].lower().replace("_", "-")
        if name not in known:
            known.add(name)
            try:
                needs = importlib.metadata.requires(name) or ()
            except importlib.metadata.PackageNotFoundError:  # of another system
                needs = ()
            waiting += [each for each in needs if "extra ==" not in each]
    packages = importlib.metadata.packages_distributions()
    used = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used.add(node.module.split(".")[0])
    used -= {*sys.stdlib_module_names, *AT_HOME, "ngdlib"}
    assert {"numpy", "markdown_it", "sklearn"} <= used
    missing = {
        module
        for module in used | {"pytest"}  # negative control
        if not {name.lower().replace("_", "-") for name in packages.get(module, ())} & known
    }
    assert missing == {"pytest"}
