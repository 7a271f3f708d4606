"""A class from roster to report: keys, notebooks, collecting, grading, interruptions, tables."""

import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom import roster
from ngdlib.exercises.classroom.__main__ import main
from ngdlib.exercises.classroom.collect import FILES, LARGEST, collect
from ngdlib.exercises.classroom.export import MOODLE, NBGRADER, export, manual
from ngdlib.exercises.classroom.pages import feedback, report, total
from ngdlib.exercises.classroom.release import Released, release, same_for_all
from ngdlib.exercises.judging.items import check_item, draw
from ngdlib.exercises.sets.files import ROOT, load
from ngdlib.exercises.sets.hidden import hidden_of
from tests.classroom import people

FORMS = Path(__file__).parent / "forms"
BOOK = sorted((ROOT / "exercises").glob("*.yml"))
each_set = pytest.mark.parametrize("path", BOOK, ids=lambda p: p.stem)


# --- the key --------------------------------------------------------------------------------------


def test_a_key_is_its_owners_and_stays(tmp_path):
    key = keys.create(tmp_path / "class")
    file = tmp_path / "class" / "key"
    assert keys.read(tmp_path / "class") == key and len(key) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(ValueError, match="is there already"):
        keys.create(tmp_path / "class")
    assert keys.create(tmp_path / "other") != key


def test_no_key_inside_the_checkout(tmp_path):
    with pytest.raises(ValueError, match="outside of"):
        keys.create(ROOT / "my class")
    (tmp_path / "in").symlink_to(ROOT)
    with pytest.raises(ValueError, match="outside of"):
        keys.create(tmp_path / "in" / "my class")
    assert not (ROOT / "my class").exists()


@pytest.mark.parametrize("text", ["", "x" * 64, "00" * 31])
def test_what_is_no_key(tmp_path, text):
    with pytest.raises(ValueError, match="make class"):
        keys.read(tmp_path)
    (tmp_path / "key").write_text(text)
    with pytest.raises(ValueError, match="32 bytes"):
        keys.read(tmp_path)


# --- hidden cases ---------------------------------------------------------------------------------


@each_set
def test_hidden_cases_differ_and_only_the_right_function_earns_them(path):
    """For two students: other cases; the oracle earns all, a known mistake half or what the set
    says, and what does nothing at all earns nothing."""
    items = {i["id"]: i for i in load(path).data["items"]}
    for name, part in hidden_of(path).items():
        seen = set()
        item = {**items[name], "cases": [{**c, "points": 0} for c in items[name]["cases"]]}
        for k in range(2):
            cases = keys.hidden(bytes([k] * 32), part, path.stem, f"student {k}", name)
            seen.add(json.dumps(cases))
            values = draw(item, str(k))
            assert check_item(item, part.oracle, values, cases).score == 1
            for mistake, wrong in part.wrong.items():
                worth = next(m.get("score", 0.5) for m in item["mistakes"] if m["id"] == mistake)
                assert check_item(item, wrong, values, cases).score <= worth, mistake
            for lazy in (lambda *a: 0.0, lambda *a: 1.0, *(lambda *a, j=j: a[j] for j in range(3))):

                def nothing(*a, f=lazy, part=part):
                    return np.broadcast_to(f(*a), np.shape(part.oracle(*a)))

                got = check_item(item, nothing, values, cases)
                assert got.score == 0, "a function that does nothing earns points"
        assert len(seen) == 2


@each_set
def test_every_item_has_variants_or_says_why_not(path):
    data = load(path).data
    alike = same_for_all(data)
    for item in data["items"]:
        if item["kind"] in ("formula", "numeric", "matrix"):
            assert bool(item.get("variant")) != (len(item.get("one_for_all", "")) > 20), item["id"]
    assert set(hidden_of(path)) == {i["id"] for i in data["items"] if i["kind"] == "function"}
    assert len(alike) < len(data["items"])
    silent = [{**i, "one_for_all": None} for i in data["items"] if "one_for_all" in i]
    for item in silent:
        del item["one_for_all"]
        with pytest.raises(ValueError, match="one_for_all"):
            same_for_all({**data, "items": [item]})


# --- the roster -----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(FORMS.iterdir()), ids=lambda file: file.stem)
def test_a_roster_of_each_form(file):
    read, form = roster.read(file), file.stem.partition("-")[0]
    assert read.form.split()[0] == form and len(read.students) == 3
    assert [s.name for s in read.students] == ["Ada Lovelace", "Karl Gauß", "Cathy O'Neil"]
    assert all(roster.ID.fullmatch(s.id) for s in read.students)
    assert len(read.notes) == (2 if form == "canvas" else 0)


