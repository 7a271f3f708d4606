"""Our side: python -m benchmarks.geomstats.ours points.npz answers.npz"""

import numpy as np

from benchmarks.geomstats import Operations, answer
from ngdlib import geodesics
from ngdlib.families import Bernoulli, Categorical, Gaussian, Model, Poisson
from ngdlib.families.base import in_blocks


def operations(points: dict[str, np.ndarray]) -> Operations:
    models = {
        "normal": Gaussian("mu, sigma"),
        "categorical": Categorical(3, "probabilities"),
        "bernoulli": Bernoulli("probability"),
        "poisson": Poisson("rate"),
    }
    found = {}
    for name, model in models.items():
        a, b, v = (np.ascontiguousarray(points[f"{name} {key}"][:, : model.dim]) for key in "abv")
        found |= {
            f"{name} distance": lambda m=model, a=a, b=b: m.fisher_rao_distance(a, b),
            f"{name} exponential": lambda m=model, a=a, v=v: geodesics.exponential(m, a, v),
            f"{name} inside": lambda m=model, a=a: m.in_domain(a),
            f"{name} fisher": lambda m=model, a=a: m.fisher(a),
        } | {f"{name} {what} unchecked": f for what, f in _unchecked(model, a, b, v).items()}
    return found


def _unchecked(model: Model, a: np.ndarray, b: np.ndarray, v: np.ndarray) -> Operations:
    """The same closed forms for arguments that are known to be good."""
    now = np.ones(1)
    return {
        "distance": lambda: model._computed("", model._fisher_rao_distance, a, b, fits=True),
        "exponential": lambda: in_blocks(lambda *at: model._geodesic(*at, now), a, v),
        "fisher": lambda: model._computed("", model._fisher, a, fits=True),
    }


if __name__ == "__main__":
    answer(operations)
