"""Every public function of the core refuses bad input, and says what was wrong with which argument.

Each case below is one public function with arguments that work. One argument is then replaced by
something of the wrong kind, the wrong shape, not finite or outside the model, and
hypothesis tries whatever comes to its mind.
"""

import inspect
import re

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib import charts, curvature, descent, geodesics, validate
from ngdlib.charts import ChangeOfChart
from ngdlib.descent import FisherLength, Fixed, KLRadius, data_fit, init
from ngdlib.families import (
    Bernoulli,
    Categorical,
    ExponentialFamily,
    Gaussian,
    Poisson,
    divergences,
    quadrature,
)
from ngdlib.families.base import inside

η = sp.Symbol("eta", real=True)


def poisson(chart="natural", log_partition=None, symbols=(η,), start=(0.0,), **functions):
    given = {
        "statistic": lambda x: x[..., None],
        "log_base": lambda x: np.where(x >= 0, 0.0, -np.inf),
        "domain": lambda e: e[..., 0] < 700,
    } | functions
    return ExponentialFamily(
        sp.exp(η) if log_partition is None else log_partition,
        symbols,
        chart=chart,
        start=start,
        mean_domain=lambda m: m[..., 0] > 0,
        sampler=lambda rng, e, n: rng.poisson(np.exp(e), (*e.shape[:-1], n)),
        **given,
    )


# model, a point, points that are outside it, a data mean, means that no data have, no outcomes
MODELS = {
    repr(model): (model, point, outside, mean, no_mean, no_outcome)
    for model, point, outside, mean, no_mean, no_outcome in (
        (Bernoulli("probability"), [0.3], [[0.0], [1.0], [-0.1]], [0.5], [[1.1], [-0.1]], [2, 0.5]),
        (Bernoulli("log-odds"), [0.3], [[709.0]], [0.5], [[1.1]], [-1]),
        (Bernoulli("angle"), [0.3], [[0.0], [np.pi]], [0.5], [[1.1]], [2]),
        (Gaussian("mu, sigma"), [0.3, 1.0], [[0, 0.0], [0, -1.0], [0, 1e80]], [0, 1], [[2, 1]], []),
        (Gaussian("mu, sigma^2"), [0.3, 1.0], [[0, 0.0], [0, -1.0]], [0, 1], [[2, 1]], []),
        (Gaussian("mu, log sigma"), [0.3, 1.0], [[0, 400.0]], [0, 1], [[2, 1]], []),
        (Gaussian("natural"), [0.3, -1.0], [[0, 0.0], [0, 1.0]], [0, 1], [[2, 1]], []),
        (Gaussian("expectation"), [0.3, 1.0], [[1.0, 1.0], [2, 1.0]], [0, 1], [[2, 1]], []),
        (
            Categorical(3, "probabilities"),
            [0.3, 0.2],
            [[0.5, 0.5], [0.0, 0.5], [-0.1, 0.5]],
            [0.5, 0.2, 0.3],
            [[0.5, 0.2, 0.4], [-0.1, 0.6, 0.5]],
            [3, -1, 0.5],
        ),
        (
            Categorical(3, "reduced logits"),
            [0.3, 0.2],
            [[800.0, 0.0]],
            [0.5, 0.2, 0.3],
            [[1.0, 1.0, 1.0]],
            [3],
        ),
        (poisson(), [0.3], [[701.0]], [1.0], [], [-1]),
        (poisson("expectation"), [0.3], [[0.0], [-1.0]], [1.0], [], [-1]),
    )
}
CLOSED = [name for name, (model, *_) in MODELS.items() if not isinstance(model, ExponentialFamily)]

NOT_NUMBERS = [
    None,
    "one",
    [1j],
    [object()],
    {},
    [[1.0], [1.0, 2.0]],
    10**400,
    np.array(["0.1", "0.2"]),
    np.array([0.1, 0.2], dtype=object),
    np.array(["2020-01-01"], dtype="datetime64[D]"),
    np.ma.array([0.1, 0.2], mask=[False, True]),
    [np.ma.array([0.1], mask=[True])],
    np.array([(0.1, 0.2)], dtype=[("a", float), ("b", float)]),
]
WRONG = {
    "theta": lambda d: [np.zeros(d + 1), np.zeros((2, d + 2)), 0.3, []],
    "vector": lambda d: [np.zeros(d + 1), 0.3, []],
    "square": lambda d: [np.zeros((d, d + 1)), np.zeros(d), 0.3, np.zeros((0, 0))],
    "number": lambda d: [[0.1, 0.2]],
    "batch": lambda d: [],
}


