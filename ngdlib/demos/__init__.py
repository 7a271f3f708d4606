"""Interactive demos: widgets in Jupyter, self-contained figures on the book's static pages."""

from ngdlib.demos.basin_runs import BasinRuns
from ngdlib.demos.damped_line import DampedLine
from ngdlib.demos.function_space import FunctionSpace
from ngdlib.demos.gaussian_steps import GaussianSteps
from ngdlib.demos.kl_balls import KLBalls
from ngdlib.demos.kronecker_factors import KroneckerFactors
from ngdlib.demos.mixture_manifold import MixtureManifold
from ngdlib.demos.newton_steps import NewtonSteps
from ngdlib.demos.one_arrow import OneArrow
from ngdlib.demos.simplex_sphere import SimplexSphere
from ngdlib.demos.steps_in_any_chart import StepsInAnyChart
from ngdlib.demos.three_fishers import ThreeFishers
from ngdlib.demos.trust_region import TrustRegion
from ngdlib.demos.two_charts import TwoCharts

__all__ = [
    "BasinRuns",
    "DampedLine",
    "FunctionSpace",
    "GaussianSteps",
    "KLBalls",
    "KroneckerFactors",
    "MixtureManifold",
    "NewtonSteps",
    "OneArrow",
    "SimplexSphere",
    "StepsInAnyChart",
    "ThreeFishers",
    "TrustRegion",
    "TwoCharts",
]
