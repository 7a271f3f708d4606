"""Attacks: no point is gained, nothing hidden is learnt, and it costs only the item it stands in.

Each attack stands in the notebook of a student whose other answers are all right. The table says
which items may be lost; all others must earn their points.
"""

import json
import os
import re
import socket
import threading

import pytest

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom import sandbox
from ngdlib.exercises.classroom.grade import one
from ngdlib.exercises.classroom.pages import feedback
from ngdlib.exercises.notebook.answers import check
from tests.classroom import people

POINTS = {"q1": 1, "q2": 1, "q3": 2, "q4": 2, "q5": 2, "q6": 3, "q7": 3, "q8": 3}
READ = """
import os
seen = []
for top, folders, files in os.walk("/"):
    if top.startswith(("/proc", "/usr", "/packages", "/python", "/dev")):
        continue
    for name in files:
        try:
            seen.append(open(os.path.join(top, name), errors="replace").read())
        except OSError:
            pass
seen += ["%s=%s" % pair for pair in os.environ.items()]
try:
    seen.append(open("/proc/1/environ").read())
except OSError:
    pass
"""
FRAMES = """
import gc, inspect
def landings(q, m, eta):
    for frame in inspect.stack():
        for value in list(frame.frame.f_locals.values()) + list(frame.frame.f_globals.values()):
            if isinstance(value, dict):
                for key in ("expect", "expected", "answer", "oracle", "cases"):
                    if key in value:
                        return value[key]
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "oracle" in thing:
            return thing["oracle"]
    return [0, 0, 0]
"""
CHANNEL = """
import json, os
def landings(q, m, eta):
    for fd in range(3, 64):
        try:
            for guess in ("", "0", "1"):
                reply = json.dumps({"id": guess, "ok": True, "value": [.5, .5, .5]})
                os.write(fd, (reply + chr(10)).encode())
        except OSError:
            pass
    return [0, 0, 0]
"""
# name: (item whose cell holds it, code, items that may be lost)
ATTACKS = {
    "patch the checker": (
        "q6",
        "import ngdlib.exercises as e, numpy, builtins, sys\n"
        "e.check = lambda *a, **k: type('R', (), {'earned': 99, 'score': 1})()\n"
        "numpy.allclose = lambda *a, **k: True\n"
        "for name in list(sys.modules):\n"
        "    for known in ('check_item', 'check', 'points'):\n"
        "        try: setattr(sys.modules[name], known, lambda *a, **k: 1.0)\n"
        "        except Exception: pass\n"
        "def landings(q, m, eta): return [0, 0, 0]",
        {"q6"},
    ),
    "always equal": (
        "q6",
        "class Same(np.ndarray):\n"
        "    def __eq__(self, o): return True\n"
        "    def __array__(self, *a, **k): return np.array([float('nan')] * 3)\n"
        "    shape = (3,)\n"
        "def landings(q, m, eta): return np.zeros(3).view(Same)",
        {"q6"},
    ),
    "inspect the stack": ("q6", FRAMES, {"q6"}),
    "inspect the time": (
        "q6",
        "import time\ncalls = []\ndef landings(q, m, eta):\n"
        "    calls.append(time.time())\n    return [len(calls), time.time(), calls[0]]",
        {"q6"},
    ),
    "hard-code the public cases": (
        "q6",
        "def landings(q, m, eta):\n"
        "    if abs(q - 0.2) < 1e-12: return [0.28, 0.29187513, 0.28544776]\n    return [q, q, q]",
        {"q6"},
    ),
    "forge replies": ("q6", CHANNEL, {"q6"}),
    "forge a reply at cell level": (
        "q1",
        "import os, json\n"
        "for fd in range(3, 64):\n"
        '    try: os.write(fd, b\'{"id": "x", "ok": true, "value": 1}\\n\' * 9)\n'
        "    except OSError: pass",
        {"q1"},
    ),
    "deep JSON on the channel": (
        "q1",
        "import os\n"
        "for fd in range(3, 64):\n"
        "    try: os.write(fd, b'[' * 60000 + b'\\n')\n"
        "    except OSError: pass",
        {"q1"},
    ),
    "a flood on the channel": (
        "q1",
        "import os\n"
        "for fd in range(3, 64):\n"
        "    try:\n"
        "        for _ in range(200): os.write(fd, b'x' * 4096)\n"
        "    except OSError: pass",
        {"q1"},
    ),
    "a pickle that runs": (
        "q1",
        "class Bomb:\n"
        "    def __reduce__(self): return (__import__('os').system, ('touch {escape}/pickled',))\n"
        "q1 = Bomb()",
        {"q1"},
    ),
    "a pickle from a function": (
        "q6",
        "class Bomb:\n"
        "    def __reduce__(self): return (__import__('os').system, ('touch {escape}/pickled',))\n"
        "def landings(q, m, eta): return [Bomb()] * 3",
        {"q6"},
    ),
    "endless loop in a cell": ("q1", "while True: pass", {"q1"}),
    "endless loop in a function": ("q6", "def landings(q, m, eta):\n    while True: pass", {"q6"}),
    "ignore the signals": (
        "q1",
        "import signal\n"
        "for s in range(1, 64):\n"
        "    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        {"q1"},
    ),
    "os._exit in a cell": ("q1", "import os; os._exit(0)", {"q1"}),
    "os._exit in a function": (
        "q6",
        "import os\ndef landings(q, m, eta): os._exit(0)",
        {"q6"},
    ),
    "SystemExit": ("q1", "raise SystemExit(0)", {"q1"}),
    "memory": ("q1", "hoard = bytearray(6 << 30)", {"q1"}),
    "memory, page by page": (
        "q1",
        "hoard = []\nwhile True: hoard.append(bytearray(1 << 24))",
        {"q1"},
    ),
    "a recursion": ("q1", "def f(): f()\nf()", {"q1"}),
    "a crash in C": ("q1", "import ctypes; ctypes.string_at(0)", {"q1"}),
    "a fork bomb": (
        "q1",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        {"q1"},
    ),
    "a fork bomb that fills the memory": (
        "q1",
        "import os\nhoard = []\nwhile True:\n    os.fork()\n    hoard.append(bytearray(1 << 24))",
        {"q1"},
    ),
    "a disk full": (
        "q1",
        "n = 0\nwhile True:\n    open(f'/tmp/{n}', 'wb').write(b'x' * 4_000_000); n += 1",
        {"q1"},
    ),
    "an answer too large": ("q1", "q1 = '1+' * 10_000_000", {"q1"}),
    "an answer too deep": ("q1", "q1 = []\nfor _ in range(100_000): q1 = [q1]", {"q1"}),
    "a number too long": ("q4", "q4 = 10 ** 100_000", {"q4"}),
    "nan": ("q4", "q4 = float('nan')", {"q4"}),
    "Python in a formula": (
        "q1",
        "q1 = \"__import__('os').system('touch {escape}/evaluated')\"",
        {"q1"},
    ),
    "9**9**9": ("q1", 'q1 = "9^9^9^9*z"', {"q1"}),
    "a name of a type": (
        "q6",
        "def landings(q, m, eta): raise type('<script>alert(1)</script>', (Exception,), {})('<b>')",
        {"q6"},
    ),
    "surrogates": ("q1", "q1 = '\\ud800' * 50", {"q1"}),
    "the set's own marks": ("q1", "q1 = '\\ue0009\\ue001 {{q0}}'", {"q1"}),
}


