r"""The derivation engine: a chain of sympy steps that verifies itself and typesets itself.

    q, y = symbols("q y")
    d = Derivation("variance", title="The variance of a toss", domain={q: Interval.open(0, 1)})
    d.expectation((y - q) ** 2, (y, [0, 1], [1 - q, q]), q * (1 - q), because="two outcomes")
    d                       # in a notebook: verified first, then printed

Every step is checked twice: numerically at 50 digits, at random points of the declared domain, and
symbolically. Both must agree. It must be defined and real on the whole of that domain, as it is
written, before anything cancels; integrals and sums must have values, the weights of an expectation
must be probabilities, and what is solved must have no other solution: these are proved too, and
what is neither proved nor refuted gives no mark. Where sympy cannot decide, `verify` asks for a
finer step: numerics alone never earn the mark. What is printed is the very expression that was
verified, in the order in which its author wrote it; derivatives, integrals, sums and expectations
print unevaluated. A condition stands in the domain, which is printed, not in how a symbol was made.

For people. A derivation states its `problem` in a sentence, never the answer first. Its `domain`
is the mathematics' (θ > 0) and is printed as such, `why` says where a condition comes from, and
ranges that only serve the numeric check go into `sampled`. Titles, problems and reasons are
typeset between dollar signs, as prose in a chapter is. A line that only says what a name means is
printed "by definition", without a mark. What only confirms, or is one equality, is no derivation
but a checked formula in the text: `formula(lhs, rhs, ...)`.

The rooms: `author` (what an author writes), `language` (what may stand on a line), `names` (what a
letter may mean), `decide` (what proves), `domain` (what is defined), `signs` (what sign an
expression has), `solving` (what has one solution), `compute` (what computes), `mutate` (what makes
mistakes on purpose), `typeset`.
"""

from ngdlib.derive.author import Derivation, Formula, Step, StepVerdict, Verified, formula
from ngdlib.derive.language import DerivationError, E, Undecided, put
from ngdlib.derive.mutate import mutants

__all__ = [
    "Derivation",
    "DerivationError",
    "E",
    "Formula",
    "Step",
    "StepVerdict",
    "Undecided",
    "Verified",
    "formula",
    "mutants",
    "put",
]