def not_finite(valid):
    for bad in (np.nan, np.inf, -np.inf):
        for k in range(np.size(valid)):
            array = np.array(valid, dtype=float)
            array.flat[k] = bad
            yield array


def numeric(kind, valid, outside=(), d=None):
    """The bad values for an argument that holds numbers."""
    d = np.shape(valid)[-1] if d is None and np.ndim(valid) else d or 1
    return [*NOT_NUMBERS, *WRONG[kind](d), *not_finite(valid), *outside]


def cases():
    """(name, function, good arguments, {argument: bad values}, {argument: its name if another})."""
    no_model = [None, "Bernoulli", Bernoulli, 3]
    for name in MODELS:
        model, point, outside, mean, no_mean, no_outcome = MODELS[name]
        d = model.dim
        theta = numeric("theta", point, outside)
        x = numeric("batch", 1.0, [*no_outcome, np.ones((2, 3))])
        means = numeric("theta", mean, no_mean)
        v = numeric("vector", [0.01] * d)
        bad_n = [-1, 1.5, None, "3", True, [3]]
        batch = np.tile(point, (4, 1))
        good_pair = {"theta0": point, "theta1": batch}
        bad_pair = {"theta0": [*theta, np.tile(point, (3, 1))], "theta1": theta}
        seed = np.random.default_rng(0)

        def of(method, good, bad, model=model, name=name):
            return f"{name}: {method}", getattr(model, method), good, bad, {}

        yield of("in_domain", {"theta": point}, {"theta": numeric("theta", point)})
        yield of("fisher", {"theta": point}, {"theta": theta})
        for method in ("log_density", "score"):
            yield of(method, {"x": [1, 0], "theta": point}, {"x": x[:-1], "theta": theta})
            yield of(method, {"x": [1, 0], "theta": np.tile(point, (2, 1))}, {"x": x})
        yield of("statistics", {"x": [1, 0]}, {"x": x[:-1]})
        yield of("kl", good_pair, bad_pair)
        yield of("christoffel", {"theta": point}, {"theta": theta})
        good = {"model": model, "theta": point}
        bad = {"model": no_model, "theta": theta}
        yield f"{name}: geodesics.christoffel", geodesics.christoffel, good, bad, {}
        objectives = [None, 3, "loss", descent.Objective(None, None)]
        good, bad = {**good, "objective": data_fit(model, mean)}, {**bad, "objective": objectives}
        yield f"{name}: covariant_hessian", geodesics.covariant_hessian, good, bad, {}
        good = {"model": model, "theta": point, "velocity": [0.01] * d}
        bad = {"model": no_model, "theta": theta, "velocity": v}
        yield f"{name}: exponential", geodesics.exponential, good, bad, {}
        times = [*NOT_NUMBERS, 0.5, [], [1.0, 1.0], [-1.0, 0.0], [np.nan], [[0.1]]]
        for f in (geodesics.geodesic, geodesics.integrated_geodesic):
            more = {**good, "times": [0.0, 0.5]}, {**bad, "times": times}
            yield f"{name}: {f.__name__}", f, *more, {}
        for method in (
            "cross_entropy",
            "cross_entropy_gradient",
            "cross_entropy_hessian",
            "covariant_hessian",
        ):
            good = {"theta": point, "mean": mean}
            yield of(method, good, {"theta": theta, "mean": means})
        good = {"rng": seed, "theta": point, "n": 3}
        if not isinstance(model, ExponentialFamily):
            yield of("fisher_rao_distance", good_pair, bad_pair)
            g = {"theta": point, "velocity": [0.01] * d, "t": 0.5}
            bad_t = numeric("batch", 0.5, [1e6] if d == 1 and model.chart == "angle" else [])
            yield of("geodesic", g, {"theta": theta, "velocity": v, "t": bad_t})
        yield of("sample", good, {"rng": [None, 0, np.random], "theta": theta, "n": bad_n})
        charts_ = {"chart": ["none", None, 0, ["natural"]]}
        yield of("in_chart", {"chart": model.chart}, charts_)
        others = [Bernoulli("angle") if d == 2 else Gaussian("natural"), None, 3]
        yield of("change_to", {"other": model.charts[-1]}, {"other": others})
        if isinstance(model, Bernoulli | Categorical):
            yield of("probabilities", {"theta": point}, {"theta": theta})
        change = model.change_to(model.chart)
        for method, argument in (("forward", "theta"), ("inverse", "phi"), ("jacobian", "theta")):
            function = getattr(change, method)
            yield f"{name}: change {method}", function, {argument: point}, {argument: theta}, {}
        for f in ("kl", "reverse_kl", "jeffreys"):
            good = {"model": model, **good_pair}
            yield f"{name}: {f}", getattr(divergences, f), good, {"model": no_model, **bad_pair}, {}
        if name in CLOSED:
            for f in ("jensen_shannon", "hellinger_squared", "hellinger", "l2_squared", "l2"):
                good, bad = {"model": model, **good_pair}, {"model": no_model, **bad_pair}
                yield f"{name}: {f}", getattr(divergences, f), good, bad, {}
            one = [*theta, [point, point]]
            good, bad = {"model": model, "theta": point}, {"model": no_model, "theta": one}
            yield f"{name}: support", quadrature.support, good, bad, {}
            yield f"{name}: quadrature.fisher", quadrature.fisher, good, bad, {}
            good = {**good, "f": lambda x: x}
            yield f"{name}: expectation", quadrature.expectation, good, {**bad, "f": [None, 3]}, {}
        yield (
            f"{name}: data_fit",
            data_fit,
            {"model": model, "mean": mean},
            {
                "model": no_model,
                "mean": means,
            },
            {},
        )
        fit = data_fit(model, mean)
        methods = {
            "model": no_model,
            "objective": [None, lambda theta: theta, 3],
            "metric": ["fisher", None, 0, []],
        }
        more = {
            "length": [1.0, None, "long"],
            "damping": [-0.1, np.nan, None, [0.1]],
        }
        basics = {"model": model, "objective": fit, "metric": "natural"}
        for length in (Fixed(0.01), FisherLength(0.01), KLRadius(1e-4)):
            good = {"state": init(point), **basics, "length": length, "damping": 0.1}
            states = [None, point, *(descent.State(np.array(o), 0) for o in outside)]
            yield f"{name}: step", descent.step, good, {"state": states, **methods, **more}, {}
        good = {"state": init(point), "model": model, "objective": fit, "length": Fixed(0.01)}
        bad = {"state": states, **methods, "length": more["length"]}
        bad |= {"hessian": ["fisher", None, 0]}
        del bad["metric"]
        for kind in descent.HESSIANS:
            yield f"{name}: newton_step", descent.newton_step, {**good, "hessian": kind}, bad, {}
        good = {"theta": point, **basics, "steps": 2, "length": Fixed(0.01), "damping": 0.0}
        bad = {"theta": theta, **methods, **more, "steps": bad_n}
        yield f"{name}: run", descent.run, good, bad, {}
        times = [*NOT_NUMBERS, 0.5, [], [1.0, 1.0], [-1.0, 0.0], [2.0, 1.0], [np.nan], [[0.1]]]
        good = {"theta": point, **basics, "times": [0.0, 0.1]}
        bad = {"theta": theta, **methods, "times": times}
        yield f"{name}: flow", descent.flow, good, bad, {}

    chart_names = ["none", None, 3]
    for family in (Bernoulli, Gaussian):
        good = {"chart": family.charts[0]}
        yield family.__name__, family, good, {"chart": chart_names}, {}
    good = {"classes": 3, "chart": "logits"}
    yield "Categorical", Categorical, good, {"classes": [1, 2.0, None], "chart": chart_names}, {}
    functions = {name: [None, 3] for name in ("statistic", "log_base", "domain")}
    bad = {
        "chart": chart_names,
        "log_partition": ["exp(eta)", sp.exp(η) + sp.Symbol("a"), 3],
        "symbols": [["eta"], [], 3],
        "start": numeric("vector", [0.0], [[800.0]]),
        **functions,
    }
    yield "ExponentialFamily", poisson, {"chart": "natural"}, bad, {}

    T, F = np.array([[2.0, 1.0], [0.0, 1.0]]), np.eye(2)
    matrices = numeric("square", F)
    jacobians = numeric("square", T, [np.ones((2, 2)), np.zeros((2, 2))], 2)
    for f, argument in (
        (charts.pull_back_gradient, "g_phi"),
        (charts.push_forward_gradient, "g_theta"),
        (charts.push_forward_velocity, "v_theta"),
        (charts.pull_back_velocity, "v_phi"),
    ):
        good, v = {argument: [1.0, 2.0], "T": T}, numeric("vector", [1.0, 2.0])
        yield f.__name__, f, good, {argument: v, "T": jacobians}, {}
        three = {argument: np.ones((3, 2)), "T": np.stack([T, T])}
        yield f.__name__, f, {**three, argument: [1.0, 2.0]}, {argument: [np.ones((3, 2))]}, {}
    for f, argument in ((charts.transform_metric, "F_theta"), (charts.pull_back_metric, "F_phi")):
        yield f.__name__, f, {argument: F, "T": T}, {argument: matrices, "T": jacobians}, {}
    yield "regular", charts.regular, {"T": T}, {"T": jacobians}, {}
    good = {"matrix": T, "offset": [0.0, 1.0], "source": "a", "target": "b"}
    bad = {
        "matrix": [*numeric("square", T, [np.stack([T, T])])],
        "offset": numeric("vector", [0, 1]),
    }
    yield (
        "affine",
        charts.affine,
        good,
        {**bad, "matrix": [*bad["matrix"], np.ones((2, 2))]},
        {"matrix": "T|matrix"},
    )
    change = charts.affine(T, [0.0, 0.0], "a", "b")
    two = numeric("vector", [1.0, 2.0])
    for method, argument in (("forward", "theta"), ("inverse", "phi"), ("jacobian", "theta")):
        yield (
            f"affine {method}",
            getattr(change, method),
            {argument: [1.0, 2.0]},
            {argument: two},
            {},
        )
    yield "affine call", change, {"theta": [1.0, 2.0]}, {"theta": two}, {}
    yield "then", change.then, {"other": change.inverted()}, {"other": [change, None, 3]}, {}

    yield (
        "gradient_direction",
        descent.gradient_direction,
        {"g": [1.0]},
        {"g": [*NOT_NUMBERS, 0.3, [], [np.nan]]},
        {},
    )
    good, bad = {"F": F, "g": [1.0, 2.0]}, {"F": [*matrices, np.ones((2, 2))], "g": two}
    damping = {"damping": [-1.0, np.inf, None, [0.1, 0.2]]}
    f = descent.natural_direction
    yield "natural_direction", f, {**good, "damping": 0.0}, {**bad, **damping}, {}
    indefinite = [np.diag([1.0, -1.0]), [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]], -F]
    bad["F"] += indefinite
    yield "natural_direction", f, {**good, "damping": 0.0}, bad, {}
    f = descent.pseudo_natural_direction
    rest = {"F": [*matrices, *indefinite], "g": two, "cutoff": [0.0, 1.0, -1, None, np.nan, [0.1]]}
    yield "pseudo_natural_direction", f, {**good, "cutoff": 1e-9}, rest, {}
    f, H = descent.newton_direction, np.diag([1.0, -2.0])
    bad = {"H": [*matrices, np.ones((2, 2)), [[1.0, 0.5], [0.0, 1.0]]], "g": two}
    yield "newton_direction", f, {"H": H, "g": [1.0, 2.0]}, bad, {}
    f, good = descent.gauss_newton, {"J": np.ones((3, 2, 4)), "H_out": np.stack([F] * 3)}
    bad = {"J": [*NOT_NUMBERS, np.ones((2, 4)), np.ones((3, 1, 4)), np.ones((2, 2, 4)), 0.3]}
    yield "gauss_newton", f, good, {**bad, "H_out": [*NOT_NUMBERS, F[0], 0.3]}, {}
    good = {"state": init([0.0, 0.0]), "x": [[1, 0], [1, 1]], "y": [0, 1], "link": descent.LOGIT}
    bad = {"state": [None, [0.0, 0.0], init([0.0])], "link": ["logit", None, 3]}
    bad |= {"x": [*NOT_NUMBERS, [1.0, 2.0], np.ones((0, 2))], "y": [*NOT_NUMBERS, 1, [0, 2], [1]]}
    yield "irls_step", descent.irls_step, good, bad, {}
    wrong = [0.0, -1.0, 1.0, np.nan, np.inf, None, "1", [0.1]]
    good = {"factor": 2.0, "low": 0.25, "high": 0.75}
    bad = {"factor": wrong, "low": [*wrong, 0.8], "high": [*wrong, 0.2]}
    both = {"high": "high|low, high"}
    yield "ReductionRatio", descent.ReductionRatio, good, bad, both
    yield "Improvement", descent.Improvement, {"factor": 10.0}, {"factor": wrong}, {}
    bad = {"theta": [*NOT_NUMBERS, 0.3, []], "damping": [0.0, -1.0, np.nan, None, "1"]}
    yield "damped_init", descent.damped_init, {"theta": [0.3], "damping": 0.1}, bad, {}
    f, bad = descent.fisher_length, {"F": [*matrices, *indefinite], "v": two}
    yield "fisher_length", f, {"F": F, "v": [1.0, 2.0]}, bad, {}
    for rule, argument in ((Fixed, "eta"), (FisherLength, "r"), (KLRadius, "eps")):
        bad = [0.0, -1.0, np.nan, np.inf, None, "1", [0.1]]
        yield rule.__name__, rule, {argument: 0.1}, {argument: bad}, {}
    yield "init", init, {"theta": [0.1]}, {"theta": [*NOT_NUMBERS, 0.3, [], [np.inf]]}, {}

    x, y = sp.symbols("x y", positive=True)
    good = {"metric": sp.diag(1 / x**2, 2 / x**2), "coordinates": (x, y)}
    no_metric = [None, "F", 3, np.eye(2), sp.eye(3), sp.diag(1, -1), sp.diag(x, 0), sp.diag(1, -x)]
    no_metric += [
        sp.diag(1, sp.I),
        sp.Matrix([[1, x], [0, 1]]),
        sp.diag(1, sp.nan),
        [[1, 0], [0, 1]],
    ]
    no_coordinates = [None, 3, "xy", (x,), (x, x), (x, 2), (x, "y"), (x, y, x), (x, x + y)]
    bad = {"metric": no_metric, "coordinates": no_coordinates}
    yield "curvature.christoffel", curvature.christoffel, good, bad, {}
    yield "gaussian_curvature", curvature.gaussian_curvature, good, bad, {}

    def integral(f, edge, digits):
        return quadrature.integral(f, 0, edge, digits=digits)

    bad = {"f": [None, 3], "edge": [None, "1", np.nan, 1j], "digits": [0, 1.5, None]}
    good = {"f": lambda x: x, "edge": 1, "digits": 15}
    yield "integral", integral, good, bad, {"edge": "edges"}


