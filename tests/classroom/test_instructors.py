"""The instructor's page: its commands are typed again, and print what stands there."""

import os
import re
import shutil
import subprocess

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


def test_what_is_typed_prints_what_is_shown(tmp_path):
    """In the page's order: each command goes on where the one before it has ended."""
    for command, printed in BLOCKS:
        if "ROSTER" in command:
            people.roster(tmp_path / "roster.csv", 60)
            (tmp_path / "ngd-class" / "key").write_text("2a" * keys.SIZE)  # the same numbers
        if "SUBMISSIONS" in command:
            released = Released(tmp_path / "ngd-class", "bernoulli")
            key = keys.read(tmp_path / "ngd-class")
            people.a_class_of_sixty(released, key, tmp_path / "submissions")
            shutil.make_archive(str(tmp_path / "submissions"), "zip", tmp_path / "submissions")
        env = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
        run = subprocess.run(
            command.replace("make", "make -s", 1),
            shell=True,
            cwd=ROOT,
            env={**env, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr[-2000:]
        assert plain(run.stdout, tmp_path) == plain(printed, tmp_path)


def test_the_page_shows_the_whole_way():
    assert [b[0].split()[1] for b in BLOCKS] == ["class", "release", "grade"]
    for file in ("report.html", "grades.csv", "canvas.csv", "moodle.csv", "nbgrader.csv"):
        assert f"`{file}`" in PAGE
    makefile = (ROOT / "Makefile").read_text()
    for name in re.findall(r"\b([A-Z]{3,})=", PAGE):
        assert f"$({name})" in makefile, name
