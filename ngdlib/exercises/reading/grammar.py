"""Reading a formula that a person typed: tokens, a tree, and LaTeX to show how it was read.

    tree = parse("1/(p(1-p))", names=["p"])
    latex(tree)                                  # \\frac{1}{p \\left(1 - p\\right)}

Nothing is evaluated here and nothing is ever handed to Python: a formula is read by a grammar of
whitelisted names, within limits on length, depth, nodes and digits. What cannot be read, and what
can be read in two ways (`1/2p`, `log p`, `e^2x`), raises `AnswerError` with a message and the
position of the character it is about.

A tree is a nested tuple:

    ("num", "0.5")  ("var", "p")  ("const", "pi")  ("neg", a)  ("fn", "log", a)
    ("+", a, b)  ("-", a, b)  ("*", a, b)  ("/", a, b)  ("^", a, b)

`grammar.js` holds the same grammar; `tests/exercise_vectors.json` holds both to the same readings,
messages and positions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

MAX_LENGTH = 400  # characters
MAX_DEPTH = 40  # brackets, exponents, signs within one another
MAX_NODES = 250  # numbers, names and operations
MAX_DIGITS = 20  # of one number
MAX_NAMES = 12  # declared variables

Tree = tuple

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma tau upsilon phi chi psi omega"
).split()
CAPITALS = "Gamma Delta Theta Lambda Xi Phi Psi Omega".split()  # not those of sums and products
GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΦΨΩ", [*GREEK, *CAPITALS], strict=True)) | {
    "ϕ": "phi",
    "ϑ": "theta",
    "ϵ": "epsilon",
    "ϱ": "rho",
    "ς": "sigma",
    "µ": "mu",
    "∆": "Delta",
}
COMMANDS_GREEK = {name: name for name in [*GREEK, *CAPITALS]} | {
    "varphi": "phi",
    "vartheta": "theta",
    "varepsilon": "epsilon",
    "varrho": "rho",
}
FUNCTIONS = {
    name: name
    for name in (
        "exp log sqrt abs sin cos tan cot sinh cosh tanh arcsin arccos arctan "
        "arsinh arcosh artanh logistic logit"
    ).split()
} | {
    "ln": "log",
    "sigma": "logistic",
    "sigmoid": "logistic",
    "expit": "logistic",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "arcsinh": "arsinh",
    "arccosh": "arcosh",
    "arctanh": "artanh",
    "asinh": "arsinh",
    "acosh": "arcosh",
    "atanh": "artanh",
    # written with others, as the preview shows
    "sec": "1/cos",
    "csc": "1/sin",
    "sech": "1/cosh",
    "csch": "1/sinh",
    "coth": "1/tanh",
    "log1p": "log1p",
    "expm1": "expm1",
}
CONSTANTS = ("e", "pi")

_MINUS = "-−–—‐‑‒﹣"
_TIMES = "*·×⋅∙•∗"
_OVER = "/÷∕⁄"
_POWER_SIGNS = "^ˆ⌃↑"
_SPACE = " \t\n\r\v\f\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(c) for c in range(0x2000, 0x200B)
)
_SUPERSCRIPT = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True))
_SUBSCRIPT = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_FRACTIONS = dict(zip("½⅓⅔¼¾⅕⅛", ("1/2", "1/3", "2/3", "1/4", "3/4", "1/5", "1/8"), strict=True))
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SKIPPED = set(
    "left right middle displaystyle textstyle scriptstyle limits nonumber quad qquad thinspace "
    "big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr".split()
)
_WORDY = set(
    "operatorname mathrm mathit mathbf mathsf mathtt boldsymbol bm text textrm textit".split()
)

# Marks of direction and joining, soft hyphens, variation selectors: pasted, never meant.
_INVISIBLE = {
    *map(chr, [0xAD, 0x34F, 0x61C, 0x180E, 0x200B, *range(0x200C, 0x2010), *range(0x202A, 0x202F)]),
    *map(chr, [*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF, 0xFFFC]),
}

NOTHING = "Nothing is written yet."
_REST = "Leave the rest term out."
_PLAIN = "Write letters without bars or accents: the question says which names to use."
_MARKS = "".join(map(chr, [*range(0xC0, 0x250), *range(0x300, 0x370)]))  # ȳ, and what makes it of y

_SUBSCRIPTED = (
    r"[₀-₉]+|_\{(?:\\(?:mathrm|text)\{[A-Za-z0-9]+\}|[A-Za-z0-9]+)\}|_?[0-9]+|_+[A-Za-z0-9_]+"
)

_COMPLAINTS = {
    "=": "Write only the formula, without an equals sign.",
    "%": "Write a percentage as a number: 0.05 for 5 percent.",
    "!": "Factorials are not used here.",
    ";": "One formula is expected: what is the semicolon for?",
    ",": "One formula is expected: what is the comma for?",
    "<": "Write a formula, not an inequality.",
    ">": "Write a formula, not an inequality.",
    "±": "Give one formula: choose the sign.",
    "'": "Quotation marks and primes are not used here.",
    '"': "Quotation marks and primes are not used here.",
    "…": _REST,
}


class AnswerError(ValueError):
    """An answer that cannot be read.

    message   what to change, for the person who typed it
    position  index of the character (code point) it is about; len(text) at the end
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def caret(self, text: str) -> str:
        """The answer with a caret under the place, in two lines of the same width."""
        line = "".join(" " if c in _SPACE else c for c in text)
        return f"{line}\n{' ' * self.position}^"


