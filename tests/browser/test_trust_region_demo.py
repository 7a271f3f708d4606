"""The demo of the trust region in a real browser: numbers, drag, keys, typing."""

import gzip
import re

import numpy as np
import pytest

import ngdlib.demos
from ngdlib import simplex
from ngdlib import trust_region as tr
from ngdlib.demos import trust_region as demo
from ngdlib.demos.trust_region import CHARTS, TrustRegion
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]
SCENE = TrustRegion()
PLACES = [
    ((0.1, 0.3, 0.6), (1.0, 0.0, 0.0)),
    ((0.1, 0.3, 0.6), (1.0, 0.5, 0.0)),
    ((0.5, 0.25, 0.25), (0.2, 1.0, 0.7)),
    ((0.02, 0.08, 0.9), (0.0, 0.3, 0.4)),
]
RADII = (1e-5, 0.01, 0.1, 0.5)


def test_numbers_are_those_of_ngdlib(opened):
    page = opened(SCENE)
    for p, r in PLACES:
        q, pay = np.array(p), np.array(r)
        a = pay - q @ pay
        task, logits = tr.bandit(pay), np.log(q)[None]
        for δ in RADII:
            wanted, _ = tr.best_in_region(q[None], a[None], [1.0], δ)
            found = call(page, "best", p, r, δ)
            assert close(found, wanted[0])
            assert close(call(page, "kl", p, found), δ)
            s = np.sqrt(2 * δ / (q @ a**2))
            assert close(call(page, "step", p, r, δ, "logits"), simplex.moved(q, s * a))
            turned = call(page, "step", p, r, δ, "angle")
            if turned is not None:
                assert close(simplex.fisher_distance(q, np.array(turned)), np.sqrt(2 * δ))
                u = (np.array(turned) - q) @ (1 / q * simplex.velocity(q, a))
                assert u > 0
            straight = call(page, "step", p, r, δ, "probabilities")
            wanted = q * (1 + s * a)
            assert straight is None if wanted.min() <= 0 else close(straight, wanted)
            new, info = tr.trpo_step(task, logits, δ, cg_damping=1e-14, shrink=0.7)
            found, shortened = call(page, "search", p, r, δ, "logits", 0.7)
            assert close(found, tr.policy(new)[0], 1e-8) and shortened == info.backtracks
            assert not close(np.array(found) * 1.01, tr.policy(new)[0], 1e-8)


def test_what_python_draws_is_what_the_page_draws(opened):
    page = opened(SCENE)
    for p, r in PLACES:
        q, pay = np.array(p), np.array(r)
        for δ in RADII:
            edge = np.array(call(page, "ball", p, δ))
            assert close(edge, demo.ball(q, δ))
            if δ <= 0.1:
                assert close([demo.kl(q, x) for x in edge if x.min() > 1e-6], δ, 1e-7)
            oval = np.array(call(page, "ellipse", p, δ)) - q
            assert close((oval**2 / q).sum(axis=1) / 2, δ)
            assert close(call(page, "magnification", p, δ), demo.magnification(q, δ))
            for chart in CHARTS:
                for share in (0.3, 1.0):
                    wanted = demo.step(q, pay, δ, chart, share)
                    found = call(page, "step", p, r, δ, chart, share)
                    assert found is None if wanted is None else close(found, wanted)
        for clip in (0.05, 0.2, 0.5):
            assert close(call(page, "flatSet", p, r, clip), demo.flat_set(q, pay, clip))
            assert close(call(page, "nearest", p, r, clip), demo.nearest(q, pay, clip))
            near = demo.nearest(q, pay, clip)
            assert close(call(page, "credited", p, r, near.tolist(), clip),
                         demo.credited(q, pay, near, clip))  # fmt: skip
        assert close(call(page, "under", demo.flat(q).tolist()), q)


def test_the_flat_set_is_where_the_clipped_objective_is_largest():
    rng = np.random.default_rng(0)
    for p, r in PLACES:
        q, pay = np.array(p), np.array(r)
        for clip in (0.1, 0.3):
            corners = demo.flat_set(q, pay, clip)
            top = [demo.credited(q, pay, x, clip) for x in corners]
            mixed = rng.dirichlet(np.ones(len(corners)), 20) @ corners
            assert close([demo.credited(q, pay, x, clip) for x in mixed], top[0])
            others = [demo.credited(q, pay, x, clip) for x in rng.dirichlet(np.ones(3), 2000)]
            assert max(others) <= top[0] + 1e-12
            ratio = mixed / q
            wanted = q @ tr.clipped_surrogate(ratio, pay - q @ pay, clip).T
            assert close(wanted, top[0])
            near = demo.nearest(q, pay, clip)
            inside = mixed[(mixed > 0).all(axis=1)]
            assert all(demo.kl(q, near) <= demo.kl(q, x) * (1 + 1e-9) for x in inside)
            assert close(demo.credited(q, pay, near, clip), top[0])


def test_where_good_arms_are_many_the_best_is_one_point():
    p, r = np.array([0.5, 0.45, 0.05]), np.array([1.0, 0.95, 0.0])
    corners = demo.flat_set(p, r, 0.2)
    assert close(corners, [[0.6, 0.4, 0.0]])
    assert demo.kl(p, demo.nearest(p, r, 0.2)) == np.inf
    rng = np.random.default_rng(1)
    others = [demo.credited(p, r, x, 0.2) for x in rng.dirichlet([5, 4, 0.3], 3000)]
    assert max(others) <= demo.credited(p, r, corners[0], 0.2)