def test_who_is_no_student():
    """Canvas exports its test student as if it were one."""
    read = roster.read(FORMS / "canvas-semicolon.csv")
    assert [row["Student"].strip() for row in read.notes] == ["Points Possible", "Student, Test"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected the columns"),
        ("name\nAda\n", "expected the columns"),
        ("student\n", "no student"),
        ("student\nada\nADA\n", "line 3: ADA stands here twice"),
        ("student\n../../etc\n", "line 2: '../../etc' cannot name"),
        ("student\n.\n", "cannot name"),
        ("student\n\xff", "UTF-8"),
    ],
)
def test_a_roster_that_is_none(tmp_path, text, says):
    (tmp_path / "r.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=re.escape(says)):
        roster.read(tmp_path / "r.csv")
    with pytest.raises(ValueError, match="there is no file"):
        roster.read(tmp_path / "none.csv")


# --- handing out ----------------------------------------------------------------------------------


def test_each_student_has_their_own_numbers(the_class):
    texts = [the_class.released.notebook(the_class.key, s) for s in the_class.students]
    assert len(set(texts)) == len(texts)
    drawn = {json.dumps(the_class.released.seeds(the_class.key, s.id)) for s in the_class.students}
    assert len(drawn) == len(texts)
    book = json.loads(texts[0])
    assert book["metadata"]["ngd"]["student"] == "ada00"
    code = "\n".join("".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code")
    seeds = the_class.released.seeds(the_class.key, "ada00")
    assert f'seed="{seeds["q4"]}"' in code and f'seed="{seeds["q8"]}"' in code
    assert "hints=" not in code and "01 December 2026, 23:59" in "".join(book["cells"][0]["source"])
    handed = the_class.released.folder / "notebooks" / "ada00" / "bernoulli.ipynb"
    there = "https://example.org/book/notebooks/ngdlib-0-py3-none-any.whl"
    assert there in handed.read_text("utf-8")
    item = next(i for i in the_class.released.data["items"] if i["id"] == "q4")
    q0 = draw(item, seeds["q4"])["q0"]
    assert any(f"$q = {q0}$" in "".join(c["source"]) for c in book["cells"])


def test_nothing_secret_stands_in_a_notebook(the_class):
    for student in the_class.students[:3]:
        text = the_class.released.notebook(the_class.key, student)
        assert the_class.key.hex() not in text and "near_the_edge" not in text
        for other in the_class.students:
            assert other is student or other.id not in text
        for item in the_class.released.data["items"]:
            assert item["solution"].strip()[:60] not in text


def test_a_notebook_runs_and_checks_itself(the_class):
    """With the right answers typed in, the student's own checks say so."""
    book = the_class.filled(0)
    code = [c for c in book["cells"] if c["cell_type"] == "code" and c["id"] != "install"]
    space = {}
    for cell in code:
        if not cell["id"].endswith("-after"):
            exec("".join(cell["source"]), space)
    results = [space[f"result_q{k}"] for k in range(1, 9)]
    assert all(r.earned == r.possible for r in results)


def test_a_second_release(the_class, tmp_path):
    """Adds who is new, keeps the numbers of the others, and refuses another text."""
    folder, path = the_class.folder, ROOT / "exercises" / "bernoulli.yml"
    file = the_class.released.folder / "notebooks" / "ada00" / "bernoulli.ipynb"
    before = json.loads(file.read_text("utf-8"))["metadata"]["ngd"]
    people.roster(tmp_path / "more.csv", 9)
    again = release(folder, the_class.key, path, tmp_path / "more.csv")
    assert (
        len(again.roster.students) == 9 and len(list((again.folder / "notebooks").iterdir())) == 9
    )
    assert json.loads(file.read_text("utf-8"))["metadata"]["ngd"] == before
    other = tmp_path / "bernoulli.yml"
    other.write_text(path.read_text("utf-8") + "\n# changed\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has changed since"):
        release(folder, the_class.key, other, tmp_path / "more.csv")


@pytest.mark.parametrize(
    ("name", "due", "says"),
    [
        ("nothing", "", "SET: expected one of basins, bernoulli"),
        ("bernoulli", "tomorrow", "DUE: expected"),
    ],
)
def test_a_release_that_cannot_be(the_class, name, due, says):
    with pytest.raises(ValueError, match=says):
        release(
            the_class.folder,
            the_class.key,
            ROOT / "exercises" / f"{name}.yml",
            the_class.folder / "roster.csv",
            due,
        )


# --- collecting -----------------------------------------------------------------------------------


NAMES = [
    ("canvas", "lovelaceada_12345_777001_bernoulli.ipynb", []),
    ("canvas", "lovelaceada_LATE_12345_777001_bernoulli-1.ipynb", ["late, as Canvas says"]),
    ("canvas", "someoneelse_12345_777001_bernoulli.ipynb", []),
    ("moodle", "Ada Lovelace_1327627_assignsubmission_file_/bernoulli.ipynb", []),
    ("moodle", "Ada Lovelace_1_assignsubmission_file/Untitled.ipynb", []),
    ("moodle", "Participant_1327627_assignsubmission_file_/bernoulli.ipynb", []),
    ("moodle", "Ada Lovelace_1327627_assignsubmission_file_bernoulli (1).ipynb", []),
    ("moodle", "Ada Lovelace_1327627_assignsubmission_file_/abgabe.zip", []),
    ("canvas", "lovelaceada_LATE_12345_777001_homework.zip", ["late, as Canvas says"]),
    ("plain", "ada00.IPYNB", []),
    ("plain", "ada00/bernoulli.ipynb.txt", []),
    ("nbgrader", "alovelac/bernoulli/bernoulli.ipynb", []),
    ("nbgrader", "alovelac.ipynb", []),
    ("nbgrader", "alovelac_bernoulli.ipynb", []),
]


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize(("form", "name", "notes"), NAMES)
def test_names_as_platforms_give_them(the_class, form, name, notes, zipped):
    """In a folder, or in the zip that the platform lets download; the student may zip it, too."""
    released = the_class.released
    if form != "plain":
        released = release_to(the_class, FORMS / f"{form}.csv")
    ada = released.roster.students[0]
    files, found = {name: released.notebook(the_class.key, ada).encode()}, name
    if name.endswith(".zip"):
        found = f"{name}/Abgabe/bernoulli.ipynb"
        files = {name: zip_of({"Abgabe/bernoulli.ipynb": files[name]})}
    if zipped:
        where = the_class.folder / "submissions.zip"
        where.write_bytes(zip_of(files))
    else:
        where = the_class.inbox
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(files[name])
    got = collect(where, released, the_class.key)
    assert str(got.submissions[0].path) == found and got.submissions[0].notes == notes
    assert got.strays == []
    assert all(s.notes == ["nothing was handed in"] for s in got.submissions[1:])


def zip_of(files):
    """The bytes of a zip; names that are no text are `ZipInfo`s."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_what_a_zip_says_of_itself_is_not_believed(the_class):
    """Ways out of it, links, a bomb that lies about its size, damage, a lock, zips in zips, more
    files than anyone hands in: each is said, nothing is written, and the others are graded."""
    good = [json.dumps(the_class.filled(k)).encode() for k in range(8)]
    link = zipfile.ZipInfo("dana03/bernoulli.ipynb")
    link.external_attr = 0o120777 << 16
    inner = zip_of({"a.ipynb": good[6], "more/b.zip": zip_of({"c.ipynb": good[6]})})
    many = zip_of({f"{k}.txt": b"" for k in range(FILES[1])} | {"last.ipynb": good[7]})
    whole = zip_of(
        {
            "../../ada00/bernoulli.ipynb": good[0],
            "/etc/bo01.ipynb": good[1],
            "cem02/bernoulli.ipynb": b" " * 60_000_000,
            link: b"/etc/passwd",
            "eli04/bernoulli.ipynb": b"DAMAGED" + good[4],
            "fay05/bernoulli.ipynb": b"LOCKED!" + good[5],
            "gus06/all.zip": inner,
            "hao07/all.zip": many,
            "nobody.zip": b"PK",
        }
    )
    data = bytearray(whole)
    for name, at, value in [(b"cem02", 24, b"\x10\0\0\0"), (b"fay05", 8, b"\1")]:
        central = data.rindex(name) - 46
        data[central + at : central + at + len(value)] = value  # says 16 bytes; says it is locked
    at = data.index(b"eli04/bernoulli.ipynb") + 60
    data[at : at + 4] = b"\xff\xff\xff\xff"
    where = the_class.folder / "submissions.zip"
    where.write_bytes(bytes(data))
    before = sorted(the_class.folder.parent.rglob("*"))
    got = collect(where, the_class.released, the_class.key)
    assert sorted(the_class.folder.parent.rglob("*")) == before
    paths = [str(s.path) for s in got.submissions]
    assert paths[:2] == ["ada00/bernoulli.ipynb", "etc/bo01.ipynb"]
    assert [s.path for s in got.submissions[2:6]] == [None] * 4
    assert paths[6:] == ["gus06/all.zip/a.ipynb", "None"]
    notes = [" ".join(s.notes) for s in got.submissions]
    assert notes[:2] == ["", ""]
    assert "damaged" in notes[2] and "a link" in notes[3] and "damaged" in notes[4]
    assert "locked with a password" in notes[5] and "a zip in a zip" in notes[6]
    assert "201 files in a zip; the first 200" in notes[7]
    assert got.strays == ["nobody.zip: whose it is cannot be told; damaged: this is no zip"]


def test_a_zip_is_read_to_a_limit(the_class, monkeypatch):
    """A notebook of it, and all of it together; what comes after is said."""
    from ngdlib.exercises.classroom import collect as module

    text = json.dumps(the_class.filled(0)).encode()
    where = the_class.folder / "submissions.zip"
    where.write_bytes(zip_of({f"{s.id}.ipynb": text + b" " * 1000 for s in the_class.students}))
    monkeypatch.setattr(module, "BYTES", (3 * len(text) + 4000, 0))
    got = collect(where, the_class.released, the_class.key)
    assert [s.path is not None for s in got.submissions] == [True] * 3 + [False] * 5
    assert all("not opened" in s.notes[0] for s in got.submissions[3:])


def release_to(the_class, file):
    """The set released to the students of another roster."""
    (the_class.released.folder / "roster.csv").write_bytes(file.read_bytes())
    (the_class.released.folder / "release.json").write_text('{"due": ""}')
    return Released(the_class.folder, "bernoulli")


def test_what_is_wrong_with_a_submission_is_said(the_class):
    """Late, twice, renamed, damaged, 200 MB, a link, another's, another set's, not a notebook."""
    inbox, mine = the_class.inbox, the_class.filled
    people.save(mine(0), inbox, the_class.students[0], when=1_900_000_000)
    (inbox / "more").symlink_to(the_class.folder)
    people.save(mine(0), inbox / "ada00", the_class.students[0]._replace(id=".ipynb_checkpoints"))
    first = people.save(mine(1), inbox, the_class.students[1], "a.ipynb")
    people.save(mine(1), inbox, the_class.students[1], "b.ipynb", when=people.WHEN + 60)
    (inbox / "homework final (2).ipynb").write_text(json.dumps(mine(2)))
    os.utime(inbox / "homework final (2).ipynb", (people.WHEN, people.WHEN))
    (inbox / "dana03.ipynb").write_text(json.dumps(mine(3))[:-900])
    with (inbox / "eli04.ipynb").open("wb") as file:
        file.truncate(200_000_000)
    (inbox / "fay05.ipynb").symlink_to(first)
    the_class.hand_in(6, json.loads((ROOT / "exercises" / "gaussian.ipynb").read_text("utf-8")))
    (inbox / "gus06" / "notes.pdf").write_bytes(b"%PDF")
    (inbox / "readme.txt").write_bytes(b"")
    (inbox / "solution.zip").write_bytes(b"PK")
    (inbox / "stranger.ipynb").write_text('{"cells": []}')
    found = the_class.collect()
    notes = {s.student.id: " ".join(s.notes) for s in found.submissions}
    assert "late by" in notes["ada00"]
    assert "handed in 2 times" in notes["bo01"] and str(found.submissions[1].path) == "bo01/b.ipynb"
    assert "its name is nobody's; the seal inside is of cem02" in notes["cem02"]
    assert found.submissions[2].path and found.submissions[2].cells
    assert "damaged" in notes["dana03"] and "200 MB are too large" in notes["eli04"]
    assert "a link" in notes["fay05"] and "of the set gaussian" in notes["gus06"]
    assert "no seal" in notes["gus06"] and notes["hao07"] == "nothing was handed in"
    assert "gus06/notes.pdf: not a notebook" in notes["gus06"]
    assert sorted(found.strays) == [
        "more: whose it is cannot be told; a link, or no plain file; not opened",
        "readme.txt: not a notebook (.ipynb); not opened",
        "solution.zip: whose it is cannot be told; damaged: this is no zip",
        "stranger.ipynb: whose it is cannot be told; not graded",
    ]
    for name in ("dana03", "eli04", "fay05"):
        assert next(s for s in found.submissions if s.student.id == name).path is None


def test_nobody_hands_in_for_another(the_class):
    """A student names the file, the platform the folder."""
    the_class.hand_in(1, the_class.filled(1))
    the_class.hand_in(0, the_class.filled(0, people.empty), "bo01.ipynb")
    found = the_class.collect().submissions
    assert [str(s.path) for s in found[:2]] == ["ada00/bo01.ipynb", "bo01/bernoulli.ipynb"]
    assert found[1].notes == []


@pytest.mark.parametrize(
    ("stamp", "late"),
    [
        ("2026-12-01 20:00:00.123456 UTC", False),
        ("2026-12-03 20:00:00 UTC", True),
        ("2026-12-02 12:00:00 Pacific/Kiritimati", False),
        ("2026-12-01 11:00:00 Pacific/Pago_Pago", False),
    ],
)
def test_nbgrader_says_when(the_class, stamp, late, monkeypatch):
    """Its time counts, with its zone; a student's own file of that name does not."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    book, students = the_class.filled(0), the_class.students
    file = people.save(book, the_class.inbox / "ada00", students[0]._replace(id="bernoulli"))
    file.with_name("timestamp.txt").write_text(stamp)
    mine = people.save(the_class.filled(1), the_class.inbox, students[1], when=1_900_000_000)
    mine.with_name("timestamp.txt").write_text("2026-01-01 00:00:00 UTC")
    notes = [" ".join(s.notes) for s in the_class.collect().submissions]
    assert ("late by" in notes[0]) == late and "late by" in notes[1]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', "[" * 10**5, "\x00",
     '{"cells": [{"cell_type": "code", "source": [1]}]}', '{"cells": [], "metadata": []}',
     '{"cells": [{"cell_type": "code"}]}',
     json.dumps({"cells": [{"cell_type": "code", "source": "1"}] * 2000})],
    ids=range(11),
)  # fmt: skip
def test_damaged_files_are_said_to_be(the_class, text):
    (the_class.inbox / "ada00.ipynb").write_text(text)
    found = the_class.collect().submissions[0]
    assert found.path is None and re.search("damaged|too many", found.notes[0])