CASES = list(cases())
BAD = [
    (name, function, good, argument, bad, named.get(argument, argument))
    for name, function, good, every, named in CASES
    for argument, values in every.items()
    for bad in values
]


def test_the_good_arguments_are_accepted():
    """The control: what is refused below is refused for the one argument that was changed."""
    for name, function, good, _, _ in CASES:
        try:
            function(**good)
        except ValueError as error:
            pytest.fail(f"{name}: {error}")


def test_the_test_sees_what_is_not_refused():
    """The other control: a function without checks answers outside the model."""
    coin = Bernoulli("probability")
    assert refusal(coin._fisher, {"theta": np.array([1.5])}) is None
    assert refusal(coin.fisher, {"theta": np.array([1.5])}) is not None


def refusal(function, arguments):
    try:
        with np.errstate(all="ignore"):
            function(**arguments)
    except ValueError as error:
        return str(error)
    return None


def test_bad_arguments_are_refused():
    """All of them, each by a sentence that names the argument, what was expected and what came."""
    assert len(BAD) > 10_000
    for name, function, good, argument, bad, named in BAD:
        message = refusal(function, {**good, argument: bad})
        assert message is not None, f"{name} accepts {argument} = {bad!r}"
        says = re.match(rf"(state\.)?({named})\b", message) and re.search(r"expected", message)
        assert says and len(message) < 400, f"{name}, {argument} = {bad!r}: {message}"


