"""The Gaussian model on the real line, N(mu, sigma^2), in five charts. All closed forms in nats.

    chart            coordinates                       Fisher matrix
    mu, sigma        mu, sigma                         diag(1/sigma^2, 2/sigma^2)
    mu, sigma^2      mu, sigma^2                       diag(1/sigma^2, 1/(2 sigma^4))
    mu, log sigma    mu, log sigma                     diag(1/sigma^2, 2)
    natural          mu/sigma^2, -1/(2 sigma^2)        Cov of (x, x^2)
    expectation      mu, mu^2 + sigma^2                its inverse

In the coordinates (mu/sqrt(2), sigma) the Fisher metric is twice that of the hyperbolic half-plane
(Atkinson & Mitchell 1981): geodesics are vertical lines and half circles.
"""

from __future__ import annotations

import numpy as np

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.families.stable import columns, symmetric
from ngdlib.validate import Array

LOG_2PI = float(np.log(2 * np.pi))

#: Points are refused where |log sigma| is above this: sigma^4 and 1/sigma^4 must fit in float64.
LIMIT = 170.0
_SMALLEST, _LARGEST = float(np.exp(-2 * LIMIT)), float(np.exp(2 * LIMIT))  # of sigma^2
_RANGES = {
    "mu, sigma": (_SMALLEST**0.5, _LARGEST**0.5),
    "mu, sigma^2": (_SMALLEST, _LARGEST),
    "mu, log sigma": (-LIMIT, LIMIT),
    "natural": (-_LARGEST / 2, -_SMALLEST / 2),
}


