"""The derivation engine: a chain of sympy steps that verifies itself and typesets itself.

    q, y = symbols("q y")
    d = Derivation("variance", title="The variance of a toss", domain={q: Interval.open(0, 1)})
    d.expectation((y - q) ** 2, (y, [0, 1], [1 - q, q]), q * (1 - q), because="two outcomes")
    d                       # in a notebook: verified first, then printed

Every step is checked twice: numerically at 50 digits, at random points of the declared domain, and
symbolically. Both must agree. Where sympy cannot decide, `verify` asks for a finer step: numerics
alone never earn the mark. What is printed is the very expression that was verified, in the order
in which its author wrote it; derivatives, integrals, sums and expectations print unevaluated.

The rooms: `author` (what an author writes), `language` (what may stand on a line), `decide` (what
proves), `compute` (what computes), `mutate` (what makes mistakes on purpose), `typeset`.
"""

from ngdlib.derive.author import Derivation, Step, StepVerdict, Verified
from ngdlib.derive.language import DerivationError, E, Undecided, put
from ngdlib.derive.mutate import mutants

__all__ = [
    "Derivation",
    "DerivationError",
    "E",
    "Step",
    "StepVerdict",
    "Undecided",
    "Verified",
    "mutants",
    "put",
]