NUMERIC = [
    (function, good, argument)
    for name, function, good, *_ in CASES
    for argument, value in good.items()
    if isinstance(value, list | np.ndarray | float) and not name.endswith((": flow", ": run"))
]


@given(
    st.sampled_from(NUMERIC),
    st.lists(st.integers(0, 4), min_size=0, max_size=3),
    st.lists(st.floats(), min_size=1, max_size=3),
)
@settings(max_examples=400)
def test_any_shape_and_any_numbers(case, shape, values):
    """Whatever comes, a function answers or refuses: never any other exception."""
    function, good, argument = case
    refusal(function, {**good, argument: np.resize(values, shape)})


@pytest.mark.parametrize("start", range(4))
def test_any_kind_of_array_gives_the_same(start):
    """float32, integers, lists, read-only, strided, an empty mask: one result.

    Nothing is written into an argument, and no result shares memory with one.
    """
    seen = 0
    for name, function, good, *_ in CASES[start::4]:
        for argument, value in good.items():
            slow = name.endswith((": flow", ": run", "integrated_geodesic", ": exponential"))
            if not isinstance(value, list | np.ndarray) or (slow and "Exponential" in name):
                continue
            plain = np.array(value, dtype=float)
            whole = np.round(plain)
            kinds = {
                "read-only": plain.copy(),
                "list": plain.tolist(),
                "strided": np.repeat(plain, 2, axis=-1)[..., ::2],
                "transposed": np.asfortranarray(plain),
                "no mask": np.ma.array(plain),
                "subclass": plain.view(type("Sub", (np.ndarray,), {})),
            }
            kinds["read-only"].flags.writeable = False
            expected = _called(function, {**good, argument: plain.copy()})
            for kind, other in kinds.items():
                assert _same(_called(function, {**good, argument: other}), expected), (name, kind)
            for kind in (np.float32, np.float16, int, np.uint8, bool):
                cast = np.abs(whole).astype(kind)
                float64 = cast.astype(float)
                found, expected = (
                    _called(function, {**good, argument: a}) for a in (cast, float64)
                )
                assert _same(found, expected), (name, argument, kind)
            given = plain.copy()
            found = _called(function, {**good, argument: given})
            assert np.array_equal(given, plain), f"{name} writes into {argument}"
            shared = isinstance(found, np.ndarray) and np.shares_memory(found, given)
            assert not shared, f"{name}: the result is a view of {argument}"
            seen += 1
    assert seen > 100