class Gaussian(Model):
    """N(mu, sigma^2), sigma > 0, with sufficient statistics (x, x^2).

    Closed forms hold to a relative 1e-13 where sigma is between e^-170 and e^170 and |mu| below
    1e75. In the expectation chart sigma^2 = m2 - m1^2 is taken exactly from the two numbers given;
    a change *to* that chart rounds m2, and with it sigma^2 to 1e-16 (1 + mu^2/sigma^2).
    """

    family = "Gaussian"
    charts = ("mu, sigma", "mu, sigma^2", "mu, log sigma", "natural", "expectation")
    dim = statistic_dim = 2
    has_geodesics = has_connection = True

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return {
            "mu, sigma": ("mu", "sigma"),
            "mu, sigma^2": ("mu", "sigma^2"),
            "mu, log sigma": ("mu", "log sigma"),
            "natural": ("eta1", "eta2"),
            "expectation": ("m1", "m2"),
        }[self.chart]

    @property
    def fisher_fits(self) -> bool:
        return self.chart not in ("natural", "expectation")  # there mu enters it

    def _range(self) -> tuple[float, float] | None:
        return _RANGES.get(self.chart)

    def _inside(self, theta: Array) -> np.ndarray:
        if self.chart != "expectation":
            return super()._inside(theta)
        with np.errstate(all="ignore"):
            variance = _variance_of_means(theta)
        return (variance >= _SMALLEST) & (variance <= _LARGEST)

    def _domain(self) -> str:
        sign = {
            "natural": "eta2 < 0",
            "expectation": "m2 > m1^2",
            "mu, log sigma": "any log sigma",
            "mu, sigma^2": "sigma^2 > 0",
        }.get(self.chart, "sigma > 0")
        return f"{sign}, with sigma between e^-{LIMIT:g} and e^{LIMIT:g}"

    def _possible(self, x: Array) -> np.ndarray:
        return np.isfinite(x)

    def _outcomes(self) -> str:
        return "real numbers"

    def _attainable(self, mean: Array) -> np.ndarray:
        with np.errstate(over="ignore"):
            return mean[..., 1] >= mean[..., 0] ** 2 * (1 - 1e-12)

    def _means(self) -> str:
        return "means of (x, x^2), so mean[1] >= mean[0]^2"

    def _statistics(self, x: Array) -> Array:
        return np.stack([x, x**2], axis=-1)

    # The base chart is (mu, sigma). Each of the two comes by its shortest way from each chart.

    def _to_base(self, theta: Array) -> Array:
        return columns(self._mu(theta), self._sigma(theta))

    def _from_base(self, base: Array) -> Array:
        return Gaussian("mu, sigma")._carry(base, self)

    def _mu(self, theta: Array) -> Array:
        if self.chart == "natural":
            return -theta[..., 0] / (2 * theta[..., 1])
        return theta[..., 0]

    def _variance(self, theta: Array) -> Array:
        b = theta[..., 1]
        if self.chart == "mu, sigma":
            return b * b
        if self.chart == "mu, sigma^2":
            return b
        if self.chart == "mu, log sigma":
            return np.exp(2 * b)
        return -0.5 / b if self.chart == "natural" else _variance_of_means(theta)

    def _sigma(self, theta: Array) -> Array:
        if self.chart == "mu, sigma":
            return theta[..., 1]
        if self.chart == "mu, log sigma":
            return np.exp(theta[..., 1])
        return np.sqrt(self._variance(theta))

    def _log_sigma(self, theta: Array) -> Array:
        b = theta[..., 1]
        if self.chart == "mu, sigma":
            return np.log(b)
        if self.chart == "mu, log sigma":
            return b
        return -np.log(-2 * b) / 2 if self.chart == "natural" else np.log(self._variance(theta)) / 2

    def _carry(self, theta: Array, target: Gaussian) -> Array:
        mu = self._mu(theta)
        if target.chart == "mu, sigma":
            return columns(mu, self._sigma(theta))
        if target.chart == "mu, log sigma":
            return columns(mu, self._log_sigma(theta))
        v = self._variance(theta)
        if target.chart == "natural":
            return columns(mu / v, -0.5 / v)
        return columns(mu, v if target.chart == "mu, sigma^2" else mu * mu + v)

    def _pull(self, g: Array, h: Array, theta: Array) -> Array:
        """The gradient in this chart of what has derivatives ``g`` in mu and ``h`` in sigma."""
        if self.chart == "mu, sigma":
            return columns(g, h)
        sigma = self._sigma(theta)
        if self.chart == "mu, log sigma":
            return columns(g, h * sigma)
        if self.chart == "mu, sigma^2":
            return columns(g, h / (2 * sigma))
        mu, v = self._mu(theta), sigma * sigma
        if self.chart == "expectation":
            return columns(g - h * mu / sigma, h / (2 * sigma))
        return columns(v * g, 2 * mu * v * g + v * sigma * h)

    def _motion(self, velocity: Array, theta: Array) -> tuple[Array, Array]:
        """How fast mu and sigma move when the parameters move with this velocity."""
        a, b = velocity[..., 0], velocity[..., 1]
        if self.chart == "mu, sigma":
            return a, b
        sigma = self._sigma(theta)
        if self.chart == "mu, log sigma":
            return a, b * sigma
        if self.chart == "mu, sigma^2":
            return a, b / (2 * sigma)
        mu, v = self._mu(theta), sigma * sigma
        if self.chart == "expectation":
            return a, (b - 2 * mu * a) / (2 * sigma)
        return v * (a + 2 * mu * b), v * sigma * b

    def _jacobian(self, theta: Array, target: Gaussian) -> Array:
        mu, sigma = self._mu(theta), self._sigma(theta)
        units = (self._motion(unit, theta) for unit in np.eye(2))
        return np.stack([target._velocity(a, b, mu, sigma) for a, b in units], axis=-1)

    def _velocity(self, a: Array, b: Array, mu: Array, sigma: Array) -> Array:
        """The velocity in this chart when mu and sigma move as fast as ``a`` and ``b``."""
        if self.chart == "mu, sigma":
            return columns(a + 0 * mu, b)
        if self.chart == "mu, log sigma":
            return columns(a, b / sigma)
        if self.chart == "mu, sigma^2":
            return columns(a, 2 * sigma * b)
        if self.chart == "expectation":
            return columns(a, 2 * (mu * a + sigma * b))
        v = sigma * sigma
        return columns((a - 2 * mu * b / sigma) / v, b / (v * sigma))

    def _away(self, x: Array, theta: Array) -> Array:
        """mu - x; in the natural chart without rounding mu first."""
        if self.chart != "natural":
            return theta[..., 0] - x
        a, b = _in_their_unit(theta)
        return -stable.difference_of_products(a, 1.0, -2 * b, x) / (2 * b)

    def _log_density(self, x: Array, theta: Array) -> Array:
        u = self._away(x, theta) / self._sigma(theta)
        return -(u * u) / 2 - self._log_sigma(theta) - LOG_2PI / 2

    def _score(self, x: Array, theta: Array) -> Array:
        sigma = self._sigma(theta)
        u = -self._away(x, theta) / sigma
        return self._pull(u / sigma, (u * u - 1) / sigma, theta)

    def _fisher(self, theta: Array) -> Array:
        b = theta[..., 1]
        if self.chart == "mu, sigma":
            F = np.zeros((*b.shape, 2, 2))
            weight = np.multiply(b, b, out=F[..., 0, 0])
            np.divide(1, weight, out=weight)
            np.multiply(2, weight, out=F[..., 1, 1])
            return F
        if self.chart == "mu, sigma^2":
            return symmetric(1 / b, 0.0, 0.5 / (b * b))
        if self.chart == "mu, log sigma":
            return symmetric(np.exp(-2 * b), 0.0, 2.0)
        mu, v = self._mu(theta), self._variance(theta)
        if self.chart == "natural":
            return symmetric(v, 2 * mu * v, 2 * v * (2 * mu * mu + v))
        return symmetric((1 + 2 * mu * mu / v) / v, -mu / (v * v), 0.5 / (v * v))

    def _christoffel(self, theta: Array) -> Array:
        mu, b = self._mu(theta), theta[..., 1]
        G = np.zeros((*theta.shape, 2, 2))
        if self.chart == "mu, sigma":
            G[..., 0, 0, 1] = G[..., 0, 1, 0] = G[..., 1, 1, 1] = -1 / b
            G[..., 1, 0, 0] = 0.5 / b
        elif self.chart == "mu, sigma^2":
            G[..., 0, 0, 1] = G[..., 0, 1, 0] = -0.5 / b
            G[..., 1, 0, 0], G[..., 1, 1, 1] = 1.0, -1 / b
        elif self.chart == "mu, log sigma":
            G[..., 0, 0, 1] = G[..., 0, 1, 0] = -1.0
            G[..., 1, 0, 0] = np.exp(-2 * b) / 2
        elif self.chart == "natural":
            v = self._variance(theta)
            G[..., 0, 0, 0], G[..., 0, 1, 1] = -mu, -4 * mu**3
            G[..., 0, 0, 1] = G[..., 0, 1, 0] = v - 2 * mu * mu
            G[..., 1, 0, 0], G[..., 1, 1, 1] = 0.5, 2 * (mu * mu + v)
            G[..., 1, 0, 1] = G[..., 1, 1, 0] = mu
        else:
            v = self._variance(theta)
            G[..., 0, 0, 0], G[..., 1, 0, 0] = 2 * mu / v, -1.0
            G[..., 0, 0, 1] = G[..., 0, 1, 0] = -0.5 / v
            G[..., 1, 0, 1] = G[..., 1, 1, 0] = mu / v
            G[..., 1, 1, 1] = -1 / v
        return G

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        shift, ratio = self._differences(theta0, theta1)
        u = shift / self._sigma(theta1)
        return (stable.exp_remainder(ratio) + u * u) / 2

    def _differences(self, theta0: Array, theta1: Array) -> tuple[Array, Array]:
        """mu1 - mu0 and log(sigma0^2/sigma1^2), without cancellation for near points."""
        (a0, b0), (a1, b1) = (_pair(theta) for theta in (theta0, theta1))
        if self.chart == "mu, log sigma":
            return a1 - a0, 2 * (b0 - b1)
        if self.chart == "mu, sigma":
            return a1 - a0, 2 * stable.log_ratio(b1, b0, b0 - b1)
        if self.chart == "mu, sigma^2":
            return a1 - a0, stable.log_ratio(b1, b0, b0 - b1)
        if self.chart == "natural":
            ratio = stable.log_ratio(-b0, -b1, b0 - b1)
            (a0, b0), (a1, b1) = (_in_their_unit(theta) for theta in (theta0, theta1))
            return stable.difference_of_products(a0, b1, a1, b0) / (2 * b0 * b1), ratio
        v0, v1 = _variance_of_means(theta0), _variance_of_means(theta1)
        return a1 - a0, stable.log_ratio(v1, v0, _variance_fall(theta0, theta1))

    def _half_turn(self, theta0: Array, theta1: Array) -> Array:
        """sinh of log(sigma0/sigma1)/2, without cancellation for near points."""
        b0, b1 = theta0[..., 1], theta1[..., 1]
        if self.chart == "mu, log sigma":
            return np.sinh((b0 - b1) / 2)
        sigma0, sigma1 = self._sigma(theta0), self._sigma(theta1)
        root = 2 * np.sqrt(sigma0 * sigma1)
        if self.chart == "mu, sigma":
            return (b0 - b1) / root
        if self.chart == "mu, sigma^2":
            fall = b0 - b1
        elif self.chart == "natural":
            fall = (b0 - b1) / (2 * b0 * b1)
        else:
            fall = _variance_fall(theta0, theta1)
        return fall / ((sigma0 + sigma1) * root)

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        draws = rng.standard_normal((*theta.shape[:-1], n))
        draws *= self._sigma(theta)[..., None]
        draws += self._mu(theta)[..., None]
        return draws

    def _gaps(self, theta: Array, mean: Array) -> tuple[Array, Array, Array]:
        """(mu - m1)/sigma and (m2 - 2 mu m1 + mu^2)/sigma^2, with (m1, m2) the mean; and sigma."""
        sigma = self._sigma(theta)
        away = self._away(mean[..., 0], theta) / sigma
        return away, _variance_of_means(mean) / (sigma * sigma) + away * away, sigma

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        _, spread, _ = self._gaps(theta, mean)
        return spread / 2 + self._log_sigma(theta) + LOG_2PI / 2

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        away, spread, sigma = self._gaps(theta, mean)
        return self._pull(away / sigma, (1 - spread) / sigma, theta)

    def _cross_entropy_hessian(self, theta: Array, mean: Array) -> Array:
        away, spread, sigma = self._gaps(theta, mean)
        v = sigma * sigma
        if self.chart == "mu, sigma":
            return symmetric(1 / v, -2 * away / v, (3 * spread - 1) / v)
        if self.chart == "mu, log sigma":
            return symmetric(1 / v, -2 * away / sigma, 2 * spread)
        if self.chart == "natural":
            return self._fisher(np.broadcast_to(theta, (*away.shape, 2)))
        once, twice = (1 - spread) / (2 * v), (spread - 0.5) / (v * v)  # along sigma^2
        across = -away / (sigma * v)
        if self.chart == "mu, sigma^2":
            return symmetric(1 / v, across, twice)
        mu = self._mu(theta)
        first = 1 / v - 2 * once - 4 * mu * across + 4 * mu * mu * twice
        return symmetric(first, across - 2 * mu * twice, twice)

    def _covariant_hessian(self, theta: Array, mean: Array) -> Array:
        away, spread, sigma = self._gaps(theta, mean)
        v = sigma * sigma
        a, b, c = (1 + spread) / (2 * v), -away / v, 2 * spread / v  # in (mu, sigma)
        rows = self._pull(a, b, theta), self._pull(b, c, theta)
        return np.stack(
            [self._pull(*pair, theta) for pair in zip(*map(_pair, rows), strict=True)], -2
        )

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        if self.chart in ("natural", "expectation"):
            shift, _ = self._differences(theta0, theta1)
        else:
            shift = theta1[..., 0] - theta0[..., 0]
        shift = shift / np.sqrt(8 * self._sigma(theta0) * self._sigma(theta1))
        half = np.hypot(shift, self._half_turn(theta0, theta1))
        return 2 * np.sqrt(2) * np.arcsinh(half)

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        sigma = self._sigma(theta)
        a, b = self._motion(velocity, theta)
        a = a / np.sqrt(2)
        norm = np.hypot(a, b)
        scale = np.where(norm > 0, norm, 1.0)
        a, b = np.sign(t) * a / scale, np.sign(t) * b / scale  # a unit vector, for |t|
        s = np.abs(t) * norm / sigma
        # In the half-plane: y / (cosh s - b sinh s), with 1 - b = a²/(1 + b) where b is near 1.
        gap = np.where(b > 0, a * a / (1 + np.abs(b)), 1 - b)
        sinh = np.sinh(s)
        fall = np.exp(-s) + gap * sinh
        mu = self._mu(theta) + np.sqrt(2) * sigma * a * sinh / fall
        return self._from_base(columns(mu, sigma / fall))


def _pair(theta: Array) -> tuple[Array, Array]:
    return theta[..., 0], theta[..., 1]


def _in_their_unit(theta: Array) -> tuple[Array, Array]:
    """Both natural parameters over a power of two, the second one near 1: no product overflows."""
    b, power = np.frexp(theta[..., 1])
    return np.ldexp(theta[..., 0], -power), b


def _variance_of_means(m: Array) -> Array:
    """m2 - m1^2, as if rounded only at the end."""
    return stable.difference_of_products(m[..., 1], 1.0, m[..., 0], m[..., 0])


def _variance_fall(m0: Array, m1: Array) -> Array:
    """The variance of the one less that of the other, from their means of (x, x^2)."""
    shift, rest = stable.two_sum(m1[..., 0], -m0[..., 0])
    middle, lost = stable.two_sum(m1[..., 0], m0[..., 0])
    fall, left = stable.two_sum(m0[..., 1], -m1[..., 1])
    return stable.difference_of_products(fall, 1.0, -shift, middle) + (
        left + shift * lost + rest * middle
    )
