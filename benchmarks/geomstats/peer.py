"""The side of geomstats, in its own environment:
python -m benchmarks.geomstats.peer points.npz answers.npz"""

import numpy as np
from geomstats.information_geometry.binomial import BinomialDistributions
from geomstats.information_geometry.categorical import CategoricalDistributions
from geomstats.information_geometry.normal import NormalDistributions
from geomstats.information_geometry.poisson import PoissonDistributions

from benchmarks.geomstats import Operations, answer


def operations(points: dict[str, np.ndarray]) -> Operations:
    spaces = {
        "normal": NormalDistributions(sample_dim=1),
        "categorical": CategoricalDistributions(dim=2),
        "bernoulli": BinomialDistributions(1),
        "poisson": PoissonDistributions(),
    }
    found = {}
    for name, space in spaces.items():
        a, b, v = (points[f"{name} {key}"] for key in "abv")
        metric = space.metric
        found |= {
            f"{name} distance": lambda m=metric, a=a, b=b: m.dist(a, b),
            f"{name} exponential": lambda m=metric, a=a, v=v: m.exp(v, a),
            f"{name} inside": lambda s=space, a=a: s.belongs(a),
        }
        if name != "categorical":  # it has that metric in another chart only
            found[f"{name} fisher"] = lambda m=metric, a=a: m.metric_matrix(a)
    return found


if __name__ == "__main__":
    answer(operations)