def test_a_large_file_is_not_opened(the_class, monkeypatch):
    with (the_class.inbox / "ada00.ipynb").open("wb") as file:
        file.truncate(LARGEST + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was opened"))
    assert "too large" in the_class.collect().submissions[0].notes[0]


# --- grading --------------------------------------------------------------------------------------


def test_good_wrong_and_empty(the_class):
    the_class.hand_in(0, the_class.filled(0))
    the_class.hand_in(1, the_class.filled(1, people.wrong, function=people.INVARIANT))
    the_class.hand_in(
        2, json.loads(the_class.released.notebook(the_class.key, the_class.students[2]))
    )
    results = the_class.grade()
    assert total(results["ada00"]) == (17, 17, False)
    bo = {i["id"]: i for i in results["bo01"]["items"]}
    assert bo["q1"]["kind"] == "known:probability-chart" and bo["q6"]["kind"] == "known:invariant"
    assert "That is the information about the probability" in bo["q1"]["says"]
    assert 0 < total(results["bo01"])[0] < 6  # the derivation is right, and one mistake has a share
    assert total(results["cem02"])[0] == total(results["dana03"])[0] == 0
    assert {i["kind"] for i in results["cem02"]["items"]} == {"empty"}


def test_partial_credit(the_class):
    """Right where the numbers are ordinary, wrong near the edge: the points of the others."""
    book = the_class.filled(0)
    edge = "    if q < 0.1: return [q, q, q]\n"
    people.put(book, "q6", people.LANDINGS.replace(":\n", ":\n" + edge, 1))
    the_class.hand_in(0, book)
    result = {i["id"]: i for i in the_class.grade()["ada00"]["items"]}["q6"]
    assert result["earned"] == 1.5 and "hidden case" in result["says"]


def test_graded_again_is_the_same_and_takes_no_time(the_class, monkeypatch):
    for k in range(3):
        the_class.hand_in(k, the_class.filled(k))
    first = the_class.grade_all()
    import ngdlib.exercises.classroom.grade as module

    monkeypatch.setattr(module, "one", lambda *_: pytest.fail("graded again"))
    told = []
    assert the_class.grade_all(tell=lambda *n: told.append(n)) == first
    assert told == [(8, 8)]


def test_what_has_changed_is_graded_again(the_class):
    the_class.hand_in(0, the_class.filled(0))
    the_class.hand_in(1, the_class.filled(1))
    the_class.grade_all()
    the_class.hand_in(1, the_class.filled(1, people.empty))
    told = []
    results = {r["student"]: r for r in the_class.grade_all(tell=lambda *n: told.append(n))}
    assert told == [(7, 8), (8, 8)]
    assert total(results["ada00"])[0] == 17 and total(results["bo01"])[0] == 3
    file = the_class.released.folder / "graded" / "ada00.json"
    file.write_text(file.read_text()[:40])  # a result that was cut off counts as none
    assert total(the_class.grade()["ada00"])[0] == 17


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_interrupted_and_resumed(the_class, how):
    """Nothing is lost, nothing counted twice, and no process stays behind."""
    for k in range(8):
        book = the_class.filled(k)
        people.put(book, "q1", "import time; time.sleep(1.5); q1 = 'σ(z)(1-σ(z))'")
        the_class.hand_in(k, book)
    command = [sys.executable, "-m", "ngdlib.exercises.classroom", "--class", str(the_class.folder)]
    command += ["grade", "--submissions", str(the_class.inbox)]
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as at a keyboard
    )
    graded = the_class.released.folder / "graded"
    for _ in range(600):
        if graded.is_dir() and len(list(graded.glob("*.json"))) >= 2:
            break
        time.sleep(0.1)
    run.send_signal(how)
    said = run.communicate(timeout=60)
    done = {f.name: f.stat().st_mtime_ns for f in graded.glob("*.json")}
    assert 2 <= len(done) < 8 and run.returncode in (130, -9)
    assert b"goes on from here" in said[1] or how == signal.SIGKILL
    assert not (the_class.released.folder / "grades.csv").exists()
    time.sleep(1)
    assert not running_with(str(the_class.folder))
    results = the_class.grade()
    assert all(total(r)[0] == 17 for r in results.values()) and len(results) == 8
    now = {f.name: f.stat().st_mtime_ns for f in graded.glob("*.json")}
    assert len(now) == 8 and all(now[name] == when for name, when in done.items())
    assert not list(graded.glob("*.part"))


