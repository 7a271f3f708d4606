"""Families of distributions: density, score, Fisher matrix, KL, sampling; in closed form."""

from ngdlib.families.base import Model
from ngdlib.families.bernoulli import Bernoulli
from ngdlib.families.categorical import Categorical
from ngdlib.families.exponential_family import ExponentialFamily
from ngdlib.families.gaussian import Gaussian
from ngdlib.families.linear_gaussian import LinearGaussian, known_covariance
from ngdlib.families.mixture import GaussianMixture
from ngdlib.families.poisson import Poisson

__all__ = [
    "Bernoulli",
    "Categorical",
    "ExponentialFamily",
    "Gaussian",
    "GaussianMixture",
    "LinearGaussian",
    "Model",
    "Poisson",
    "known_covariance",
]