@pytest.fixture
def attack(the_class, tmp_path):
    """Grade one student with code in one cell; points of each item."""

    def run(book):
        the_class.hand_in(0, book)
        submission = the_class.collect().submissions[0]
        return one(the_class.released, the_class.key, submission)

    return run


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_gains_nothing_and_costs_its_own_item(
    name, the_class, attack, tmp_path, monkeypatch
):
    monkeypatch.setattr(sandbox.Session, "CELL", 3.0)
    item, code, lost = ATTACKS[name]
    book = the_class.filled(0)
    people.put(book, item, code.replace("{escape}", str(tmp_path)))
    before = sorted(p.name for p in tmp_path.iterdir())
    result = attack(book)
    earned = {i["id"]: i["earned"] for i in result["items"]}
    assert all(earned[i] == 0 for i in {item}), earned
    assert all(earned[i] == points for i, points in POINTS.items() if i not in lost), earned
    assert sorted(p.name for p in tmp_path.iterdir()) == before, "something was written outside"
    feedback(the_class.released, the_class.key, [result])
    page = (the_class.released.folder / "feedback" / f"{result['student']}.html").read_text("utf-8")
    assert "<script" not in page and "<b>" not in page


def test_the_right_answers_earn_all_points(the_class, attack):
    """The control: without an attack every item is earned."""
    result = attack(the_class.filled(0))
    assert {i["id"]: i["earned"] for i in result["items"]} == POINTS
    assert result["stopped"] == []


def test_nothing_to_read(the_class, monkeypatch):
    """No key, no set, no other student, no hidden case: not in files, not in the environment."""
    monkeypatch.setattr(sandbox.Session, "CELL", 100.0)  # there is a library to read
    monkeypatch.setattr(sandbox.Session, "ALL", 200.0)
    words = [the_class.key.hex(), str(the_class.folder), the_class.students[1].id, "tails_only"]
    words += ["Three people, one fair coin"]
    find = f"{READ}\nhits = [w for w in {words} if any(w in s for s in seen)]\nn = len(seen)"
    with sandbox.Session([("a", find)]) as session:
        assert session.ask("get", "n") > 50  # the book's library is there, and is read
        assert session.ask("get", "hits") == []
    with sandbox.Session([("a", find.replace("w in s for", "'matrix' in s for"))]) as session:
        assert len(session.ask("get", "hits")) == len(words)  # what is there is found