def running_with(text):
    """The processes in whose command a text stands."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [file] if text in file.read_bytes().decode(errors="replace") else []
        except OSError:
            pass
    return found


# --- tables ---------------------------------------------------------------------------------------


@pytest.fixture
def graded(the_class):
    """A class with a roster of one of the platforms, graded: (released, results)."""

    def run(form):
        released = release_to(the_class, FORMS / f"{form}.csv")
        ada, karl, _ = released.roster.students
        people.save(people.filled(released, the_class.key, ada), the_class.inbox, ada)
        other = people.filled(released, the_class.key, karl, people.wrong, people.INVARIANT)
        people.save(other, the_class.inbox, karl)
        the_class.released = released
        return released, the_class.grade_all()

    return run


def table(file, separator=","):
    with file.open(encoding="utf-8-sig", newline="") as rows:
        read = csv.DictReader(rows, delimiter=separator)
        return read.fieldnames, list(read)


def test_canvas_finds_its_students_again(graded):
    """Its own columns, in its order, and only our assignment: as gradebook_importer.rb reads it."""
    released, results = graded("canvas")
    export(released, results, {})
    columns, rows = table(released.folder / "canvas.csv")
    ours = "One coin, three charts (524895)"
    assert columns == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", ours]
    assert rows[0]["Student"] == "    Points Possible" and rows[0][ours] == "17"
    _, before = table(FORMS / "canvas.csv")
    for row, was in zip(rows[1:], before[2:], strict=True):
        assert all(row[c] == was[c] for c in columns[:5])
    assert rows[1][ours] == "17.00" and float(rows[2][ours]) < 8
    assert rows[3][ours] == "0.00"


def test_moodle_gets_its_worksheet_back(graded):
    """Unchanged but for grade and feedback: the importer asks for the identifier, the grade and
    the time of the last grade."""
    released, results = graded("moodle")
    export(released, results, {})
    columns, rows = table(released.folder / "moodle.csv")
    header, before = table(FORMS / "moodle.csv")
    assert columns == header
    for row, was in zip(rows, before, strict=True):
        changed = {c for c in columns if row[c] != was[c]}
        assert changed <= {"Grade", "Feedback comments"} and 0 <= float(row["Grade"]) <= 17
    assert rows[0]["Grade"] == "17.00"


def test_a_gradebook_with_semicolons_goes_back_with_them(graded):
    """As Canvas writes it where a comma is in numbers: its own separator, rows and extra column."""
    released, results = graded("canvas-semicolon")
    export(released, results, {})
    columns, rows = table(released.folder / "canvas.csv", ";")
    _, before = table(FORMS / "canvas-semicolon.csv", ";")
    assert columns == [*list(before[0])[:6], "One coin, three charts (64870)"]
    assert [{c: row[c] for c in columns[:6]} for row in rows[1:]] == [
        {c: row[c] for c in columns[:6]} for row in before[1:4]
    ]
    assert rows[1][columns[-1]] == "17.00" and not any("(read only)" in r.values() for r in rows)


def test_moodle_gets_a_worksheet_with_a_workflow_back(graded):
    """With a byte-order mark, lines that end as on Windows, a comment of two lines."""
    released, results = graded("moodle-workflow")
    export(released, results, {})
    columns, rows = table(released.folder / "moodle.csv")
    header, before = table(FORMS / "moodle-workflow.csv")
    assert columns == header and "Marking workflow state" in columns
    for row, was in zip(rows, before, strict=True):
        changed = {c for c in columns if row[c] != was[c].strip()}
        assert changed <= {"Grade", "Feedback comments"} and 0 <= float(row["Grade"]) <= 17


def test_moodle_finds_by_address_whom_it_has_no_number_for(graded):
    """From its exported grades, whose form is that of load_data_test.php: ID number as it was."""
    released, results = graded("moodle-list")
    export(released, results, {})
    columns, rows = table(released.folder / "moodle.csv")
    _, before = table(FORMS / "moodle-list.csv")
    assert columns == MOODLE
    for row, was in zip(rows, before, strict=True):
        assert row["Full name"] == f"{was['First name']} {was['Surname']}"
        assert all(row[c] == was[c] for c in ("ID number", "Email address"))
    assert [row["Grade"] for row in rows][::2] == ["17.00", "0.00"]


def test_nbgrader_columns(graded):
    released, results = graded("nbgrader")
    export(released, results, {})
    columns, rows = table(released.folder / "nbgrader.csv")
    assert columns == NBGRADER
    assert (rows[0]["student_id"], rows[0]["last_name"]) == ("alovelac", "Lovelace")
    assert float(rows[0]["score"]) == float(rows[0]["max_score"]) == 17
    columns, rows = table(released.folder / "moodle.csv")
    assert columns == MOODLE and rows[0]["ID number"] == "alovelac"


def test_no_cell_of_a_table_is_a_formula_of_a_spreadsheet(the_class):
    (the_class.inbox / "=HYPERLINK(1)").mkdir()
    file = the_class.inbox / "=HYPERLINK(1)" / "ada00.ipynb"
    file.write_text("no notebook")
    results = the_class.grade_all()
    results[0]["notes"] = ["=1+1"]
    export(the_class.released, results, {})
    for name in ("grades", "canvas", "moodle", "nbgrader"):
        for row in table(the_class.released.folder / f"{name}.csv")[1]:
            assert not [v for v in row.values() if v.startswith(("=", "+", "@"))]
    assert "'=1+1" in (the_class.released.folder / "grades.csv").read_text()


# --- pages ----------------------------------------------------------------------------------------


def test_feedback_says_what_the_page_says(the_class):
    the_class.hand_in(0, the_class.filled(0, people.wrong, function=people.INVARIANT))
    feedback(the_class.released, the_class.key, the_class.grade_all())
    folder = the_class.released.folder / "feedback"
    page = (folder / "ada00.html").read_text("utf-8")
    assert len(list(folder.iterdir())) == 8 and "<math" in page and "src=" not in page
    assert "That is the information about the probability" in page and "Worked solution" in page
    assert "://" not in page.replace("http://www.w3.org/1998/Math/MathML", "")
    assert not any(s.id in page or s.name in page for s in the_class.students[1:])


def test_feedback_counts_and_shows_what_was_typed(the_class):
    """No try more, no hint, no name of the machine's: the points, the answer, what went wrong."""
    book = the_class.filled(0)
    for item, code in [("q1", 'q1 = "1/("'), ("q2", 'q2 = ["only-one"]'), ("q4", "q4 = 0.123"),
                       ("q8", "q8 = p")]:  # fmt: skip
        people.put(book, item, code)
    the_class.hand_in(0, book)
    (the_class.inbox / "bo01.pdf").write_bytes(b"%PDF")
    feedback(the_class.released, the_class.key, the_class.grade_all())
    pages = the_class.released.folder / "feedback"
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", (pages / "ada00.html").read_text("utf-8")))
    assert "Cannot be read · 0 of 1 point" in page and "Not right · 0 of 2 points" in page
    assert "only-one" in page and "0.123" in page and "The cell of this answer stopped with" in page
    assert not re.search(r"Try (the )?hint|does not count|yet ·|bernoulli\.q", page)
    assert "bo01.pdf: not a notebook" in (pages / "bo01.html").read_text("utf-8")


