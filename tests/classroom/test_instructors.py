"""The instructor's page: its commands are typed again, and print what stands there."""

import os
import re
import subprocess

import pytest

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom.release import Released
from tests.classroom import people
from tests.conftest import ROOT

PAGE = (ROOT / "chapters" / "instructors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ (.+)\n((?:.*\n)*?)```", PAGE)


def plain(text, home):
    """Without what differs from run to run: set-up, the place of the folder, the seconds."""
    text = re.sub(r"(?m)^\[setup\].*\n", "", text.replace(str(home), "~"))
    return re.sub(r"(?m)^(\[class\] )[\d.]+ s; ", r"\1… s; ", text).strip()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize(("command", "printed"), BLOCKS, ids=[b[0].split()[1] for b in BLOCKS])
def test_what_is_typed_prints_what_is_shown(home, command, printed):
    """In the page's order: one class after the other commands of this file."""
    if "ROSTER" in command:
        people.roster(home / "roster.csv", 60)
        (home / "ngd-class" / "key").write_text("2a" * keys.SIZE)  # the same numbers each time
    if "SUBMISSIONS" in command:
        released = Released(home / "ngd-class", "bernoulli")
        people.a_class_of_sixty(released, keys.read(home / "ngd-class"), home / "downloads")
    env = {**os.environ, "HOME": str(home)}
    env.pop("MAKEFLAGS", None)
    run = subprocess.run(
        command.replace("make", "make -s", 1),
        shell=True,
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert plain(run.stdout, home) == plain(printed, home)


def test_the_page_shows_the_whole_way():
    assert [b[0].split()[1] for b in BLOCKS] == ["class", "release", "grade"]
    for file in ("report.html", "grades.csv", "canvas.csv", "moodle.csv", "nbgrader.csv"):
        assert f"`{file}`" in PAGE
    makefile = (ROOT / "Makefile").read_text()
    for name in re.findall(r"\b([A-Z]{3,})=", PAGE):
        assert f"$({name})" in makefile, name