def _called(function, arguments):
    for key, value in arguments.items():
        if isinstance(value, np.random.Generator):
            arguments[key] = np.random.default_rng(5)
    try:
        return function(**arguments)
    except ValueError as error:
        return str(error)


def _same(a, b):
    if isinstance(a, str) or isinstance(b, str):
        # both refused; what the message shows of the value may be written otherwise
        return isinstance(a, str) and isinstance(b, str)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, np.ndarray | float | np.generic):
        return type(a) is type(b) and np.array_equal(a, b)
    return type(a) is type(b)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_empty_and_large_batches(name):
    """No points give no results, of the right shape; many points give each its own."""
    model, point, *_, mean, _, _ = MODELS[name]
    d, many = model.dim, 3 if isinstance(model, ExponentialFamily) else 20_000
    fit = data_fit(model, mean)
    functions = {
        "fisher": (model.fisher, (d, d)),
        "christoffel": (model.christoffel, (d, d, d)),
        "kl": (lambda t: model.kl(t, point), ()),
        "gradient": (fit.gradient, (d,)),
        "hessian": (fit.hessian, (d, d)),
        "covariant": (lambda t: geodesics.covariant_hessian(model, fit, t), (d, d)),
        "exponential": (lambda t: geodesics.exponential(model, t, [0.01] * d), (d,)),
        "log_density": (lambda t: model.log_density(1.0, t), ()),
        "score": (lambda t: model.score(1.0, t), (d,)),
        "sample": (lambda t: model.sample(np.random.default_rng(0), t, 2), (2,)),
        "step": (lambda t: descent.step(init(t), model, fit, length=Fixed(0.01))[0].theta, (d,)),
        "change": (lambda t: model.change_to(model.charts[-1]).forward(t), (d,)),
        "jacobian": (lambda t: model.change_to(model.charts[-1]).jacobian(t), (d, d)),
    }
    if name in CLOSED:
        functions["js"] = (lambda t: divergences.jensen_shannon(model, t[:400], point), ())
        functions["distance"] = (lambda t: model.fisher_rao_distance(t, point), ())
    for what, (function, shape) in functions.items():
        assert function(np.zeros((0, d))).shape == (0, *shape), what
        assert function(np.zeros((2, 0, d))).shape == (2, 0, *shape) or what == "js", what
        batch = np.tile(point, (many, 1)) * (1 + 1e-3 * np.linspace(0, 1, many))[:, None]
        found = function(batch)
        assert found.shape[1:] == shape, what
        if what != "sample":
            for k in (0, 1, len(found) - 1):
                assert np.allclose(found[k], function(batch[k]), rtol=1e-12, atol=1e-300), what