def test_nothing_hidden_is_learnt(the_class, attack):
    """A function that shouts what it is called with: no hidden number comes out anywhere."""
    shout = "heard = []\ndef landings(q, m, eta):\n    heard.append((q, m, eta))\n"
    shout += "    raise ValueError(f'{q!r} {m!r} {eta!r} {heard!r}')"
    book = the_class.filled(0)
    people.put(book, "q6", shout)
    result = attack(book)
    feedback(the_class.released, the_class.key, [result])
    page = next((the_class.released.folder / "feedback").iterdir()).read_text("utf-8")
    everything = json.dumps(result) + page
    student, part = the_class.students[0].id, the_class.released.hidden["q6"]
    cases = keys.hidden(the_class.key, part, "bernoulli", student, "q6")["cases"]
    numbers = [x for case in cases for x in case["at"].values() if x not in (0, 1)]
    assert len(numbers) > 15
    assert not [x for x in numbers if f"{x:.5g}" in everything or f"{x:.4f}" in everything]
    assert "ValueError" in everything  # of the public case it is told


def test_nothing_hidden_is_learnt_from_the_right_public_answers(the_class, attack):
    """Right where everybody can see it, shouting elsewhere."""
    book = the_class.filled(0)
    shout = "    if q < 0.1: raise ValueError(f'hidden {q} {m} {eta}')\n"
    people.put(book, "q6", people.LANDINGS.replace(":\n", ":\n" + shout, 1))
    items = {i["id"]: i for i in attack(book)["items"]}
    assert items["q6"]["earned"] < 3 and "ValueError: hidden" not in items["q6"]["says"]


def test_hidden_cases_do_not_pass_from_one_item_to_another(the_class, attack):
    """Answers are fetched before a function is called: what it stores in them is not seen."""
    book = the_class.filled(0)
    code = people.LANDINGS.replace(":\n", ":\n    globals()['q7'] = globals()['q8'] = f'{q}'\n", 1)
    people.put(book, "q6", code)
    earned = {i["id"]: i["earned"] for i in attack(book)["items"]}
    assert earned == POINTS


def test_no_network(the_class, attack):
    """A server on this machine hears nothing, at its address or through a socket in a file."""
    server = socket.create_server(("127.0.0.1", 0))
    heard = []
    threading.Thread(target=lambda: heard.append(server.accept()), daemon=True).start()
    port = server.getsockname()[1]
    book = the_class.filled(0)
    people.put(
        book,
        "q1",
        f"import socket\nfor host in ('127.0.0.1', 'localhost', '1.1.1.1'):\n"
        f"    try: socket.create_connection((host, {port}), timeout=1).send(b'x')\n"
        f"    except OSError: pass\nq1 = ''",
    )
    attack(book)
    assert not heard
    socket.create_connection(("127.0.0.1", port)).close()  # it would have heard
    server.close()


def test_nothing_is_written_outside(the_class, attack, tmp_path):
    targets = [
        str(tmp_path / "x"),
        "/usr/x",
        "/packages/x",
        "/book/ngdlib/x",
        "/worker.py",
        "/dev/shm/x",
    ]
    targets += [str(the_class.folder / "key"), os.path.expanduser("~/x"), "/etc/x", "/x"]
    code = f"done = []\nfor path in {targets}:\n    try:\n        open(path, 'a').write('x')\n"
    code += "        done.append(path)\n    except OSError: pass"
    with sandbox.Session([("a", code)]) as session:
        assert session.ask("get", "done") == []


def test_it_is_nobody_and_alone(the_class):
    code = "import os\nme = os.getuid()\nothers = [p for p in os.listdir('/proc') if p.isdigit()]\n"
    code += "kids = 0\ntry:\n    while True:\n        if os.fork() == 0:\n            import time\n"
    code += "            time.sleep(9)\n            os._exit(0)\n        kids += 1\n"
    code += "except OSError: pass"
    with sandbox.Session([("a", code)]) as session:
        assert session.ask("get", "me") not in (0, os.getuid())
        assert len(session.ask("get", "others")) <= 3
        assert session.ask("get", "kids") <= sandbox.LIMITS["NPROC"]