class Token(NamedTuple):
    """kind: num, name, op, frac, root (the sign √), sup (superscript digits) or end."""

    kind: str
    text: str
    start: int
    end: int
    spaced: bool


def canonical(name: str) -> str:
    """One spelling for one name: mu_1, μ₁, mu_{1} and mu1 are all mu1."""
    out = "".join(GREEK_LETTERS.get(c, _SUBSCRIPT.get(c, c)) for c in name)
    return re.sub(r"[_{}\s]", "", out)


def declared(names: Iterable[str]) -> dict[str, str]:
    """{canonical spelling: name as declared}.

    Raises ValueError for what cannot be a variable: not a word, the name of a function or of e,
    two names with one spelling. `sigma` and `pi` may be declared.
    """
    if isinstance(names, str):
        raise ValueError(f"names: expected a list of names, got the string {names!r}")
    out: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", canonical(name)):
            raise ValueError(f"names: expected words such as p, mu_1 or eta, got {name!r}")
        key = canonical(name)
        if key == "e" or (key in FUNCTIONS and key != "sigma"):
            raise ValueError(f"names: {name!r} already has a meaning; choose another name")
        if key in out:
            raise ValueError(f"names: expected distinct names, got {out[key]!r} and {name!r}")
        out[key] = name
    if len(out) > MAX_NAMES:
        raise ValueError(f"names: expected at most {MAX_NAMES} names, got {len(out)}")
    return out