@given(
    st.sampled_from(sorted(MODELS)),
    st.lists(st.integers(0, 4), min_size=0, max_size=3),
    st.floats(),
)
def test_the_fisher_matrix_of_any_point(name, shape, value):
    model = MODELS[name][0]
    theta = np.full(shape, value)
    fits = np.isfinite(theta).all() and len(shape) > 0 and shape[-1] == model.dim
    message = refusal(model.in_domain, {"theta": theta})
    assert (message is None) == fits
    if fits:
        inside = model.in_domain(theta)
        assert inside.shape == tuple(shape[:-1]) and inside.dtype == bool
        assert (refusal(model.fisher, {"theta": theta}) is None) == bool(inside.all())
        if inside.all():
            with np.errstate(over="ignore"):
                assert not np.isnan(model.fisher(theta)).any()
    else:
        assert message.startswith("theta: expected")


def test_nothing_public_was_forgotten():
    """Every public function, class and method of the core has a case above."""
    covered = {name.split(": ")[-1].split(" ")[-1].split(".")[-1] for name, *_ in CASES}
    public = set()
    for module in (charts, curvature, descent, divergences, geodesics, quadrature):
        for name, thing in vars(module).items():
            if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__:
                public.add(name)
    for thing in (Bernoulli, Categorical, Gaussian, ExponentialFamily, ChangeOfChart):
        public |= {
            name for name, _ in inspect.getmembers(thing, callable) if not name.startswith("_")
        }
    data = {"State", "Info", "Objective", "ChangeOfChart", "UNIT", "inverted"}
    data |= {"Damped", "DampedInfo", "damped_step"}  # tests/test_damping.py tries the step
    data |= {"NewtonInfo", "IRLSInfo", "Link", "IDENTITY", "LOG", "LOGIT", "PROBIT"}
    assert public - covered - data == set()
    assert {"fisher", "kl", "step", "affine", "l2"} <= public  # the search finds what there is