def test_the_time_of_a_notebook_is_bounded(the_class, attack, monkeypatch):
    """However many cells hang."""
    monkeypatch.setattr(sandbox.Session, "CELL", 0.5)
    monkeypatch.setattr(sandbox.Session, "ALL", 4.0)
    book = the_class.filled(0)
    hang = {"cell_type": "code", "metadata": {}, "source": "while True: pass"}
    book["cells"] = [{**hang, "id": f"h{k}"} for k in range(500)] + book["cells"]
    result = attack(book)
    assert result["seconds"] < 60 and all(i["earned"] == 0 for i in result["items"])
    assert any("used up" in i["trouble"] for i in result["items"])


def test_anothers_notebook_gives_no_points_for_anothers_numbers(the_class):
    the_class.hand_in(1, the_class.filled(0))
    submission = the_class.collect().submissions[1]
    assert any("the notebook of ada00" in note for note in submission.notes)
    result = one(the_class.released, the_class.key, submission)
    earned = {i["id"]: i["earned"] for i in result["items"]}
    seeds = [the_class.released.seeds(the_class.key, s.id) for s in the_class.students[:2]]
    from ngdlib.exercises.judging.items import draw

    for item in the_class.released.data["items"]:
        if item.get("variant") and draw(item, seeds[0][item["id"]]) != draw(
            item, seeds[1][item["id"]]
        ):
            assert earned[item["id"]] < item["points"]


def test_cells_removed_doubled_and_reordered(the_class, attack):
    book = the_class.filled(0)
    cells = [c for c in book["cells"] if c["id"] not in ("set-up", "install", "title", "q2-answer")]
    cells = [c for c in cells if not c["id"].endswith("-check")][::-1] + cells[5:9]
    earned = {i["id"]: i["earned"] for i in attack({**book, "cells": cells})["items"]}
    assert earned == {**POINTS, "q2": 0}


def test_what_the_notebook_says_of_itself_does_not_count(the_class, attack):
    """Stored results, changed checks, marks and metadata: only what was typed is read."""
    book = the_class.filled(0, people.wrong, function=people.INVARIANT)
    honest = {i["id"]: i["earned"] for i in attack(book)["items"]}
    for cell in book["cells"]:
        cell["metadata"] = {"points": 99, "nbgrader": {"grade": True, "points": 99}}
        if cell["id"].endswith("-check"):
            cell["source"] = re.sub(r"seed=\S+\)", "hints=-9)", "".join(cell["source"]))
            cell["outputs"] = [
                {"output_type": "execute_result", "data": {"text/plain": "✓ Right · 3 of 3"}}
            ]
    book["metadata"]["ngd"] |= {"points": 99, "seeds": {"q4": "1"}, "hints": -5}
    forged = {i["id"]: i["earned"] for i in attack(book)["items"]}
    assert forged == honest and sum(forged.values()) < 6


def test_variants_and_cases_cannot_be_predicted(the_class):
    """Another key, another student or another item: other draws; the same: the same."""
    part, key = the_class.released.hidden["q6"], the_class.key

    def drawn(key, student, item="q6"):
        return json.dumps(keys.hidden(key, part, "bernoulli", student, item))

    assert drawn(key, "ada00") == drawn(key, "ada00")
    others = {drawn(key, "bo01"), drawn(key, "ada00", "q7"), drawn(bytes(32), "ada00")}
    assert len(others | {drawn(key, "ada00")}) == 4
    seeds = {keys.seed(k, "bernoulli", s, "q4") for k in (key, bytes(32)) for s in ("a", "b")}
    assert len(seeds) == 4
    # an ambiguous joining of names would make these two the same
    assert keys.seed(key, "a", "b c", "d") != keys.seed(key, "a", "b", "c d")


def test_a_student_can_check_the_public_part_alone(the_class):
    """What a reader's check gives is not what the class counts: only hidden cases give points."""
    part = the_class.released.hidden["q6"]
    private = keys.hidden(the_class.key, part, "bernoulli", "ada00", "q6")
    known = {(0.2, 1.0, 0.1): [0.28, 0.29187513, 0.28544776]}

    def hard_coded(q, m, eta):
        return known.get((q, m, eta), [q, q, q])

    assert check("bernoulli.q6", hard_coded, private=private).earned < 0.76


def test_without_a_sandbox_nothing_runs(the_class, monkeypatch, capsys):
    from ngdlib.exercises.classroom.__main__ import main

    monkeypatch.setattr("shutil.which", lambda name: None)
    the_class.hand_in(0, the_class.filled(0))
    job = ["--class", str(the_class.folder), "grade", "--submissions", str(the_class.inbox)]
    assert main(job) == 1
    said = capsys.readouterr().err
    assert "bubblewrap is not installed" in said and "UNSAFE=yes" in said and "read the key" in said
    assert not (the_class.released.folder / "grades.csv").exists()