def test_what_a_student_writes_is_text(the_class):
    book = the_class.filled(0)
    people.put(book, "q1", "q1 = '<img src=x onerror=alert(1)> $</span><script>$ `</code><script>'")
    people.put(
        book, "q6", "def landings(q, m, eta): raise ValueError('</p><script>alert(2)</script>')"
    )
    book["cells"].append({"cell_type": "code", "id": "<script>", "metadata": {}, "source": "1/0"})
    the_class.hand_in(0, book)
    results = the_class.grade_all()
    feedback(the_class.released, the_class.key, results)
    report(the_class.released, results, ["<script>stray</script>"])
    for file in [
        the_class.released.folder / "report.html",
        *the_class.released.folder.glob("f*/*"),
    ]:
        text = file.read_text("utf-8")
        assert "<script" not in text and "<img" not in text


def test_a_student_does_not_hear_of_another(the_class):
    """That a notebook is another's is for the instructor."""
    the_class.hand_in(1, the_class.filled(0))
    results = the_class.grade_all()
    feedback(the_class.released, the_class.key, results)
    report(the_class.released, results, [])
    page = (the_class.released.folder / "feedback" / "bo01.html").read_text("utf-8")
    assert "ada00" not in page and "Ada" not in page and "another student&#x27;s notebook" in page
    assert "ada00" in (the_class.released.folder / "report.html").read_text("utf-8")


