"""A class in a temporary folder: its key, a released set, and a way to hand in."""

import shutil

import pytest

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom.collect import collect
from ngdlib.exercises.classroom.grade import grade
from ngdlib.exercises.classroom.release import release
from ngdlib.exercises.sets.files import ROOT
from tests.classroom import people


@pytest.fixture(scope="session")
def bernoulli(tmp_path_factory):
    """A released set: its text takes seconds to prepare, so that tests copy it."""
    folder = tmp_path_factory.mktemp("class")
    key = keys.create(folder)
    people.roster(folder / "roster.csv", 8)
    release(
        folder,
        key,
        ROOT / "exercises" / "bernoulli.yml",
        folder / "roster.csv",
        due="2026-12-01 23:59",
        site="https://example.org/book",
        wheel=folder / "ngdlib-0-py3-none-any.whl",
    )
    return folder


class Class:
    def __init__(self, folder):
        from ngdlib.exercises.classroom.release import Released

        self.folder, self.key = folder, keys.read(folder)
        self.released = Released(folder, "bernoulli")
        self.students = self.released.roster.students
        self.inbox = folder / "inbox"
        self.inbox.mkdir()

    def filled(self, k, *how, **more):
        return people.filled(self.released, self.key, self.students[k], *how, **more)

    def hand_in(self, k, book, name="bernoulli.ipynb"):
        return people.save(book, self.inbox, self.students[k], name)

    def collect(self):
        return collect(self.inbox, self.released, self.key)

    def grade(self, **more):
        return {r["student"]: r for r in self.grade_all(**more)}

    def grade_all(self, **more):
        return grade(self.released, self.key, self.collect(), **more)


@pytest.fixture
def the_class(bernoulli, tmp_path):
    return Class(shutil.copytree(bernoulli, tmp_path / "class"))
