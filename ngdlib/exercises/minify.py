"""checker.js as the page gets it: without comments, with short names.

    page_script()                   # the text; half the size of the source after gzip

Identifiers are renamed one to one throughout, except those that have a meaning outside: names of
the language, properties (after a dot or before a colon), words of string literals, and the
exported names. The tests run every vector on the result.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OUTER = 2  # brackets open between the statements of the outermost function: (function () {
SOURCE = Path(__file__).with_name("checker.js")

_LANGUAGE = set(
    "async await break case catch class const constructor continue default delete do else export "
    "extends false finally for from function get if import in instanceof let new null of return "
    "set static super switch this throw true try typeof undefined var void while with yield "
    "Array BigInt Error Infinity JSON Map Math NaN Number Object RegExp Set String Symbol "
    "TextEncoder document globalThis localStorage module parseFloat parseInt window".split()
)
_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<name>[A-Za-z_$][\w$]*)|(?P<number>\d[\w.]*)|(?P<dots>\.\.\.|\+\+|--)|(?P<sign>.)",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")


def page_script() -> str:
    """The minified checker."""
    return minify(SOURCE.read_text(encoding="utf-8"))


@cache
def minify(source: str) -> str:
    """Smaller source with the same meaning, for code in the style of checker.js: statements end in
    semicolons, all of it stands in one function, and what it exports in one line
    `const api = { ... }`."""
    tokens = list(_tokens(source))
    api = re.search(r"const api = \{([^}]*)\}", source)
    kept = set(_LANGUAGE) | set(re.findall(r"[\w$]+", api[1] if api else ""))
    chunk_of: list[int] = []  # for each token, the statement of the outermost function it is in
    shared: set[str] = set()  # names that keep one short name throughout
    brackets: list[str] = []
    chunk = 0
    for i, (kind, text) in enumerate(tokens):
        before, after = _text(tokens, i - 1), _text(tokens, i + 1)
        if kind == "string" and not _is_prose(text):
            kept |= set(re.findall(r"[\w$]+", text))
        if text in ("(", "[", "{"):
            brackets.append(text)
        elif text in (")", "]", "}"):
            brackets.pop()
        elif kind == "name":
            in_braces = brackets[-1:] == ["{"]
            if before == "." or (before in ("{", ",") and after == ":"):
                kept.add(text)
            if len(brackets) <= OUTER or (
                in_braces and before in ("{", ",") and after in (",", "}", "=")
            ):
                shared.add(text)
        chunk += len(brackets) == OUTER and text in (";", "}")
        chunk_of.append(chunk)
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for (kind, text), where in zip(tokens, chunk_of, strict=True):
        if kind == "name" and text not in kept:
            counts[-1 if text in shared else where][text] += 1
    common = dict(
        zip(
            (n for n, _ in counts[-1].most_common()),
            _short(kept, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            strict=False,
        )
    )
    short = {
        where: dict(
            zip(
                (n for n, _ in names.most_common()),
                _short(kept, "abcdefghijklmnopqrstuvwxyz"),
                strict=False,
            )
        )
        for where, names in counts.items()
    }
    return _joined(
        [
            common.get(text) or short.get(where, {}).get(text, text) if kind == "name" else text
            for (kind, text), where in zip(tokens, chunk_of, strict=True)
        ]
    )


def _is_prose(text: str) -> bool:
    """A sentence, and so no list of names."""
    return bool(re.search(r"[A-Z“.,:{].* | .*[A-Z“.,:{]", text))


def _tokens(source: str, i: int = 0, until: str = "") -> list[tuple[str, str]]:
    """(kind, text) without spaces and comments; code inside `${}` of a template is split too."""
    out: list[tuple[str, str]] = []
    depth = 0
    while i < len(source):
        if until and source[i] == until and not depth:
            break
        if source[i] == "`":
            i = _template(source, i, out)
            continue
        regex = _REGEX.match(source, i)
        if regex and source[i + 1] not in "/*" and _starts_expression(out):
            out.append(("regex", regex[0]))
            i = regex.end()
            continue
        match = _TOKEN.match(source, i)
        if match.lastgroup != "space":
            out.append((match.lastgroup, match[0]))
            depth += (match[0] == "{") - (match[0] == "}")
        i = match.end()
    if until:
        out.append(("end", str(i)))
    return out


def _template(source: str, i: int, out: list[tuple[str, str]]) -> int:
    """Appends a template literal that begins at i; returns where it ends."""
    start = i
    i += 1
    while source[i] != "`":
        if source.startswith("${", i):
            out.append(("template", source[start : i + 2]))
            inner = _tokens(source, i + 2, "}")
            out += inner[:-1]
            start = i = int(inner[-1][1])
        i += 2 if source[i] == "\\" else 1
    out.append(("template", source[start : i + 1]))
    return i + 1


def _starts_expression(out: list[tuple[str, str]]) -> bool:
    if not out:
        return True
    kind, text = out[-1]
    return text in ("return", "typeof") or (kind == "sign" and text not in ")]}")


def _text(tokens: list[tuple[str, str]], i: int) -> str:
    return tokens[i][1] if 0 <= i < len(tokens) else ""


def _short(taken: set[str], first: str) -> Iterator[str]:
    """Short names that begin with one of `first`: the shared and the local ones cannot meet."""
    for n in itertools.count(0):
        for rest in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=n):
            for letter in first:
                name = letter + "".join(rest)
                if name not in taken:
                    yield name


def _joined(texts: list[str]) -> str:
    out: list[str] = []
    last = ""
    for text in texts:
        words = re.match(r"[\w$]", text) and re.search(r"[\w$]$", last)
        if words or (text[0] in "+-" and last[-1:] == text[0]):
            out.append(" ")
        if text == "}" and last == ";":
            out.pop()
        out.append(text)
        last = text
    return "".join(out) + "\n"