def test_what_a_refusal_says():
    with pytest.raises(ValueError) as refused:
        Bernoulli("probability").fisher([[0.5], [1.5]])
    assert str(refused.value) == (
        "theta: expected a point of Bernoulli in probability "
        "(0 < q < 1, q at least 2.2e-308), got [1.5]"
    )
    with pytest.raises(ValueError, match=r"theta: expected shape \(\.\.\., 2\), got shape \(3,\)"):
        Gaussian("natural").fisher([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"n: expected an integer >= 0, got 2\.5"):
        validate.count("n", 2.5)
    with pytest.raises(ValueError, match="damping: expected 0 with the euclidean metric"):
        coin = Bernoulli("angle")
        descent.step(init([1.0]), coin, data_fit(coin, [1.0]), "euclidean", damping=0.1)
    with pytest.raises(ValueError, match="sampler: expected a family made with a sampler"):
        ExponentialFamily(
            sp.exp(η),
            [η],
            lambda x: x[..., None],
            lambda x: 0 * x,
            lambda e: e[..., 0] < 700,
            start=[0.0],
        ).sample(np.random.default_rng(0), [0.0], 3)
    with pytest.raises(ValueError, match=r"theta: expected a rate below 9\.2e18.*got 1e\+20"):
        Poisson("rate").sample(np.random.default_rng(0), [[3.0], [1e20]], 3)
    for function, argument in (
        (lambda: poisson().geodesic([0.1], [1.0], 1.0), "model"),
        (lambda: poisson().fisher_rao_distance([0.1], [1.0]), "model"),
        (lambda: divergences.l2(poisson(), [0.1], [0.2]), "model"),
        (lambda: quadrature.support(poisson(), [0.1]), "model"),
    ):
        with pytest.raises(ValueError, match=f"{argument}: "):
            function()


@pytest.mark.parametrize("gradient", [[np.nan], [1.0, 2.0], None])
def test_an_objective_that_gives_nonsense_is_refused(gradient):
    coin = Bernoulli("angle")
    nonsense = descent.Objective(lambda theta: theta[..., 0], lambda theta: gradient)
    for run in (
        lambda: descent.step(init([1.0]), coin, nonsense),
        lambda: descent.run([1.0], coin, nonsense, 2),
        lambda: descent.flow([1.0], coin, nonsense, [1.0]),
    ):
        with pytest.raises(ValueError, match=r"objective.gradient\(theta\): expected"):
            run()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("scale", [1.0, 1e300])  # the squares of 1e300 overflow, and it is finite
@pytest.mark.parametrize("shape", [(1,), (7, 1), (5, 3)])
def test_finite_is_what_numpy_says(bad, scale, shape):
    array = np.random.default_rng(0).standard_normal(shape) * scale
    for view in (array, array.T, array[::2], array[:0]):
        assert validate.finite(view)
    for at in np.ndindex(shape):
        wrong = array.copy()
        wrong[at] = bad
        assert not validate.finite(wrong) and not validate.finite(wrong.T)
        if shape[-1] == 1:
            with pytest.raises(ValueError, match="finite numbers"):
                Bernoulli("log-odds").in_domain(wrong)


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e-100, 1.0, 1e100, 1e150, 1e200])
@pytest.mark.parametrize("shape", [(1,), (1, 1), (4000, 2)])
def test_no_entry_exceeds_the_bound(size, shape):
    array = -size * np.random.default_rng(0).uniform(0.5, 1, shape)
    most = validate.bound(array)
    assert np.max(np.abs(array)) < most
    assert size > 1e150 or most < 2.1 * size * np.sqrt(array.size) + 1e-149
    # negative control: the root of the sum of squares alone is exceeded, where it underflows
    assert size > 1e-170 or np.sqrt(np.vdot(array, array)) < np.max(np.abs(array))
    for bad in (np.nan, np.inf, -np.inf):
        array.flat[-1] = bad
        assert not validate.bound(array) < np.inf


