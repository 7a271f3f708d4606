"""What geomstats gives for the points of an .npz file, and how long it takes; run in its own
environment by `benchmarks.geomstats`:  python peer.py points.npz answers.npz"""

import sys

import numpy as np
from geomstats.information_geometry.binomial import BinomialDistributions
from geomstats.information_geometry.categorical import CategoricalDistributions
from geomstats.information_geometry.normal import NormalDistributions

from benchmarks.peers import best

REPEATS = 60


def main(points, answers):
    given, out = np.load(points), {}
    spaces = {
        "normal": NormalDistributions(sample_dim=1),
        "categorical": CategoricalDistributions(dim=2),
        "bernoulli": BinomialDistributions(1),
    }
    for name, space in spaces.items():
        a, b, v = (given[f"{name} {key}"] for key in "abv")
        metric = space.metric
        operations = {
            "distance": lambda m=metric, a=a, b=b: m.dist(a, b),
            "exponential": lambda m=metric, a=a, v=v: m.exp(v, a),
            "inside": lambda s=space, a=a: s.belongs(a),
        }
        if name != "categorical":  # it has that metric in another chart only
            operations["fisher"] = lambda m=metric, a=a: m.metric_matrix(a)
        for what, f in operations.items():
            try:
                out[f"{name} {what}"], out[f"{name} {what} seconds"] = best(f, REPEATS)
            except Exception as error:  # what it does not have is not compared
                print(f"geomstats, {name} {what}: {type(error).__name__}", file=sys.stderr)
    np.savez(answers, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
