"""Runs inside the sandbox: a student's cells and functions. It holds no answer, no case, no score.

Started as a script, with nothing of the book imported. The parent sends lines of JSON, each with a
random `id` that the reply repeats, so that no reply can be written before it is asked for:

    {"id", "do": "run", "code"}              {"id", "ok": true}, or "error": [type, message]
    {"id", "do": "get", "name"}              {"id", "ok": true, "value"}
    {"id", "do": "call", "name", "given"}    the same

Values are plain JSON. Checks and pictures are empty here: verdicts are the parent's.
"""

import importlib.machinery
import json
import os
import re
import resource
import sys
import types

LIMITS, UID, PATHS = json.loads(sys.argv[1])
for name, limit in LIMITS.items():
    resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
if UID:  # root is exempt from the limit on processes, so that it is given up
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
sys.path += PATHS
sys.set_int_max_str_digits(4000)

asked, said = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
nowhere = os.open(os.devnull, os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(nowhere, stream)

import numpy as np  # noqa: E402


class Silent(types.ModuleType):
    """Verdicts and pictures: whatever is done with them here gives nothing, and takes no time."""

    __path__ = ()

    def __getattr__(self, name: str) -> "Silent":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> "Silent":
        return self

    def __iter__(self) -> object:
        return iter((self, self))  # fig, ax = plt.subplots()

    def __getitem__(self, _: object) -> "Silent":
        return self

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Finder:
    """Finds `Silent` in the place of what only checks or draws."""

    names = ("ngdlib.exercises", "ngdlib.plots", "ngdlib.demos", "matplotlib", "IPython")

    @classmethod
    def find_spec(cls, name: str, *_: object) -> object:
        if any(f"{name}.".startswith(f"{known}.") for known in cls.names):
            return importlib.machinery.ModuleSpec(name, cls, is_package=True)
        return None

    @staticmethod
    def create_module(spec: object) -> Silent:
        return Silent(spec.name)

    @staticmethod
    def exec_module(module: object) -> None:
        pass


sys.meta_path.insert(0, Finder)


def plain(x: object, depth: int = 4) -> object:
    """A value as JSON has it; a text for what has no such form."""
    if depth and isinstance(x, dict):
        return {str(k)[:100]: plain(v, depth - 1) for k, v in list(x.items())[:100]}
    if depth and isinstance(x, (set, frozenset)):
        return sorted(plain(v, depth - 1) for v in list(x)[:100])
    if depth and isinstance(x, (list, tuple)):
        return [plain(v, depth - 1) for v in list(x)[:1000]]
    if isinstance(x, (np.ndarray, np.generic)):
        return plain(x.tolist(), depth) if x.size <= 1000 else "an array of more than 1000 entries"
    if x is None or x is ... or isinstance(x, (bool, float, str)):
        return None if x is ... else x if not isinstance(x, str) else str(x)[:2000]
    if isinstance(x, int):
        return int(x) if abs(x) < 2**63 else str(x)[:2000]
    return str(x)[:2000]  # sympy's formulas and fractions as they are typed


def answer(do: str, ask: dict) -> object:
    if do == "run":
        try:
            code = compile(ask["code"], ask["name"], "exec")
        except SyntaxError:  # %matplotlib and !ls are Jupyter's, not Python's
            code = compile(
                re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", ask["code"]), ask["name"], "exec"
            )
        exec(code, space)
        return None
    value = space[ask["name"]]
    if do == "get":
        return "a function" if callable(value) else plain(value)
    value = value(*(np.array(g) if isinstance(g, list) else g for g in ask["given"]))
    return None if value is None or value is ... else np.asarray(value, dtype=float).tolist()


space = {"__name__": "__main__", "np": np}
me = os.getpid()
for line in asked:
    ask = json.loads(line)
    try:
        reply = {"ok": True, "value": answer(ask["do"], ask)}
        text = json.dumps({"id": ask["id"], **reply})
    except BaseException as error:
        try:
            words = str(error)
            if isinstance(error, SyntaxError):  # without the name of a file that is none
                words = f"{error.msg}, line {error.lineno}"
            words = words[:200]
        except BaseException:
            words = ""
        text = json.dumps({"id": ask["id"], "ok": False, "error": [type(error).__name__, words]})
    if os.getpid() != me:  # what a cell has forked does not answer
        os._exit(0)
    said.write(text + "\n")
    said.flush()