def parse(text: str, names: Iterable[str] = (), polynomial: bool = False) -> Tree:
    """The tree of a formula in the declared names.

    polynomial: a polynomial is asked, so `5/3 h^3` can only mean (5/3)*h^3.

    Raises AnswerError where the formula cannot be read, ValueError where `names` are no names.
    """
    known = declared(names)
    if not isinstance(text, str):
        raise ValueError(f"text: expected a string, got {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise AnswerError(f"This is too long: at most {MAX_LENGTH} characters.", MAX_LENGTH)
    return _Parser(text, known, polynomial).run()


def unknown_name(word: str, known: Iterable[str]) -> str:
    """What to say of a name that is none of the known ones."""
    if not known:
        return "A number is asked, without letters or units."
    return f"“{word[:20]}” is not known here. Write the formula in {', '.join(sorted(known))}."


def _single(c: str) -> str:
    """Letters copied from typeset mathematics and full-width characters, as plain ones."""
    if "\U0001d400" <= c <= "\U0001d7ff" or "\uff01" <= c <= "\uff5e":
        plain = unicodedata.normalize("NFKC", c)
        return plain if len(plain) == 1 else c
    return c


def _quoted(c: str) -> str:
    code = ord(c)
    if code < 33 or 127 <= code <= 160 or 0xD800 <= code <= 0xDFFF:
        return f"the character U+{code:04X}"
    return f"“{c}”"


def _is_letter(c: str) -> bool:
    return "a" <= c <= "z" or "A" <= c <= "Z"


def _is_digit(c: str) -> bool:
    return "0" <= c <= "9"


class _Tokens:
    """One pass over the characters."""

    def __init__(self, text: str) -> None:
        shown = [(k, _single(c)) for k, c in enumerate(text) if c not in _INVISIBLE]
        self.c = [c for _, c in shown]
        self.places = [k for k, _ in shown] + [len(text)]  # in the text as it was typed
        self.i = 0
        self.out: list[Token] = []
        self.spaced = False

    def at(self, i: int) -> str:
        return self.c[i] if i < len(self.c) else ""

    def add(self, kind: str, text: str, start: int) -> None:
        places = self.places[start], self.places[self.i - 1] + 1 if self.i > start else len(self.c)
        self.out.append(Token(kind, text, *places, self.spaced))
        self.spaced = False

    def run(self) -> list[Token]:
        try:
            return self.tokens()
        except AnswerError as error:
            raise AnswerError(error.message, self.places[error.position]) from None

    def tokens(self) -> list[Token]:
        while self.i < len(self.c):
            c = self.c[self.i]
            if c in _SPACE or c == "$":
                self.i += 1
                self.spaced = True
            elif _is_digit(c) or (c == "." and _is_digit(self.at(self.i + 1))):
                self.number()
            elif _is_letter(c) or c == "_":
                self.word()
            elif c in GREEK_LETTERS:
                start = self.i
                self.i += 1
                self.add("name", GREEK_LETTERS[c] + self.subscript(), start)
            elif c == "\\":
                self.command()
            else:
                self.sign(c)
        end = self.places[-1]
        self.out.append(Token("end", "", end, end, self.spaced))
        return self.out

    def number(self) -> None:
        rest = "".join(self.c[self.i : self.i + 60])
        text = re.match(r"[0-9]*\.?[0-9]*", rest)[0]
        power = re.match(r"[eE][+-]?[0-9]+", rest[len(text) :])
        if power:
            text += power[0]
        start = self.i
        self.i += len(text)
        mantissa, _, exponent = text.lower().partition("e")
        if (
            len(mantissa.replace(".", "").lstrip("0")) > MAX_DIGITS
            or len(exponent.lstrip("+-")) > 2
        ):
            raise AnswerError("This number has too many digits: give the exact form.", start)
        if self.at(self.i) == "," and _is_digit(self.at(self.i + 1)):
            raise AnswerError(
                "Write no comma in a number: 0.5 with a point, 8729 without a break.", self.i
            )
        self.add("num", text, start)

    def word(self) -> None:
        start = self.i
        while _is_letter(self.at(self.i)) or _is_digit(self.at(self.i)):
            self.i += 1
        word = "".join(self.c[start : self.i])
        after = self.at(self.i)
        if word in ("np", "numpy", "math", "sp", "sympy") and after == ".":
            raise AnswerError(f"Write log(p), not {word}.log(p): no module names here.", start)
        if word in ("log2", "log10", "lg") or (word == "log" and after == "_"):
            raise AnswerError(
                "log is the natural logarithm here; for another base divide: log(p)/log(2).", start
            )
        if not word:
            raise AnswerError("An index needs a name before it and digits after it: mu_1.", start)
        self.add("name", word + self.subscript(), start)

    def subscript(self) -> str:
        """What belongs to a name after its letters: digits, _1, _{11}, ₁, _{\\mathrm{data}}."""
        rest = "".join(self.c[self.i : self.i + 60])
        match = re.match(_SUBSCRIPTED, rest)
        if not match:
            return ""
        self.i += len(match[0])
        inner = re.sub(r"\\(?:mathrm|text)", "", match[0])
        return "".join(_SUBSCRIPT.get(c, c) for c in inner if c not in "{}")

    def command(self) -> None:
        start = self.i
        self.i += 1
        while _is_letter(self.at(self.i)):
            self.i += 1
        word = "".join(self.c[start + 1 : self.i])
        if not word:  # \, \; \! \( and the like are spacing; \| is a bar
            if self.at(self.i) == "|":
                self.sign("|")
            elif self.at(self.i) and self.at(self.i) in ",;:! ()[]":
                self.i += 1
                self.spaced = True
            else:
                raise AnswerError("A backslash needs a name after it, such as \\frac.", start)
        elif word in _SKIPPED:
            self.spaced = True
        elif word in ("frac", "dfrac", "tfrac", "cfrac"):
            self.add("frac", word, start)
            if _is_digit(self.at(self.i)) and _is_digit(self.at(self.i + 1)):
                for _ in range(2):
                    self.i += 1
                    self.add("num", self.c[self.i - 1], self.i - 1)
        elif word in ("cdot", "times", "ast"):
            self.add("op", "*", start)
        elif word == "div":
            self.add("op", "/", start)
        elif word in ("lvert", "rvert", "vert", "mid"):
            self.add("op", "|", start)
        elif word in ("dots", "ldots", "cdots"):
            raise AnswerError(_REST, start)
        elif word in ("bar", "overline", "hat", "tilde"):
            raise AnswerError(_PLAIN, start)
        elif word in _WORDY:
            inner = re.match(r" *\{ *([A-Za-z][A-Za-z0-9]*) *\}", "".join(self.c[self.i :]))
            if not inner:
                raise AnswerError(f"\\{word} needs one name in braces.", start)
            self.i += len(inner[0])
            self.add("name", inner[1] + self.subscript(), start)
        elif word in COMMANDS_GREEK:
            self.add("name", COMMANDS_GREEK[word] + self.subscript(), start)
        elif word in FUNCTIONS:
            if word == "sqrt" and self.at(self.i) == "[":
                raise AnswerError("Write other roots as powers: x^(1/3).", start)
            if self.at(self.i) == "_":
                raise AnswerError(
                    "log is the natural logarithm here; for another base divide: log(p)/log(2).",
                    start,
                )
            self.add("name", word, start)
        else:
            raise AnswerError(f"\\{word[:20]} is not known here.", start)

    def sign(self, c: str) -> None:
        start = self.i
        self.i += 1
        if c in _MINUS:
            self.add("op", "-", start)
        elif c in _TIMES:
            power = c == "*" and self.at(self.i) == "*"
            self.i += power
            self.add("op", "^" if power else "*", start)
        elif c in _OVER:
            self.add("op", "/", start)
        elif c in _POWER_SIGNS:
            self.add("op", "^", start)
        elif c in "+()[]{}|":
            self.add("op", c, start)
        elif c in _SUPERSCRIPT:
            while self.at(self.i) and self.at(self.i) in _SUPERSCRIPT:
                self.i += 1
            text = "".join(_SUPERSCRIPT[x] for x in self.c[start : self.i])
            if not re.fullmatch(r"[+-]?[0-9]{1,3}", text):
                raise AnswerError("This superscript is not a number; write powers as p^2.", start)
            self.add("sup", text, start)
        elif c in _FRACTIONS:
            self.add("num", _FRACTIONS[c], start)
        elif c == "√":
            self.add("root", c, start)
        elif c in _COMPLAINTS:
            raise AnswerError(_COMPLAINTS[c], start)
        elif c == "." and self.at(self.i) == ".":
            raise AnswerError(_REST, start)
        elif c in _MARKS:
            raise AnswerError(_PLAIN, start)
        else:
            raise AnswerError(f"I do not know what to do with {_quoted(c)}.", start)


class _Parser:
    """Recursive descent; one method for each level of precedence."""

    def __init__(self, text: str, known: dict[str, str], polynomial: bool) -> None:
        self.text = text
        self.known = known
        self.polynomial = polynomial
        self.t = self.split(_Tokens(text).run())
        self.i = 0
        self.depth = 0
        self.nodes = 0
        self.bars = 0  # open | in the present bracket
        self.slash = 0  # where the last division of the product just read begins

    def run(self) -> Tree:
        if self.t[0].kind == "end":
            raise AnswerError(NOTHING, 0)
        tree = self.sum()
        end = self.t[self.i]
        if end.kind != "end":
            closing = end.text in (")", "]", "}")
            raise AnswerError(
                f"This {end.text} closes nothing." if closing else "An operation is missing here.",
                end.start,
            )
        return tree

    # --- tokens ---------------------------------------------------------------------------------

    def split(self, tokens: list[Token]) -> list[Token]:
        """Words that are no name, split into names that are: pq into p and q, plog( into p log(."""
        out = []
        for i, t in enumerate(tokens):
            word = canonical(t.text)
            whole = word in self.known or word in CONSTANTS or word.lower() in FUNCTIONS
            if t.kind != "name" or whole or word in COMMANDS_GREEK:
                out.append(t)
                continue
            before_bracket = tokens[i + 1].text == "("
            if word in ("O", "o") and before_bracket:  # + O(eta^3)
                raise AnswerError(_REST, t.start)
            ways = self.ways(word, before_bracket) if word == t.text else []
            if len(ways) > 1:
                raise AnswerError(
                    f"“{word[:20]}” can be read in several ways: put * between the factors.",
                    t.start,
                )
            if not ways:
                raise AnswerError(self.unknown(word), t.start)
            start, spaced = t.start, t.spaced
            for piece in ways[0]:
                out.append(Token("name", piece, start, start + len(piece), spaced))
                start, spaced = start + len(piece), False
        return out

    def ways(self, word: str, before_bracket: bool) -> list[list[str]]:
        """The ways to split a word into names (two are enough to know that it is ambiguous)."""
        names = [*self.known, *(c for c in CONSTANTS if c not in self.known)]
        found: list[list[list[str]]] = [[] for _ in word] + [[[]]]
        for i in range(len(word) - 1, -1, -1):
            for name in names:
                if word.startswith(name, i):
                    found[i] += [[name, *rest] for rest in found[i + len(name)]][:2]
            if before_bracket and word[i:] in FUNCTIONS:
                found[i].append([word[i:]])
            found[i] = found[i][:2]
        return found[0]

    def unknown(self, word: str) -> str:
        stem = word.rstrip("0123456789")
        if stem != word and stem in self.known:
            rest = word[len(stem) :]
            return f"“{word[:20]}” is not known here. Did you mean {stem}^{rest} or {stem}*{rest}?"
        for name in sorted(FUNCTIONS, key=lambda f: (-len(f), f)):
            if word.startswith(name) and len(word) > len(name):
                rest = word[len(name) :]
                return f"“{word[:20]}” is not known here. Did you mean {name}({rest[:20]})?"
        if word.lower() in self.known:
            return f"“{word[:20]}” is not known here. Did you mean {word.lower()}?"
        return unknown_name(word, self.known)

    def peek(self) -> Token:
        return self.t[self.i]

    def is_op(self, *ops: str) -> bool:
        t = self.t[self.i]
        return t.kind == "op" and t.text in ops

    def node(self, *parts: object) -> Tree:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise AnswerError("This formula is too long: simplify it.", self.peek().start)
        return parts

    def down(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise AnswerError("This is nested too deeply.", self.peek().start)

    def slice(self, start: int, end: int) -> str:
        return self.text[start:end].strip(_SPACE)

    # --- grammar --------------------------------------------------------------------------------

    def sum(self) -> Tree:
        if self.is_op("+", "-"):
            minus = self.is_op("-")
            self.i += 1
            begin, a = self.peek().start, self.product()
            self.short(begin, a)
            a = self.node("neg", a) if minus else a
        else:
            begin, a = self.peek().start, self.product()
            self.short(begin, a)
        while self.is_op("+", "-"):
            op = self.peek().text
            self.i += 1
            begin, b = self.peek().start, self.product()
            self.short(begin, b)
            a = self.node(op, a, b)
        return a

    def short(self, begin: int, a: Tree) -> None:
        """`e^z/1+e^z`: who divides by 1, or a thing by itself, has left out brackets."""
        slash = self.slash
        if slash and a[0] == "/" and a[2] in (("num", "1"), a[1]) and self.is_op("+", "-"):
            sign = self.peek()
            above, below = self.slice(begin, slash), self.slice(slash + 1, self.t[self.i - 1].end)
            raise AnswerError(
                "This can be read in two ways: "
                f"({above}/{below}){sign.text}… or {above}/({below}{sign.text}…)?",
                sign.start,
            )

    def starts_factor(self) -> bool:
        t = self.peek()
        return t.kind in ("num", "name", "frac", "root") or (
            t.kind == "op" and (t.text in "([{" or (t.text == "|" and self.bars == 0))
        )

    def product(self) -> Tree:
        begin = self.peek().start
        a = self.signed()
        slash = 0  # where the last division begins; 0: the product is not below a line
        while True:
            if self.is_op("*", "/"):
                op = self.peek().text
                slash = self.peek().start if op == "/" else 0
                self.i += 1
                a = self.node(op, a, self.signed())
            elif self.starts_factor():
                t = self.peek()
                if t.kind == "num":
                    raise AnswerError("Something is missing before this number: * or ^?", t.start)
                if slash and self.polynomial and _is_number(a):
                    a, slash = self.node("*", a, self.power()), 0
                    continue
                if slash:
                    end = self.t[self.i - 1].end
                    b = self.power()
                    factor = self.slice(t.start, self.t[self.i - 1].end)
                    above, below = self.slice(begin, slash), self.slice(slash + 1, end)
                    raise AnswerError(
                        "This can be read in two ways: "
                        f"({above}/{below})*{factor} or {above}/({below}*{factor})?",
                        t.start,
                    )
                b = self.power()
                a = self.node("*", a, b)
            else:
                self.slash = slash
                return a

    def signed(self) -> Tree:
        if not self.is_op("+", "-"):
            return self.power()
        minus = self.is_op("-")
        self.down()
        self.i += 1
        a = self.signed()
        self.depth -= 1
        return self.node("neg", a) if minus else a

    def power(self) -> Tree:
        begin = self.peek().start
        a = self.atom()
        if self.peek().kind == "sup":
            t = self.peek()
            self.i += 1
            if self.is_op("^") or self.peek().kind == "sup":
                raise AnswerError("Two powers in a row: add brackets.", self.peek().start)
            return self.node("^", a, self.number(t.text))
        if not self.is_op("^"):
            return a
        return self.raised(begin, a)

    def raised(self, begin: int, a: Tree) -> Tree:
        """What follows a base: ^ and an exponent; asked back where it can be read in two ways."""
        hat = self.peek()
        self.i += 1
        self.down()
        first = self.i
        b = self.signed()
        self.depth -= 1
        bare = not any(
            t.text in ("(", "[", "{", "|") or t.kind == "frac" for t in self.t[first : self.i]
        )
        t = self.peek()
        self.reach(begin, hat, a, b, first, bare)
        if (
            bare
            and t.kind == "name"
            and not t.spaced
            and (a[0] in ("num", "const") or b[0] != "num")
        ):
            base, exponent = (
                self.slice(begin, hat.start),
                self.slice(hat.end, self.t[self.i - 1].end),
            )
            factor = self.slice(t.start, t.end)
            raise AnswerError(
                "This can be read in two ways: "
                f"{base}^({exponent}*{factor}) or {base}^({exponent})*{factor}?",
                t.start,
            )
        return self.node("^", a, b)

    def reach(self, begin: int, hat: Token, a: Tree, b: Tree, first: int, bare: bool) -> None:
        """Asks back where an exponent may be meant to reach further, or less far, than it does."""
        base, exponent = self.slice(begin, hat.start), self.slice(hat.end, self.t[self.i - 1].end)
        number = b[1] if b[0] == "neg" else b
        if bare and number[0] == "num" and re.fullmatch("[2-9][1-9]", number[1]):
            if a[0] == "var" and self.t[self.i - 1].text == number[1]:
                sign = exponent[: -len(number[1])].strip()
                raise AnswerError(
                    f"Is this {base}^({exponent}) or {base}^{sign}{number[1][0]}*{number[1][1]}?",
                    self.t[self.i - 1].start,
                )
        inner = self.t[first : self.i]
        if not bare and b[0] == "^" and inner[0].text in ("(", "[", "{"):
            closing, depth = 0, 0
            for k, t in enumerate(inner):
                depth += (t.text in ("(", "[", "{")) - (t.text in (")", "]", "}"))
                if not depth:
                    closing = k
                    break
            if closing + 1 < len(inner) and inner[closing + 1].text == "^":
                middle = self.slice(inner[0].start, inner[closing].end)
                top = self.slice(inner[closing + 1].end, inner[-1].end)
                raise AnswerError(
                    "This can be read in two ways: "
                    f"({base}^{middle})^{top} or {base}^({middle}^{top})?",
                    inner[closing + 1].start,
                )
        if not self.is_op("/"):
            return
        slash, after = self.peek(), self.t[self.i + 1]
        divisor = after.kind == "num" or (
            after.text in ("(", "[", "{")
            and self.t[self.i + 2].kind == "num"
            and self.t[self.i + 3].text in (")", "]", "}")
        )
        gauss = bare and a == ("const", "e") and number[0] == "^" and divisor
        half = number == ("num", "1") and (divisor or (b[0] == "num" and after.kind != "end"))
        doubled = not bare and b[0] == "num" and divisor and after.kind != "num"
        if gauss or half or doubled:
            last = self.i + 1 if after.kind == "num" else self.i + 3
            below = self.slice(after.start, self.t[min(last, len(self.t) - 1)].end)
            if not divisor:
                below = "…"
            raise AnswerError(
                "This can be read in two ways: "
                f"({base}^{exponent})/{below} or {base}^({exponent}/{below})?",
                slash.start,
            )

    def number(self, text: str) -> Tree:
        if "/" in text:
            above, below = text.split("/")
            return self.node("/", self.node("num", above), self.node("num", below))
        a = self.node("num", text.lstrip("+-"))
        return self.node("neg", a) if text[0] == "-" else a

    def group(self) -> Tree:
        """A bracket of any kind and what is in it."""
        opening = self.peek()
        self.i += 1
        self.down()
        bars, self.bars = self.bars, 0
        if self.is_op(")", "]", "}"):
            raise AnswerError("Nothing is written in these brackets.", self.peek().start)
        a = self.sum()
        closing = _CLOSING[opening.text]
        if not self.is_op(closing):
            self.not_closed(opening, closing)
        self.i += 1
        self.bars = bars
        self.depth -= 1
        return a

    def not_closed(self, opening: Token, closing: str) -> None:
        t = self.peek()
        if t.kind == "end":
            raise AnswerError(f"This {opening.text} is never closed.", opening.start)
        if t.text in (")", "]", "}"):
            raise AnswerError(f"Expected {closing} here, to close {opening.text}.", t.start)
        raise AnswerError("An operation is missing here.", t.start)

    def bar(self) -> Tree:
        opening = self.peek()
        self.i += 1
        self.down()
        self.bars += 1
        a = self.sum()
        if not self.is_op("|"):
            self.not_closed(opening, "|")
        self.i += 1
        self.bars -= 1
        self.depth -= 1
        return self.node("fn", "abs", a)

    def fraction(self) -> Tree:
        self.i += 1
        parts = []
        self.down()
        for _ in range(2):
            if self.is_op("{"):
                parts.append(self.group())
            elif self.peek().kind == "num" and len(self.peek().text) == 1:
                parts.append(self.number(self.peek().text))
                self.i += 1
            elif self.peek().kind == "name" and canonical(self.peek().text) in self.known:
                parts.append(self.name(self.peek()))
            else:
                raise AnswerError(
                    "\\frac needs two parts in braces: \\frac{1}{2}.", self.peek().start
                )
        self.depth -= 1
        return self.node("/", *parts)

    def atom(self) -> Tree:
        t = self.peek()
        if t.kind == "num":
            self.i += 1
            return self.number(t.text)
        if t.kind == "name":
            return self.name(t)
        if t.kind == "frac":
            return self.fraction()
        if t.kind == "root":
            return self.root()
        if self.is_op("(", "[", "{"):
            return self.group()
        if self.is_op("|"):
            return self.bar()
        if t.kind == "end":
            raise AnswerError("The formula ends too early.", t.start)
        if t.text in (")", "]", "}") and self.depth == 0:
            raise AnswerError(f"This {t.text} closes nothing.", t.start)
        raise AnswerError("Something is missing here.", t.start)

    def root(self) -> Tree:
        self.i += 1
        bracketed = self.is_op("(", "[", "{", "|")
        self.down()
        a = self.atom()
        self.depth -= 1
        t = self.peek()
        bracket = t.kind == "op" and t.text in ("(", "[", "{")
        if not bracketed and (bracket or (t.kind == "name" and not t.spaced)):
            raise AnswerError("How far does the root reach? Write √(…).", t.start)
        return self.node("fn", "sqrt", a)

    def name(self, t: Token) -> Tree:
        self.i += 1
        word = canonical(t.text)
        function = FUNCTIONS.get(word) or FUNCTIONS.get(word.lower())
        if function and word not in self.known:
            if word == "sigma" and not self.applied():
                raise AnswerError(
                    "σ alone is not a name in this question; the logistic function is σ(z).",
                    t.start,
                )
            return self.call(t, function)
        if word in self.known:
            return self.node("var", self.known[word])
        if word in CONSTANTS:
            return self.node("const", word)
        raise AnswerError(self.unknown(word), t.start)

    def applied(self) -> bool:
        """Whether a bracket follows, perhaps after a power: σ(z), σ²(z), σ^2(z), σ^{2}(z)."""
        i = self.i
        if self.t[i].kind == "sup":
            i += 1
        elif self.t[i].text == "^":
            braced = self.t[i + 1].text in ("{", "(")
            i += 4 if braced else 2
        return i < len(self.t) and self.t[i].kind == "op" and self.t[i].text in ("(", "[", "{")

    def call(self, t: Token, function: str) -> Tree:
        exponent = None
        if self.is_op("^") or self.peek().kind == "sup":
            exponent = self.function_power(t)
        if self.is_op("(", "[", "{"):
            argument = self.group()
        elif self.is_op("|"):
            self.down()
            argument = self.bar()
            self.depth -= 1
        elif self.peek().kind == "frac":
            argument = self.fraction()
        elif function == "sqrt" and self.text[t.start] == "\\" and self.peek().kind == "num":
            argument = self.number(self.peek().text)  # \sqrt2
            self.i += 1
        else:
            after = self.slice(self.peek().start, self.peek().end)
            raise AnswerError(f"Write {t.text}({after or '…'}), with brackets.", self.peek().start)
        a = self.function(function, argument)
        return a if exponent is None else self.node("^", a, exponent)

    def function(self, name: str, argument: Tree) -> Tree:
        one = "num", "1"
        if name.startswith("1/"):
            return self.node("/", one, self.node("fn", name[2:], argument))
        if name == "log1p":
            return self.node("fn", "log", self.node("+", one, argument))
        if name == "expm1":
            return self.node("-", self.node("fn", "exp", argument), one)
        return self.node("fn", name, argument)

    def function_power(self, t: Token) -> Tree:
        """sin^2(x) and sin²(x); sin^-1(x) means two things and is asked back."""
        sign = self.peek()
        if sign.kind == "sup":
            self.i += 1
            text = sign.text
        elif self.t[self.i + 1].kind == "num" and re.fullmatch("[0-9]+", self.t[self.i + 1].text):
            self.i += 2
            text = self.t[self.i - 1].text
        elif (
            self.t[self.i + 1].text in ("{", "(")
            and self.t[self.i + 2].kind == "num"
            and re.fullmatch("[0-9]+", self.t[self.i + 2].text)
            and self.t[self.i + 3].text in ("}", ")")
        ):
            self.i += 4
            text = self.t[self.i - 2].text
        else:
            text = "-"
        if text[0] == "-":
            raise AnswerError(
                f"Write a power of a function outside the brackets: ({t.text}(…))^2.", sign.start
            )
        return self.number(text)


def _is_number(tree: Tree) -> bool:
    return tree[0] == "num" or (tree[0] in ("neg", "/") and all(map(_is_number, tree[1:])))


# --- LaTeX ----------------------------------------------------------------------------------------

_SUM, _PRODUCT, _FRACTION, _POWER, _ATOM = 1, 2, 3, 4, 5


def latex_name(name: str) -> str:
    """mu_1 as \\mu_{1}, F11 as F_{11}, p_data as p_{\\mathrm{data}}, loss as \\mathrm{loss}."""
    plain = "".join(GREEK_LETTERS.get(c, _SUBSCRIPT.get(c, c)) for c in name)
    base, _, index = re.sub(r"[{}]", "", plain).partition("_")
    digits = re.fullmatch(r"([A-Za-z]+)([0-9]+)", base)
    if digits and not index:
        base, index = digits[1], digits[2]
    if base in COMMANDS_GREEK:
        base = f"\\{base}"
    elif len(base) > 1:
        base = f"\\mathrm{{{base}}}"
    if not index:
        return base
    simple = len(index) == 1 or index.isdigit()
    return f"{base}_{{{index}}}" if simple else f"{base}_{{\\mathrm{{{index}}}}}"


def latex(tree: Tree, names: Iterable[str] = ()) -> str:
    """How a formula was read, as LaTeX that `parse` reads again.

    names: the declared names; where sigma is one of them, the logistic function is written out.
    """
    return _Latex("sigma" in {canonical(n) for n in names}).show(tree, 0)


class _Latex:
    def __init__(self, sigma_is_variable: bool) -> None:
        self.sigma = sigma_is_variable

    def show(self, tree: Tree, level: int) -> str:
        text, own = self.render(tree)
        return text if own >= level else f"\\left({text}\\right)"

    def render(self, tree: Tree) -> tuple[str, int]:
        kind = tree[0]
        if kind == "num":
            return self.number(tree[1])
        if kind == "var":
            return latex_name(tree[1]), _ATOM
        if kind == "const":
            return ("\\pi" if tree[1] == "pi" else "e"), _ATOM
        if kind == "neg":
            return f"-{self.show(tree[1], _PRODUCT)}", _SUM
        if kind == "fn":
            return self.function(tree[1], tree[2])
        a, b = tree[1], tree[2]
        if kind in "+-":
            return f"{self.show(a, _SUM)} {kind} {self.show(b, _PRODUCT)}", _SUM
        if kind == "*":
            return self.product(a, b), _PRODUCT
        if kind == "/":
            return f"\\frac{{{self.show(a, 0)}}}{{{self.show(b, 0)}}}", _FRACTION
        return f"{self.show(a, _ATOM)}^{{{self.show(b, 0)}}}", _POWER

    def product(self, a: Tree, b: Tree) -> str:
        left, right = self.show(a, _PRODUCT), self.show(b, _FRACTION)
        dot = _is_digit(right[0]) or left.endswith("\\sigma")
        return f"{left} \\cdot {right}" if dot else f"{left} {right}"

    def function(self, name: str, argument: Tree) -> tuple[str, int]:
        inner = self.show(argument, 0)
        if name == "sqrt":
            return f"\\sqrt{{{inner}}}", _ATOM
        if name == "abs":
            return f"\\left|{inner}\\right|", _ATOM
        if name == "logistic" and not self.sigma:
            command = "\\sigma"
        elif name in ("logistic", "logit", "arsinh", "arcosh", "artanh"):
            command = f"\\operatorname{{{name}}}"
        else:
            command = f"\\{name}"
        return f"{command}\\left({inner}\\right)", _POWER

    def number(self, text: str) -> tuple[str, int]:
        mantissa, _, exponent = text.lower().partition("e")
        whole, _, decimals = mantissa.partition(".")
        mantissa = (whole or "0") + (f".{decimals}" if decimals else "")
        if not exponent:
            return mantissa, _ATOM
        power = f"10^{{{int(exponent)}}}"
        return (power, _POWER) if mantissa == "1" else (f"{mantissa} \\cdot {power}", _PRODUCT)