def test_equal_rewards_move_nothing(opened):
    page, p, r = opened(SCENE), (0.1, 0.3, 0.6), (0.3, 0.3, 0.3)
    for chart in CHARTS:
        assert close(call(page, "step", p, r, 0.1, chart), p)
    assert close(call(page, "best", p, r, 0.1), p) and close(call(page, "nearest", p, r, 0.2), p)
    assert close(demo.best(np.array(p), np.array(r), 0.1), p)


def numbers(page):
    rows = page.locator(".trust-numbers tbody tr:visible")
    return [rows.nth(k).locator("td").all_inner_texts() for k in range(rows.count())]


def shown(page, words):
    page.locator(".ngd-choice label", has_text=words).first.click()
    drawn(page)


def typed(page, label, value):
    page.locator(f"input[aria-label^='{label}']").fill(value)
    page.keyboard.press("Tab")
    drawn(page)


def assert_square_at(page, policy):
    """The square marks this policy: by its place between the corners of the triangle."""
    paths = page.locator(".ngd-stage path").evaluate_all("all => all.map(p => p.getAttribute('d'))")
    points = [
        np.array([float(n) for n in re.findall(r"-?[\d.]+", d)]).reshape(-1, 2)
        for d in paths
        if d and d.endswith("Z") and "A" not in d
    ]
    edge = next(p for p in points if len(p) == 3)
    wanted = np.array(policy) @ edge
    assert any(np.allclose(p.mean(axis=0), wanted, atol=0.6) for p in points if len(p) == 4)


def test_what_the_text_tells_to_do(opened):
    """Every number that the chapter quotes of the demo is on it, and no answer before the guess."""
    page = opened(SCENE)
    assert [row[0] for row in numbers(page)] == ["0.100 0.300 0.600"]
    shown(page, "step")
    _, best, step = numbers(page)
    assert best[0].startswith("0.282") and best[3] == "1.000"
    assert step[0].startswith("0.330") and step[2:] == ["0.147", "1.466"]
    shown(page, "probabilities")
    assert numbers(page)[2][0].startswith("0.234") and numbers(page)[2][2] == "0.0602"
    shown(page, "logits")
    shown(page, "search")
    assert numbers(page)[3][0].startswith("0.268") and numbers(page)[3][2] == "0.0874"
    typed(page, "radius", "0.0001")
    assert numbers(page)[2][3] == "1.013"
    typed(page, "radius", "0.1")
    shown(page, "clip")
    assert numbers(page)[4][0].startswith("0.280") and numbers(page)[4][2] == "0.0979"
    assert_square_at(page, demo.nearest(np.array([0.1, 0.3, 0.6]), np.array([1.0, 0, 0]), 0.2))
    typed(page, "rewards", "1 0.5 0")
    assert numbers(page)[1][0] == "0.257 0.327 0.415"
    page.locator("button", has_text="Reset").click()
    page.wait_for_function("location.hash === ''")
    assert (state(page, "reward2"), state(page, "show")) == (0, "region")


def test_drag_keys_and_typing(opened):
    page = opened(SCENE)
    box = page.locator(".ngd-handle .ngd-mark").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y - 80, steps=4)
    page.mouse.up()
    assert state(page, "first") > 0.25
    drawn(page)
    box = page.locator(".ngd-handle .ngd-mark").bounding_box()
    assert abs(box["x"] + box["width"] / 2 - x + 40) < 1.5  # it stays under the pointer
    first = state(page, "first")
    page.locator("[role=slider][aria-label='The policy now']").focus()
    page.keyboard.press("ArrowUp")
    assert state(page, "first") == pytest.approx(first + 0.01, abs=1e-4)
    typed(page, "policy", "2 1 1")
    assert state(page, "first") == pytest.approx(0.5, abs=1e-4)
    typed(page, "policy", "nonsense")
    assert state(page, "first") == pytest.approx(0.5, abs=1e-4)
    for words in ("0.2 0.3 0.5", "0,2 0,3 0,5", "0.2, 0.3, 0.5", "0.2,0.3,0.5", "1/5 3/10 1/2"):
        typed(page, "policy", "2 1 1")
        typed(page, "policy", words)
        assert (state(page, "first"), state(page, "second")) == pytest.approx((0.2, 0.3)), words
    for words in ("0.1 0.9", "1/ 1 1", "1 1 1 1", "1 -1 1"):
        typed(page, "policy", words)
        assert state(page, "first") == pytest.approx(0.2), words
    shown(page, "near")
    assert not page.locator(".ngd-handle").is_visible()


def test_it_fits_a_phone(opened):
    page = opened(SCENE, "#trust-region?show=clip")
    page.set_viewport_size({"width": 400, "height": 800})
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    top = page.locator(".ngd-stage").bounding_box()["y"]
    slider = page.locator("input[type=range]").first.bounding_box()
    assert slider["y"] + slider["height"] - top < 800  # the radius and what it moves


def test_it_is_small_and_has_stills():
    host = ngdlib.demos.base.FOLDER / "host.js"
    text = SCENE.figure() + host.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000
    assert "star" not in SCENE.still() and "natural step" not in SCENE.still()  # no answer
    for show in ("step", "search", "clip"):
        for view in ("triangle", "near"):
            for chart in CHARTS:
                still = TrustRegion(show=show, view=view, chart=chart, delta=0.5).still()
                assert "natural step" in still and "nan" not in still


@pytest.mark.parametrize(
    ("name", "value"),
    [("first", 0.0), ("reward3", 1.1), ("delta", 0), ("clip", 0.6), ("chart", "mean")],
)
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        TrustRegion(**{name: value})