def test_the_report_counts_mistakes_by_name(the_class):
    for k in range(3):
        the_class.hand_in(k, the_class.filled(k, people.wrong, function=people.INVARIANT))
    said = report(the_class.released, the_class.grade_all(), ["x.zip: not a notebook"])
    page = (the_class.released.folder / "report.html").read_text("utf-8")
    assert "probability-chart 3" in said and "invariant 3" in page and "x.zip" in page
    assert "hao07: nothing was handed in" in page and "one answer for all" in page
    assert "1, probability-chart: That is the information about the probability" in page


# --- read by a person -----------------------------------------------------------------------------

ESSAY = """
- id: why
  kind: manual
  points: 3
  objective: fisher
  title: In your own words
  prompt: Why does the Fisher information of a coin depend on the chart?
  rubric:
  - {points: 1, text: Says what it measures.}
  - {points: 2, text: Names the square of the Jacobian.}
  hints: []
  solution: It is a ruler for steps of a parameter.
"""


@pytest.fixture
def essay(tmp_path):
    """A class whose set has an item that a person reads, and what one student handed in."""
    sample = Path(__file__).parent.parent / "exercise_sets" / "sample.yml"
    path = tmp_path / "sample.yml"
    path.write_text(sample.read_text("utf-8").rstrip() + "\n" + ESSAY, encoding="utf-8")
    path.with_suffix(".py").write_bytes(sample.with_suffix(".py").read_bytes())
    folder = tmp_path / "class"
    key = keys.create(folder)
    students = people.roster(tmp_path / "roster.csv", 2)
    released = release(folder, key, path, tmp_path / "roster.csv", site="https://example.org")
    book = json.loads(released.notebook(key, students[0]))
    people.put(book, "why", 'why = """=It measures <b>steps</b>."""')
    people.save(book, tmp_path / "inbox", students[0], "sample.ipynb")
    return released, key, tmp_path / "inbox"