def _ranged():
    for model in (Bernoulli, Poisson, Gaussian):
        for chart in model.charts:
            if model(chart)._range() is not None:
                yield model(chart)


@pytest.mark.parametrize("model", list(_ranged()), ids=repr)
def test_a_range_holds_what_is_between_its_ends(model):
    """In every batch and however it lies in memory; what is not finite is never inside."""
    low, high = model._range()
    middle = 0.5 if low < 0.5 < high else -1.0
    last = [low, high, middle, np.nextafter(low, -np.inf), np.nextafter(high, np.inf), -high, 0.0]
    last += [np.inf, -np.inf, np.nan]
    others = [[], [0.0], [1e100], [-1e300], [np.inf], [np.nan]]
    points = np.array([[*o, x] for o in others for x in last if len(o) == model.dim - 1])
    wanted = np.isfinite(points).all(axis=1) & (points[:, -1] >= low) & (points[:, -1] <= high)
    assert wanted.any() and not wanted.all()
    for rows in (points, np.asfortranarray(points), np.repeat(points, 2, axis=0)[::2]):
        assert np.array_equal(inside(model, rows), wanted)
    for point, legal in zip(points, wanted, strict=True):
        assert inside(model, point) == legal
        for batch in (point, np.tile(point, (3, 1)), np.asfortranarray(np.tile(point, (3, 1)))):
            if np.isfinite(point).all():
                assert np.all(model.in_domain(batch) == legal)
            else:
                with pytest.raises(ValueError, match="theta: expected finite numbers"):
                    model.in_domain(batch)
    assert model.in_domain(points[:0]).shape == (0,)


@pytest.mark.parametrize("everywhere", [True, np.True_])
def test_a_domain_that_is_one_word_holds_for_a_whole_batch(everywhere):
    family = poisson(domain=lambda e: everywhere)
    assert family.in_domain(np.zeros((4, 1))).tolist() == [True] * 4
