"""False versions of a truth, made by rule: a check that passes one of them decides nothing.

Every number of a truth, wherever it stands in a dict, list, tuple or array, is made 1 % larger, 1 %
smaller, and zero. Every function of a truth gets its results changed in the same way, whole and one
entry at a time, and is replaced by a constant and by its own arguments. An author writes nothing
for this; where such a version is not false, the claim says why in `exceptions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

KINDS = {
    "scaled": "a number, or a whole result, 1 % larger or smaller",
    "entry": "one entry of a result 1 % larger or smaller",
    "zero": "zero in place of a number or of a result",
    "constant": "one and the same result for every input",
    "identity": "an argument handed back as the result",
    "flipped": "a yes for a no",
    "no number": "nothing in the truth can be changed by 1 %",
}
FACTORS = (0.99, 0.995, 1.005, 1.01)  # by half a per cent too: no check should pass by a hair
MOST_ENTRIES = 8  # a longer axis is a batch, not a vector of parameters
REFUSALS = (ValueError, ArithmeticError)  # a false version may leave a domain


class Attack(NamedTuple):
    """A false version of a truth: its kind, what was changed, and the statement."""

    kind: str
    name: str
    statement: Any


class Attacked(NamedTuple):
    """What the attacks on a claim gave.

    tried      how many of each kind
    raised     how many of them were refused by an error instead of by evidence
    excused    kinds that the check passes and that the claim gives a reason for
    survivors  a sentence for each version that the check passes and should not
    """

    tried: Counter
    raised: int
    excused: list[str]
    survivors: list[str]


def attacked(claim) -> Attacked:
    """Attack a claim: the check is run on every false version of its truth."""
    with np.errstate(all="ignore"):
        made = list(attacks(claim.truth, claim.check))
        tried, raised, passed = Counter(a.kind for a in made), 0, []
        for attack in made:
            try:
                if claim.check(attack.statement).passed:
                    passed.append(attack)
            except REFUSALS:
                raised += 1
    if not set(tried) & {"scaled", "entry"}:
        passed.append(Attack("no number", "the truth holds no number", None))
    kinds = {a.kind for a in passed}
    found = [
        f"{claim.at}: {claim.id}: the check passes a false version of its truth ({a.name}): make "
        f"it decide, or say in exceptions={{{a.kind!r}: ...}} why it need not"
        for a in passed
        if a.kind not in claim.exceptions
    ]
    found += [
        f"{claim.at}: {claim.id}: exceptions: {kind!r} is not needed: nothing of that kind passes"
        for kind in claim.exceptions
        if kind not in kinds
    ]
    return Attacked(tried, raised, sorted(kinds & set(claim.exceptions)), found)


def attacks(truth: Any, check: Callable) -> Iterator[Attack]:
    """The false versions of a truth. ``check`` is run once to see what its functions return."""
    for path, leaf in _leaves(truth):
        name = "".join(f"[{key!r}]" for key in path)
        for kind, what, changed in _versions(leaf, path, truth, check):
            yield Attack(kind, f"{what} {name}".strip(), _put(truth, path, changed))


def _leaves(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        yield path, value
        return
    for key, part in items:
        yield from _leaves(part, (*path, key))


def _put(value: Any, path: tuple, leaf: Any) -> Any:
    if not path:
        return leaf
    first, *rest = path
    if isinstance(value, dict):
        return {**value, first: _put(value[first], tuple(rest), leaf)}
    parts = [_put(v, tuple(rest), leaf) if i == first else v for i, v in enumerate(value)]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _versions(leaf, path, truth, check) -> Iterator[tuple[str, str, Any]]:
    if isinstance(leaf, bool | np.bool_):
        yield "flipped", "flipped", not leaf
    elif isinstance(leaf, int | float | np.number | np.ndarray):
        yield from _of_numbers(leaf)
    elif callable(leaf):
        yield from _of_function(leaf, path, truth, check)


def _of_numbers(value) -> Iterator[tuple[str, str, Any]]:
    for factor in FACTORS:
        yield "scaled", f"times {factor}", _scaled(value, factor)
    if np.ndim(value) and np.shape(value)[-1] > 1:
        for k in range(_count([value])):
            yield "entry", f"entry {k} times 1.01", _entry(value, k, 1.01)
    if np.any(value):
        yield "zero", "zero", value * 0


def _of_function(function, path, truth, check) -> Iterator[tuple[str, str, Any]]:
    seen = _Seen()
    check(_put(truth, path, _changed(function, seen)))
    if seen.flags:
        yield "flipped", "flipped", _changed(function, lambda result, _: not result)
        return
    if not seen.numbers:
        return
    for factor in FACTORS:
        yield "scaled", f"result times {factor}", _changed(function, _scaling(factor))
    for k in range(seen.entries):
        for factor in (0.99, 1.01):
            change = _changed(function, _entry_scaling(k, factor))
            yield "entry", f"entry {k} of the result times {factor}", change
    if seen.nonzero:
        yield "zero", "result zero", _changed(function, _scaling(0.0))
    yield "constant", "always its first result", _changed(function, _Constant())
    for i in sorted(_never_varied(function, seen.calls)):
        yield "constant", f"argument {i} always the first", function
    for i in sorted(seen.alike):
        yield "identity", f"argument {i} handed back", _changed(function, _handing_back(i))


def _changed(function: Callable, change: Callable) -> Callable:
    """The function with its result changed; a result that is a function is changed likewise."""

    def version(*args, **kwargs):
        result = function(*args, **kwargs)
        return _changed(result, change) if callable(result) else change(result, args)

    return version


class _Seen:
    """Looks at the results and changes nothing."""

    def __init__(self) -> None:
        self.flags = self.numbers = self.nonzero = False
        self.entries, self.alike, self.calls = 0, None, []

    def __call__(self, result, args):
        self.calls.append(args)
        if isinstance(result, bool | np.bool_):
            self.flags = True
        elif _is_number(result) or isinstance(result, list | tuple | dict):
            self.numbers = True
            parts = [part for _, part in _leaves(result)]
            self.nonzero |= any(np.any(p) for p in parts if _is_number(p))
            self.entries = max(self.entries, _count(parts))
            alike = {
                i
                for i, a in enumerate(args)
                if _is_number(result) and _is_number(a) and np.shape(a) == np.shape(result)
            }
            self.alike = alike if self.alike is None else self.alike & alike
        return result


def _never_varied(function, calls) -> Iterator[int]:
    """Arguments that matter to the result and were the same number in every call of the check."""
    first = calls[0]
    for i, value in enumerate(first):
        if not _is_number(value) or any(not np.array_equal(args[i], value) for args in calls):
            continue
        if callable(function(*first)):  # these are the arguments of its result
            return
        moved = (*first[:i], value * 1.01 + 1e-3, *first[i + 1 :])
        try:
            parts = zip(_leaves(function(*first)), _leaves(function(*moved)), strict=True)
            if any(not np.array_equal(a, b) for (_, a), (_, b) in parts):
                yield i
        except REFUSALS:
            continue


def _is_number(value) -> bool:
    return isinstance(value, int | float | np.number | np.ndarray) and not isinstance(value, bool)


def _count(parts: list) -> int:
    """Entries that can be changed one by one: the parts, or the last axis of the only part."""
    if len(parts) > 1:
        return len(parts)
    last = np.shape(parts[0])[-1:]
    return last[0] if last and 1 < last[0] <= MOST_ENTRIES else 0


def _scaled(value, factor):
    if not _is_number(value):
        return value
    if factor and not np.any(value):
        return value + (factor - 1)
    return value * factor


def _entry(value, k, factor):
    changed = np.array(value, dtype=float)
    if k < changed.shape[-1]:
        column = changed[..., k]
        shift = (factor - 1) * (np.abs(changed).max() or 1.0)
        changed[..., k] = np.where(column == 0, column + shift, column * factor)
    return changed


def _scaling(factor):
    def change(result, _):
        for path, part in _leaves(result):
            result = _put(result, path, _scaled(part, factor))
        return result

    return change


def _entry_scaling(k, factor):
    def change(result, _):
        parts = list(_leaves(result))
        if len(parts) > 1:
            path, part = parts[k] if k < len(parts) else parts[0]
            return _put(result, path, _scaled(part, factor)) if k < len(parts) else result
        return _entry(result, k, factor) if np.ndim(result) else result

    return change


class _Constant:
    """The first result, ever after."""

    def __init__(self) -> None:
        self.first = None

    def __call__(self, result, _):
        if self.first is None:
            self.first = result
        return self.first


def _handing_back(i):
    return lambda result, args: args[i]