def test_an_item_for_a_person_waits_and_is_put_in(essay):
    from ngdlib.exercises.classroom.collect import collect
    from ngdlib.exercises.classroom.grade import grade

    released, key, inbox = essay

    def run():
        return manual(released, grade(released, key, collect(inbox, released, key)))

    first = run()
    assert [total(r)[2] for r in first] == [True, False]  # who wrote nothing need not wait
    file = released.folder / "manual.csv"
    columns, rows = table(file)
    assert len(rows) == 1 and rows[0]["answer"] == "'=It measures <b>steps</b>."
    assert "Names the square" in rows[0]["rubric"] and rows[0]["points"] == ""
    rows[0] |= {"points": "2.5", "comment": "And the square?"}
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)
    for _ in range(2):  # kept, not counted twice
        results = run()
        assert total(results[0]) == (2.5, total(first[0])[1], False)
    feedback(released, key, results)
    page = (released.folder / "feedback" / "ada00.html").read_text("utf-8")
    assert "And the square?" in page and "<b>" not in page and "2.5" in page
    export(released, results, {})
    for wrong in ("3.5", "-1", "much"):
        file.write_text(file.read_text().replace("2.5", wrong))
        with pytest.raises(ValueError, match="expected 0 to 3"):
            run()
        file.write_text(file.read_text().replace(wrong, "2.5"))


