"""Students made by a script, whose notebooks are good, wrong or whatever is put into them.

students = roster(path, 60)                       a plain roster, written and read
book = filled(released, key, student, right)      a student's notebook, worked on
put(book, "q1", 'q1 = "1/2"')                     code into the cell of an answer
save(book, inbox, student)                        handed in
"""

import csv
import json
import os

from ngdlib.exercises.classroom import roster as rosters
from ngdlib.exercises.judging.items import draw, trees
from ngdlib.exercises.notebook.cells import variable
from ngdlib.exercises.reading.grammar import latex

FIRST = "Ada Bo Cem Dana Eli Fay Gus Hao Ida Jon Kim Lea Mia Nils Ola Pia Qi Rui Sol Tom".split()
LAST = "Abel Bayes Cox Dirac Euler Fisher Gauss Hesse Ito Jacobi".split()
WHEN = 1_796_000_000  # a time before the deadline of the tests
LANDINGS = """def landings(q, m, eta):
    r, v = eta * (m - q), q * (1 - q)
    z = np.log(q / (1 - q)) + r / v
    w = 2 * np.arcsin(np.sqrt(q)) + r / np.sqrt(v)
    return [q + r, 1 / (1 + np.exp(-z)), np.sin(w / 2) ** 2]
"""
INVARIANT = """def landings(q, m, eta):
    return [q + eta * (m - q)] * 3
"""


def roster(path, n):
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["student", "name", "email"])
        for k in range(n):
            first, last = FIRST[k % 20], LAST[(k + k // 20) % 10]
            student = f"{first.lower()}{k:02}"
            table.writerow([student, f"{first} {last}", f"{student}@example.org"])
    return rosters.read(path).students


def right(item, values):
    """An answer that earns all points, as it is typed."""
    kind = item["kind"]
    if kind == "choice":
        return [o["id"] for o in item["options"] if o.get("right")]
    if kind == "derivation" and item["mode"] == "order":
        return [step["id"] for step in item["steps"]]
    if kind == "derivation":
        return {b["id"]: _typed(item, values, b["answer"]) for b in item["blanks"]}
    return _typed(item, values, item["answer"])


def wrong(item, values):
    """An answer with a mistake that has a name, where the kind of item knows names."""
    if item["kind"] == "choice":
        return [next(o["id"] for o in item["options"] if not o.get("right"))]
    if item["kind"] == "derivation":
        return right(item, values)[::-1] if item["mode"] == "order" else right(item, values)
    return _typed(item, values, item["mistakes"][0]["match"])


def empty(item, values):
    return ""


def _typed(item, values, field):
    if isinstance(field, list):
        return [_typed(item, values, part) for part in field]
    return latex(trees(item, values, field), item.get("vars", {})) if values else str(field)


def filled(released, key, student, answer=right, function=LANDINGS):
    """A student's notebook with `answer(item, values)` in each cell."""
    book = json.loads(released.notebook(key, student))
    seeds = released.seeds(key, student.id)
    for item in released.data["items"]:
        if item["kind"] == "function":
            put(book, item["id"], function)
        else:
            value = answer(item, draw(item, seeds[item["id"]]))
            put(book, item["id"], f"{variable(item)} = {value!r}")
    return book


def put(book, item, code):
    """Code into the answer cell of an item."""
    next(c for c in book["cells"] if c["id"] == f"{item}-answer")["source"] = code


def save(book, inbox, student, name="bernoulli.ipynb", when=WHEN):
    file = inbox / student.id / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(book), encoding="utf-8")
    os.utime(file, (when, when))
    return file


HOSTILE = [  # (item, code)
    ("q1", "while True: pass"),
    ("q1", "import os; os._exit(0)"),
    (
        "q2",
        "import os\nhoard = []\nwhile True:\n    os.fork()\n    hoard.append(bytearray(1 << 24))",
    ),
    ("q6", "def landings(q, m, eta): raise ValueError(f'{q!r} {m!r} {eta!r}')"),
]


def a_class_of_sixty(released, key, inbox):
    """Hands in for 60 students: 42 good (one of them late, one twice, one under another name), 8
    wrong, 2 empty, 1 damaged, 1 of 200 MB, 1 nothing, 1 that is another's, 4 hostile."""
    students = released.roster.students
    for k, student in enumerate(students[:50]):
        wrongly = (wrong, INVARIANT) if k >= 42 else ()
        book = filled(released, key, student, *wrongly)
        if k == 11:
            save(book, inbox, student._replace(id="homework"), "final (2).ipynb")
            continue
        save(book, inbox, student, when=WHEN + (10**6 if k == 3 else 0))
        if k == 7:
            save(book, inbox, student, "bernoulli-1.ipynb", WHEN + 60)
    for student in students[50:52]:
        save(json.loads(released.notebook(key, student)), inbox, student)
    file = save({}, inbox, students[52])
    file.write_text(json.dumps(filled(released, key, students[52]))[:-500], encoding="utf-8")
    with save({}, inbox, students[53]).open("wb") as file:
        file.truncate(200_000_000)
    save(filled(released, key, students[0]), inbox, students[55])
    for student, (item, code) in zip(students[56:], HOSTILE, strict=True):
        book = filled(released, key, student)
        put(book, item, code)
        save(book, inbox, student)
