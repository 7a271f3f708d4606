"""Every public function of the later modules, with each argument replaced by what it is not.

What is no number, no array, or not finite is refused with a ValueError that says what was expected;
so are the contents of records that were made by hand. Another shape may be legal (a longer batch),
and so may be another size, of 1e300 or 1e-300: then it gives an answer, which is finite, and never
another exception or a warning. No argument is changed.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from ngdlib import (
    basins,
    descent,
    digits,
    experiment,
    fisher,
    function_space,
    kfac,
    landscape,
    prose,
    simplex,
    trust_region,
    validate,
    variational,
)
from ngdlib.families import Categorical, Gaussian, GaussianMixture, divergences
from ngdlib.families.linear_gaussian import LinearGaussian, known_covariance

MODULES = (
    *(basins, descent, digits, experiment, fisher, function_space, kfac, landscape, prose),
    *(simplex, trust_region, variational),
)
#: Sweeps and committed results have tests of their own; the models of functions take no argument.
ELSEWHERE = {"sweep", "cartpole", "probabilities", "neuron", "scaled_neuron", "shifted_cosine"}
ELSEWHERE |= {"measured", "results", "settings", "quoted_at", "said_at"}
#: Minutes of flows; what they are given is checked by what they call.
ELSEWHERE |= {"validation_minima", "judged", "batches"}


def _cases() -> Iterator[tuple[str, Callable, dict]]:
    rng = np.random.default_rng(0)
    R = lambda *shape: rng.standard_normal(shape)  # noqa: E731
    half = R(3, 3)
    S, F = half @ half.T + np.eye(3), np.array([[2.0, 0.3], [0.3, 1.0]])
    labels, bits, x = np.array([0, 1, 2, 1, 0]), np.array([0, 1, 0, 1, 0.0]), R(5, 2)

    task, coin = fisher.regression("softmax", x, 3), fisher.regression("bernoulli", x)
    yield "regression", fisher.regression, {"model": "softmax", "x": x, "classes": 3}
    for name in ("loss", "gradient", "residuals", "example_gradients", "fisher"):
        f = getattr(fisher, name)
        yield name, f, {"task": task, "theta": R(6), "y": labels}
        yield name, f, {"task": coin, "theta": R(2), "y": bits}
    for kind in fisher.FISHER_TYPES:
        more = {"fisher_type": kind, "structure": "diag", "samples": 2}
        more |= {"rng": rng} if kind == "mc" else {}
        yield "fisher", fisher.fisher, {"task": task, "theta": R(6), "y": labels, **more}
    yield "outputs", fisher.outputs, {"task": task, "theta": R(6)}
    yield "draw", fisher.draw, {"task": task, "theta": R(6), "rng": rng, "samples": 2}
    yield "labels", fisher.labels, {"task": task, "y": labels}

    net = kfac.network([2, 3, 3])
    W = kfac.initial(rng, net)
    layers = kfac.backward(net, W, x)
    factor, on = kfac.factors(layers[0]), {"net": net, "weights": W, "x": x}
    yield "network", kfac.network, {"sizes": [2, 3], "activation": "tanh", "output": "softmax"}
    yield "initial", kfac.initial, {"rng": rng, "net": net, "gain": 1.0}
    yield "outputs", kfac.outputs, on
    for name in ("loss", "gradient"):
        yield name, getattr(kfac, name), on | {"y": labels}
    more = {"y": labels, "fisher_type": "empirical"}
    yield "label_gradients", kfac.label_gradients, {"net": net, "f": R(5, 3), **more}
    yield "backward", kfac.backward, on | more
    yield "rows", kfac.rows, {"layers": layers}
    for structure in ("full", "block", "diag", "kfac", "ekfac"):
        yield "fisher", kfac.fisher, {"layers": layers, "structure": structure}
    yield "factors", kfac.factors, {"layer": layers[0]}
    yield "cost", kfac.cost, {"inputs": 2, "units": 3, "examples": 1, "labels": 1}
    yield "eigen", kfac.eigen, {"factor": factor, "layer": layers[0]}
    for each in (factor, kfac.eigen(factor)):
        given = {"factor": each, "gradient": R(3, 3), "damping": 0.1}
        yield "precondition", kfac.precondition, given | {"how": "pi"}
    yield "balance", kfac.balance, {"factor": factor}
    yield "solve_by_examples", kfac.solve_by_examples, {"a": x, "r": R(5, 3), "damping": 0.1}
    V = [R(*shape) for shape in net.shapes]
    yield "solve_full", kfac.solve_full, {"layers": layers, "gradients": V, "damping": 0.1}
    yield "average", kfac.average, {"old": factor, "new": factor, "decay": 0.5}
    yield "start", kfac.start, {"weights": W}
    given = {"net": net, "state": kfac.start(W), "x": x, "y": labels, "eta": 0.1, "damping": 0.1}
    yield "step", kfac.step, given | {"method": "ekfac", "how": "exact", "decay": 0.1}

    fs, J, r, x4 = function_space, R(4, 2), R(4), np.linspace(-1, 1, 4)
    powers = fs.linear(lambda x: np.stack([x, x**2], axis=-1), 2)
    models = [fs.neuron(), fs.scaled_neuron(), fs.shifted_cosine(), fs.hidden_layer(2), powers]
    for model in models:
        for name in ("value", "jacobian", "hessian"):
            if f := getattr(model, name):
                yield model.name, f, {"theta": R(model.size), "x": x4}
    yield "linear", fs.linear, {"basis": lambda x: x, "size": 2}
    yield "hidden_layer", fs.hidden_layer, {"units": 2}
    yield "loss", fs.loss, {"f": r, "y": R(4)}
    for name in ("metric", "tangent_kernel"):
        yield name, getattr(fs, name), {"J": J}
    for name in ("natural_velocity", "euclidean_velocity", "tangent_share", "spectrum"):
        yield name, getattr(fs, name), {"J": J, "r": r}
    for how in ("dense", "woodbury"):
        given = {"J": J, "v": R(2), "damping": 0.1, "how": how}
        yield "damped_solve", fs.damped_solve, given
    damped = {"kind": "damped", "damping": 0.1}
    times = np.array([0, 0.1])
    yield "decay", fs.decay, {"eigenvalues": np.array([1, 0.5]), "times": times, **damped}
    given = {"model": models[0], "theta": np.array([0.5, 0.2]), "x": x4}
    yield "final_rates", fs.final_rates, given | {"y": np.tanh(0.5 * x4 + 0.2)}
    yield "flow", fs.flow, given | {"y": np.tanh(0.6 * x4), "times": times, **damped}
    yield "gaussian_curvature", fs.gaussian_curvature, given

    tr, P, z = trust_region, rng.dirichlet(np.ones(3), size=(3, 2)), R(3, 2)
    world = tr.problem(P, R(3, 2), np.ones(3) / 3, 0.9)
    pi, now = tr.policy(z), tr.evaluate(world, z)
    given = {"transitions": P, "rewards": R(3, 2), "start": np.ones(3) / 3, "discount": 0.9}
    yield "problem", tr.problem, given
    yield "bandit", tr.bandit, {"rewards": R(3)}
    yield "gridworld", tr.gridworld, {"rows": ["S.G"], "slip": 0.1, "discount": 0.9}
    yield "policy", tr.policy, {"logits": z}
    for name in ("evaluate", "policy_gradient", "natural_policy_gradient"):
        yield name, getattr(tr, name), {"task": world, "logits": z}
    at = {"task": world, "logits": z}
    yield "walk", tr.walk, at | {"rng": rng, "walks": 3, "steps": 4}
    yield "estimate", tr.estimate, at | {"walks": tr.walk(world, z, rng, walks=3, steps=4)}
    yield "fisher_product", tr.fisher_product, {"pi": pi, "visits": now.visits, "x": R(3, 2)}
    yield "state_kl", tr.state_kl, {"old": z, "new": R(3, 2)}
    yield "surrogate", tr.surrogate, at | {"old": now}
    given = {"ratio": np.array([1.0, 2]), "advantage": R(2), "clip": 0.2}
    yield "clipped_surrogate", tr.clipped_surrogate, given
    given = {"product": lambda v: 2 * v, "b": R(3), "iterations": 5, "tolerance": 1e-10}
    yield "conjugate_gradients", tr.conjugate_gradients, given
    given = {"delta": 0.01, "cg_damping": 0.1, "length_by": "fisher", "shrink": 0.8, "old": now}
    yield "trpo_step", tr.trpo_step, at | given | {"cg_iterations": 9, "backtracks": 9}
    given = {"pi": pi, "advantage": now.advantage, "visits": now.visits, "delta": 0.01}
    yield "best_in_region", tr.best_in_region, given

    data, model, θ = basins.Data(R(5), bits), basins.Bump(), R(2, 2)
    given = {"model": model, "theta": R(2), "n": 4, "rng": rng, "reach": 3.0}
    yield "simulate", basins.simulate, given
    for name in ("response", "jacobian"):
        yield name, getattr(basins, name), {"model": model, "theta": θ, "x": data.x}
    for name in ("loss", "gradient", "fisher"):
        yield name, getattr(basins, name), {"model": model, "theta": θ, "data": data}
    yield "fold", basins.fold, {"model": model, "theta": θ}
    for rule in (basins.SGD(0.1), basins.AdamW(0.1), basins.Natural(0.1)):
        on = {"model": model, "data": data, "optimiser": rule}
        yield "start", basins.start, {"optimiser": rule, "theta": θ}
        yield "step", basins.step, on | {"state": basins.start(rule, θ)}
        yield "run", basins.run, on | {"theta": θ, "steps": 2}

    starts = np.array([[1.5, 1.0], [-2.0, 3.0]])
    sweep = basins.sweep(basins.Rhythm(), data, {"it": basins.SGD(0.1)}, starts, 3)["it"]
    on = {"model": basins.Rhythm(), "data": data}
    axes = {"first": np.linspace(-3, 3, 7), "second": np.linspace(0.2, 5, 8)}
    grid = landscape.survey(**on, **axes)
    yield "survey", landscape.survey, on | axes
    yield "best_point", landscape.best_point, {"grid": grid}
    yield "strict_minima", landscape.strict_minima, on | {"grid": grid}
    yield "watershed", landscape.watershed, {"grid": grid, "reach": 1}
    near = {"points": starts, "minima": np.array([[2.5, 2.0]])}
    yield "flow_ends", landscape.flow_ends, on | near | {"stride": 2.0}
    given = on | near | {"points": starts[:1], "cell": 0.1}
    yield "flow_labels", landscape.flow_labels, given
    yield "outcomes", landscape.outcomes, {"labels": np.array([0, -1]), "ends": sweep,
                                           "at_rest": 0.1}  # fmt: skip
    given = {"hits": np.array([0.0, 3]), "runs": np.array([7.0, 9]), "z": 1.96}
    yield "wilson", landscape.wilson, given
    given = {"step": R(2), "theta": R(2), "target": R(2)}
    yield "alignment", landscape.alignment, given

    for make in (experiment.rhythm, experiment.bump):
        given = {"truth": np.array([1.0, 2.0]), "n": 5, "seed": 1, "reach": 3.0}
        yield make.__name__, make, given
    for name, (_, values) in experiment.SECOND.items():
        given = {"name": name, "eta": 0.1, "second": values[0]}
        yield "optimiser", experiment.optimiser, given
    given = {"tried": [("SGD", 0.1, 0.9)], "losses": np.array([[0.3, 0.4]])}
    yield "tuned", experiment.tuned, given
    yield "regimes", experiment.regimes, {"starts": starts, "frequency": 2.0, "reach": 3.0}
    given = {"each": 2, "rng": rng, "frequency": 2.0, "reach": 3.0}
    yield "balanced_starts", experiment.balanced_starts, given
    yield "grid_starts", experiment.grid_starts, {"across": 2, "up": 3}
    first = lambda seed, steps: next(digits.batches(seed, steps), None)  # noqa: E731
    yield "batches", first, {"seed": 1, "steps": 1}
    setting = {"eta": 0.1, "momentum": 0.9}
    given = {"name": "sgd", "setting": setting, "seed": 1, "steps": 1, "until": 1}
    yield "train", digits.train, given
    yield "short", prose.short, {"value": np.array(0.3), "decimals": 2}
    quoted = prose.quoted_at(False)
    yield "quoted", quoted, {"text": "0.3", "value": 0.3}

    normal = Gaussian("mu, sigma")
    fit, state = descent.data_fit(normal, [0.3, 1.5]), descent.init([0, 1.0])
    yield "gradient_direction", descent.gradient_direction, {"g": R(2)}
    yield "natural_direction", descent.natural_direction, {"F": F, "g": R(2), "damping": 0.1}
    given = {"F": F, "g": R(2), "cutoff": 1e-10}
    yield "pseudo_natural_direction", descent.pseudo_natural_direction, given
    yield "fisher_length", descent.fisher_length, {"F": F, "v": R(2)}
    yield "newton_direction", descent.newton_direction, {"H": F, "g": R(2)}
    yield "gauss_newton", descent.gauss_newton, {"J": R(4, 3, 2), "H_out": np.stack([S] * 4)}
    given = {"state": descent.init(R(2)), "x": x, "y": bits, "link": descent.LOGIT}
    yield "irls_step", descent.irls_step, given
    yield "init", descent.init, {"theta": R(2)}
    yield "damped_init", descent.damped_init, {"theta": R(2), "damping": 0.1}
    yield "data_fit", descent.data_fit, {"model": normal, "mean": np.array([0.3, 1.5])}
    on = {"model": normal, "objective": fit}
    more = {"metric": "natural", "length": descent.Fixed(0.1), "damping": 0.1}
    yield "step", descent.step, on | {"state": state} | more
    yield "run", descent.run, on | {"theta": np.array([0, 1.0]), "steps": 2} | more
    yield "flow", descent.flow, on | {"theta": np.array([0, 1.0]), "times": times}
    more = {"hessian": "covariant", "length": descent.Fixed(0.1)}
    yield "newton_step", descent.newton_step, on | {"state": state} | more
    given = {"state": descent.damped_init([0, 1.0], 0.1), "objective": fit}
    rule = descent.ReductionRatio()
    yield "damped_step", descent.damped_step, given | {"fisher": normal.fisher, "rule": rule}

    q = variational.Belief(R(2), np.array([1.0, 2]))
    more = {"total": R(2), "count": np.array([3.0, 2]), "noise": np.array([1.0, 2])}
    yield "posterior", variational.posterior, {"prior": q, **more}
    yield "reverse_kl", variational.reverse_kl, {"model": normal, "target": np.array([0, 1.0])}
    yield "mean_field_gradients", variational.mean_field_gradients, {"q": q, "m": R(2),
                                                                    "precision": F}  # fmt: skip
    given = {"q": q, "g_mean": R(2), "g_variance": np.array([0.1, 0.2]), "eta": 0.1}
    yield "natural_step", variational.natural_step, given
    given = {"mean": R(2), "covariance": F, "g_mean": R(2), "g_covariance": F / 10, "eta": 0.1}
    yield "natural_step_full", variational.natural_step_full, given

    p, target, g = (np.array(a) for a in ([0.2, 0.3, 0.5], [0.3, 0.3, 0.4], [0.1, 0.2, -0.3]))
    yield "natural_direction", simplex.natural_direction, {"p": p, "g": g, "damping": 0.1}
    for name in ("velocity", "moved"):
        yield name, getattr(simplex, name), {"p": p, "v": g}
    for name in ("forward_flow", "reverse_flow"):
        yield name, getattr(simplex, name), {"p": p, "target": target, "t": 0.3}
    yield "great_circle", simplex.great_circle, {"p": p, "target": target, "s": 0.3}
    yield "fisher_distance", simplex.fisher_distance, {"p": p, "target": target}

    heaps, θ0, θ1 = GaussianMixture(weight=0.3, sigma=1.5), np.array([0, 1.0]), np.array([0.2, 1.3])
    yield "GaussianMixture", GaussianMixture, {"chart": "means", "sigma": 1.0, "weight": 0.5}
    for name in ("fisher", "eigenvalues", "determinant", "inverse_fisher", "separation"):
        yield name, getattr(heaps, name), {"theta": θ0}
    for name in ("kl_gradient", "natural_gradient"):
        yield name, getattr(heaps, name), {"theta": θ0, "target": θ1}
    yield "responsibility", heaps.responsibility, {"x": np.array([0.3]), "theta": θ0}
    yield "kl", heaps.kl, {"theta0": θ0, "theta1": θ1}
    yield "LinearGaussian", LinearGaussian, {"design": R(3, 2), "covariance": S}
    yield "known_covariance", known_covariance, {"covariance": S}
    line = LinearGaussian(R(3, 2), S)
    for name in ("log_density", "score"):
        yield name, getattr(line, name), {"x": R(3), "theta": R(2)}
    die = Categorical(3, "probabilities")
    for name in ("kl", "reverse_kl", "jeffreys", "jensen_shannon", "hellinger", "l2"):
        given = {"model": die, "theta0": p[:2], "theta1": target[:2]}
        yield name, getattr(divergences, name), given


CASES = [(f"{k} {name}", f, given) for k, (name, f, given) in enumerate(_cases())]
#: Arguments for which None is a word of its own, by function; and names, which nothing reads.
NONE = {("average", "old"), ("eigen", "layer"), ("fisher", "y"), ("trpo_step", "old")}
NONE |= {("train", "until")}
UNREAD = {"name", "truth", "reach"}
#: What takes a solver long, or all its patience: there is a test of that.
LONG = {("flow", "times"), ("flow", "y"), ("flow_ends", "points"), ("flow_ends", "data")}
LONG |= {("flow_ends", "stride"), ("flow_labels", "points"), ("flow_labels", "data")}
LONG |= {("flow_labels", "minima")}
#: Where a point that is not finite is an answer: a run that is lost, a cosine of no length; a table
#: has a sign for it.
LOST = {("flow_labels", "points"), ("short", "value"), ("quoted", "value"), ("tuned", "losses")}
LOST |= {("outcomes", "ends")}
NOT_FINITE = {"alignment", "step", "run", "newton_step", "damped_step", "train"}


class Odd:
    pass


def wrong(value: object) -> Iterator[tuple[str, object, bool]]:
    """What the value is not: a name, a replacement, whether it has to be refused."""
    yield "None", None, True
    yield "an object", Odd(), True
    if isinstance(value, np.ndarray) and value.ndim:
        a = value.astype(float)

        def put(first: object, kind: type = float) -> np.ndarray:
            changed = a.astype(kind)
            changed.flat[0] = first
            return changed

        yield "text", "abc", True
        yield "numbers as text", a.astype(str), True
        yield "a complex number", put(1 + 1j, complex), True
        yield "nan", put(np.nan), True
        yield "infinite", put(-np.inf), True
        yield "masked", np.ma.MaskedArray(a, mask=np.arange(a.size).reshape(a.shape) == 0), True
        yield "ragged", [[1.0], [1.0, 2.0]], True
        yield "dates", np.full(a.shape, np.datetime64("2020-01-01")), True
        yield "longer", np.concatenate([a, a[..., :1]], axis=-1), False
        yield "shorter", a[..., :-1], False
        yield "empty", a[:0], False
        yield "one number", 1.0, False
        yield "one more row", np.concatenate([a, a[:1]]), False
        yield "flat", a.ravel(), False
        largest = np.abs(a).max(initial=1e-300)
        for size in (1e300, 1e150, 1e-150, 1e-300, 5e-324):
            yield f"of size {size:g}", a / largest * size, False
        yield "all of size 1e308", np.where(a < 0, -1e308, 1e308), False
        yield "float32", a.astype(np.float32), False
        yield "not contiguous", np.repeat(a, 2, axis=-1)[..., ::2], False
    elif isinstance(value, bool | np.bool_):
        return
    elif isinstance(value, int | np.integer):
        yield from (("text", "2", True), ("below 0", -1, True), ("half", 1.5, True))
        yield "nan", np.nan, True
    elif isinstance(value, float):
        yield from (("text", "a", True), ("nan", np.nan, True), ("infinite", np.inf, True))
        yield from (("complex", 1j, True), ("two", np.array([0.1, 0.2]), False))
        for size in (1e308, 1e150, 1e-150, 1e-300, 5e-324, -1e300):
            yield f"{size:g}", size, False
    elif isinstance(value, str):
        yield from (("another word", "quark", True), ("two words", np.array(["a", "b"]), True))
        yield "a list", ["a"], True
    elif hasattr(value, "_fields"):
        yield "its contents", tuple(value), True
        for field in set(value._fields) - UNREAD:
            inside = getattr(value, field)
            if isinstance(inside, np.ndarray | int | float | str | list):
                for name, other, refused in wrong(inside):
                    yield f"{field}: {name}", value._replace(**{field: other}), refused
    elif isinstance(value, list) and not isinstance(value[0], str | int):
        yield from (("a number", 3, True), ("fewer", value[:-1], False), ("none", [], False))
        for name, other, refused in wrong(value[0]):
            yield f"its first: {name}", [other, *value[1:]], refused


def _finite(result: object) -> bool:
    """Whether all numbers in it are finite."""
    if isinstance(result, np.ndarray | float):
        return bool(np.isfinite(result).all())
    if isinstance(result, dict):
        result = list(result.values())
    return not isinstance(result, list | tuple) or all(map(_finite, result))


def faults(name: str, f: Callable, given: dict) -> list[str]:
    """What goes wrong with a function when its arguments are replaced one by one."""
    word, found = name.split(maxsplit=1)[-1], []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = copy.deepcopy({k: v for k, v in given.items() if isinstance(v, np.ndarray)})
        f(**given)
        found += [f"{k} was changed" for k, v in before.items() if not np.array_equal(v, given[k])]
        for key, value in given.items():
            for what, other, refused in wrong(value):
                if (word, key) in LONG and ("size" in what or "e-" in what):
                    continue
                try:
                    result = f(**{**given, key: other})
                except ValueError as error:
                    if "expected" not in str(error):
                        found.append(f"{key}, {what}: it says only {error}")
                except Exception as error:
                    found.append(f"{key}, {what}: {error!r}")
                else:
                    if not refused and word not in NOT_FINITE and not _finite(result):
                        found.append(f"{key}, {what}: a result that is not finite")
                    lost = word == "step" and what.startswith("theta:")  # a run may be lost
                    unused = what.startswith("classes:")  # of models with one output
                    legal = (word, key) in LOST and what.split(": ")[-1] in ("nan", "infinite")
                    if refused and not lost and not unused and not legal and not (
                        what == "None" and (word, key) in NONE
                    ):  # fmt: skip
                        found.append(f"{key}, {what}: accepted")
    return found


@pytest.mark.parametrize(("name", "f", "given"), CASES, ids=[name for name, _, _ in CASES])
def test_what_an_argument_is_not_is_refused_in_words(name, f, given):
    assert not faults(name, f, given)


def test_every_public_function_is_tried():
    tried = {f for _, f, _ in CASES}
    for module in MODULES:
        for name, f in inspect.getmembers(module, inspect.isfunction):
            if f.__module__ == module.__name__ and name[0] != "_" and name not in ELSEWHERE:
                assert f in tried, f"{module.__name__}.{name} has no case"


def test_a_careless_function_is_found_out():
    def careless(x):
        x[0] = 0
        return x / x.sum()

    found = faults("0 careless", careless, {"x": np.array([1.0, 2.0])})
    assert "x was changed" in found
    assert "x, nan: accepted" in found
    assert any(fault.startswith("x, None: TypeError") for fault in found)


@pytest.mark.parametrize("module", [descent, function_space])
def test_a_flow_gives_up(module, monkeypatch):
    """Times that no solver reaches: it says so, and does not go on for ever."""
    monkeypatch.setattr(validate, "PATIENCE", 300)
    normal, x, y = Gaussian("mu, sigma"), np.linspace(-1, 1, 4), np.full(4, 0.5)
    ways = {
        descent: lambda t: descent.flow(
            [0.0, 1.0], normal, descent.data_fit(normal, [0.3, 1.5]), t
        ),
        function_space: lambda t: function_space.flow(
            function_space.neuron(), [0.5, 0.2], x, y, t, "euclidean"
        ),
    }
    ways[module]([1e-3])
    with pytest.raises(ValueError, match="times: expected times that the flow reaches in 300"):
        ways[module]([1e150])