def test_points_are_asked_for_again_when_the_answer_changes(essay):
    from ngdlib.exercises.classroom.collect import collect
    from ngdlib.exercises.classroom.grade import grade

    released, key, inbox = essay
    manual(released, grade(released, key, collect(inbox, released, key)))
    file = released.folder / "manual.csv"
    file.write_text(file.read_text().replace("Jacobian.,,", "Jacobian.,3,"))
    results = manual(released, grade(released, key, collect(inbox, released, key)))
    assert total(results[0])[0] == 3
    book = json.loads(next(inbox.rglob("*.ipynb")).read_text())
    people.put(book, "why", 'why = "Something else."')
    next(inbox.rglob("*.ipynb")).write_text(json.dumps(book))
    results = manual(released, grade(released, key, collect(inbox, released, key)))
    assert total(results[0])[0] == 0 and total(results[0])[2]


# --- the commands ---------------------------------------------------------------------------------


def test_the_commands_say_what_is_missing(tmp_path, capsys):
    job = ["--class", str(tmp_path / "class")]
    assert main([*job, "grade", "--submissions", str(tmp_path)]) == 1
    assert "`make class` creates it" in capsys.readouterr().err
    assert main([*job, "new"]) == 0 and main([*job, "new"]) == 1
    assert "show it to nobody" in capsys.readouterr().out
    for arguments, says in [
        (["release"], "SET: name one of basins, bernoulli"),
        (["release", "--set", "bernoulli"], "ROSTER: name the table"),
        (["release", "--set", "bernoulli", "--roster", "x.csv"], "ROSTER: there is no file"),
        (["grade"], "SET: name one of (none was released)"),
    ]:
        assert main([*job, *arguments]) == 1
        assert says in capsys.readouterr().err


def test_unsafe_says_what_that_means(the_class, capsys):
    the_class.hand_in(0, the_class.filled(0))
    job = ["--class", str(the_class.folder), "grade", "--submissions", str(the_class.inbox)]
    assert main([*job, "--unsafe"]) == 0
    out = capsys.readouterr()
    assert "read the key, change all grades" in out.err and "8 of 8 graded" in out.err
    assert "8 students, mean 2.12 of 17 points" in out.out
    assert (
        main(job[:3]) == 1 and "SUBMISSIONS: name the folder or the zip" in capsys.readouterr().err
    )
