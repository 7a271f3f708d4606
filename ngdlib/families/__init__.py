"""Families of distributions: density, score, Fisher matrix, KL, sampling; in closed form."""

from ngdlib.families.base import Model
from ngdlib.families.bernoulli import Bernoulli
from ngdlib.families.categorical import Categorical
from ngdlib.families.exponential_family import ExponentialFamily
from ngdlib.families.gaussian import Gaussian

__all__ = ["Bernoulli", "Categorical", "ExponentialFamily", "Gaussian", "Model"]
