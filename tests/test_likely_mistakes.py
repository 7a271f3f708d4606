"""The likeliest wrong answers, written down from the prompts: each is answered by its mistake."""

import re
from pathlib import Path

import pytest

from ngdlib.exercises import check_item, draw
from ngdlib.exercises.sets.files import load

SETS = Path(__file__).resolve().parents[1] / "exercises"
LIKELY = {
    ("trust-regions", "q1"): [
        "1/(1+exp(-sqrt(8*d)))",
        "1/2 + sqrt(d/2)",
        "(1+sqrt(1-exp(-d)))/2",
        "1/2 + sqrt(2*d)",
        "1/2 + d",
        "sqrt(1-exp(-2*d))",
    ],
    ("trust-regions", "q2"): [
        "0.01",
        "log(1-q+q*exp(sqrt(0.01/(q*(1-q))))) - q*sqrt(0.01/(q*(1-q)))",
        "log(1-q+q*exp(sqrt(0.02*q*(1-q)))) - q*sqrt(0.02*q*(1-q))",
        "q*log(q/(q+sqrt(0.02*q*(1-q)))) + (1-q)*log((1-q)/(1-q-sqrt(0.02*q*(1-q))))",
        "0.01*(1+(1-2*q)/3*sqrt(0.02/(q*(1-q))))",
    ],
    ("trust-regions", "q3"): [
        "A/(1-g)",
        "d*A/((1-p)*(1-g))",
        "d*p*A/(1-g)",
        "A/(1-p)",
        "A",
        "2A/(1-g)",
        "p*A/(1-g)",
    ],
    ("trust-regions", "q4"): ["1", "s^2", "s", "1/d", "s/(1-d+d*s)", "d*s^2/(1-d+d*s^2)"],
    ("trust-regions", "q5"): [
        "(1+c)*q",
        "q + c",
        "q/(1-c)",
        "(1-c)*(1-q)",
        "(1+c)*(1-q)",
        "1 - (1-q)/(1+c)",
    ],
    ("trust-regions", "q6"): [
        "0.01",
        "0.005*(1/(1+l)^2 + 0.001/(0.001+l)^2)/(1/(1+l) + 1/(0.001+l))",
        "0.01*(1+0.001)/(1+l+0.001+l)",
        "0.01*(1/(1+l) + 1/(0.001+l))/(1/(1+l)^2 + 0.001/(0.001+l)^2)",
        "0.01*(1+1000)/((1+l) + (0.001+l)*1000000)",
    ],
    ("basins", "q1"): ["c/8", "-c/9", "-c/4", "-c/10", "-c/2", "c"],
    ("basins", "q4"): [
        "1/(t*(t^2 - 1))",
        "2/(3*t^2 - 1)",
        "1/(3*t^2 - 1)",
        "2/(t^2 - 1)",
        "1/t^2",
    ],
    ("basins", "q6"): ["1.35", "0.3", "-0.3/sqrt(0.09 + s^2)", "s/sqrt(0.09 + s^2)"],
    ("newton", "q1"): [
        "m",
        "r*exp(m/r - 1)",
        "r^2/m",
        "r + m/r - 1",
        "r - r^2/m",
        "r - (1-m/r)*m/r^2",
        "r^2/m - r",
        "2*r - m",
    ],
    ("newton", "q2"): [
        "2 - 2m/r",
        "0",
        "(m-r)/r^2",
        "2 + 2m/r",
        "4(m-r)/r",
        "m/r - 1",
        "4",
    ],
    ("newton", "q5"): [
        "t",
        "4t - 2",
        "1/(1+exp(-(t-0.5)))",
        "1/(1+exp(4(t-0.5)))",
        "0.5 + 4*(t-0.5)",
    ],
    ("newton", "q6"): [
        "F/H",
        "2H/F",
        "2/H",
        "2",
        "1",
        "1/H",
        "H/F",
    ],
    ("kfac", "q2"): ["(m*n)^(3/2)", "(m+n)^3", "(m*n)^3", "m^2+n^2", "(m+1)^3+n^3"],
    ("kfac", "q3"): [
        "[[1/4, 1/(4h)], [1, 1/h]]",
        "[[4, 1], [4h, h]]",
        "[[1/2, 1], [1/(2sqrt(h)), 1/sqrt(h)]]",
        "[[1/4, 1], [1/4, 1]]",
        "[[1, 1], [1/h, 1/h]]",
    ],
    ("kfac", "q4"): [
        "1/((4+lam)*(1+lam))",
        "1/((4+sqrt(lam))*(1+sqrt(lam)))",
        "1/4",
        "1/4+lam",
        "4/(4+lam)",
    ],
    ("kfac", "q5"): ["(1+r/L)^L", "1+r", "1+L*r", "L*(1+r)", "(1+r)^L-1"],
    ("kfac", "q6"): [
        "(v-w)*(x^2-z^2)/2",
        "(v+w)*(x^2+z^2)/4",
        "(v-w)*(x-z)^2/4",
        "(v-w)*(x-z)/4",
        "(v*x^2+w*z^2)/2",
    ],
    ("fisher-metric", "q1"): [
        "(a^2 + 2b^2)/s^2",
        "sqrt(a^2 + 2b^2)",
        "sqrt(a^2 + b^2)/s",
        "sqrt(a^2 + 2b^2)/s^2",
        "sqrt(a^2 + b^2)",
        "sqrt((a^2 + 2b^2)/s)",
        "sqrt(2*(a^2 + b^2))/s",
        "(a + b)/s",
        "s*sqrt(a^2 + 2*b^2)",
    ],
    ("fisher-metric", "q3"): [
        "[[1/σ^2, 0], [0, 2/σ^2]]",
        "[[1/σ^2, 0], [0, 2/σ^4]]",
        "[[1/σ^2, 0], [0, 2σ^2]]",
        "[[1/σ^2, 0], [0, 2/σ]]",
        "[[1/σ^2, 0], [0, 2σ]]",
        "[[1/σ^2, 0], [0, 1/2]]",
        "[[σ^2, 0], [0, 1/2]]",
    ],
    ("fisher-metric", "q5"): ["1/2", "1/4", "1/16", "1", "1/32"],
    ("fisher-metric", "q6"): [
        "h^2",
        "h^2 + 5/3*h^3",
        "h^2 - h^3/3",
        "2h^2 - 10/3*h^3",
        "h^2 + h^3/3",
        "h^2 + 7/3*h^3",
        "h^2 - 5h^3",
    ],
    ("gaussian", "q1"): [
        "2tau",
        "1/sqrt(tau)",
        "-1/sqrt(tau)",
        "8tau^4",
        "2tau^2",
        "1/tau^2",
        "2/tau^2",
    ],
    ("gaussian", "q3"): [
        "3",
        "1 + 4s",
        "1 + 2s^2",
        "9",
        "8s^2",
        "1 + 8*s",
        "1 - 8*s^2",
        "1 + 8/s^2",
    ],
    ("gaussian", "q4"): [
        "eta*m",
        "eta*Lambda*m/P",
        "m",
        "eta*Lambda*m/(P + eta*Lambda)",
        "eta*Lambda*m",
        "Lambda*m/(P + Lambda)",
        "(1-eta)*Lambda*m/(eta*P + (1-eta)*Lambda)",
    ],
    ("gaussian", "q5"): ["1 - eta", "1 - eta/s^2", "1 - eta*s", "eta*s^2", "1 + eta*s^2"],
    ("gaussian", "q6"): [
        "2/s",
        "1/(s+5*d)",
        "2/(2*s+5*d)",
        "2/(s+4*d)",
        "2/3",
        "2*(s+5*d)",
        "s+5*d",
        "s",
    ],
    ("categorical", "q1"): [
        "[[a, 0], [0, b]]",
        "[[a(1-a), 0], [0, b(1-b)]]",
        "[[a(1-a), a*b], [a*b, b(1-b)]]",
        "[[1/a, 0], [0, 1/b]]",
        "[[a^2, a*b], [a*b, b^2]]",
        "[[a, -a*b], [-a*b, b]]",
    ],
    ("categorical", "q2"): [
        "[(0.5-y1)/0.5, (0.3-y2)/0.3]",
        "[0.5-y1, 0.3-y2]",
        "[(0.5-y1)/0.25, (0.3-y2)/0.21]",
        "[0.25*(0.5-y1) - 0.15*(0.3-y2), 0.21*(0.3-y2) - 0.15*(0.5-y1)]",
        "[(y1-0.5)/0.5, (y2-0.3)/0.3]",
        "[y1-0.5, y2-0.3]",
        "[(0.5-y1) - (y1+y2-0.8), (0.3-y2) - (y1+y2-0.8)]",
    ],
    ("categorical", "q4"): ["0", "D", "s*(1-s)*D", "D/s", "(1-s)*D"],
    ("categorical", "q5"): [
        "(0.15+b)/2",
        "sqrt(0.15*b)",
        "0.15",
        "b",
        "0.15*b/(0.04 + 0.15*b + 0.05*(0.95-b))",
    ],
    ("categorical", "q6"): [
        "sqrt(0.04) + sqrt(0.15*b) + sqrt(0.05*(0.95-b))",
        "arccos(sqrt(0.04) + sqrt(0.15*b) + sqrt(0.05*(0.95-b)))",
        "sqrt(0.75^2 + (0.15-b)^2 + (0.9-b)^2)",
        "sqrt(2-2*(sqrt(0.04) + sqrt(0.15*b) + sqrt(0.05*(0.95-b))))",
        "2*sqrt(2-2*(sqrt(0.04) + sqrt(0.15*b) + sqrt(0.05*(0.95-b))))",
        "2*arccos(sqrt(0.04) + sqrt(0.15*b) + sqrt(0.05*(0.95-b)))*180/pi",
        "2 - 2*(sqrt(0.04) + sqrt(0.15*b) + sqrt(0.05*(0.95-b)))",
        "1 - (sqrt(0.04) + sqrt(0.15*b) + sqrt(0.05*(0.95-b)))",
    ],
    ("natural-gradient", "q5"): [
        "[σ^2 g1, σ^2 g2/2]",
        "[g1, 2μ g1 + 2σ g2]",
        "[σ^2 g1, 2μ g1 + 2σ g2]",
        "[σ^2 g1, 2μ σ^2 g1 + σ^2 g2/2]",
        "[σ^2 g1, 2μ σ^2 g1 + 4σ^3 g2]",
        "[σ^2 g1, 2μ σ^2 g1 + 2σ^3 g2]",
        "[σ^2 g1, σ^3 g2]",
    ],
    ("natural-gradient", "q6"): ["gap/k", "gap", "0", "gap/k^3", "gap*(0.3/k)^2"],
    ("natural-gradient", "q8"): [
        "1 - q",
        "(1-q)/(q(1-q) + λ)",
        "(1-q)/(1 + λq(1-q))",
        "1/(q(1-q) + λ)",
        "1 - q + λ",
        "1/(q + λ)",
        "(1-q)^2/((1-q) + λ)",
    ],
    ("empirical-fisher", "q1"): [
        "(a*(1-a) + 0.24 + 0.16)/3",
        "(1-a + 0.2)^2/9",
        "(1-a)^2 + 0.2",
        "(1-a + 0.6)/3",
        "sqrt(((1-a)^2 + 0.2)/3)",
        "((1-a)^2 + 0.16 + 0.64)/3",
        "((1-a)^2 + 0.16)/2",
    ],
    ("empirical-fisher", "q3"): [
        "1",
        "r(1-r)/(q(1-q))",
        "(q-r)^2/(q(1-q))",
        "r(1-r) + (q-r)^2",
        "(r q^2 + (1-r)(1-q)^2)/(q(1-q))",
        "q(1-q)/(r(1-r) + (q-r)^2)",
        "r/q",
        "1 + (q-r)^2/(q*(1-q))",
        "r*(1-r)",
    ],
    ("empirical-fisher", "q5"): [
        "1/(2s)",
        "1/(2(s + λ))",
        "1/sqrt(s^2 + λ)",
        "1/(s^2 + λ)",
        "sqrt(s^2 + λ)",
        "1/(2*sqrt(lambda))",
    ],
    ("empirical-fisher", "q6"): [
        "L - 3",
        "(L-3)*eta",
        "1",
        "L/eta",
        "sqrt(L-3)/eta",
        "log(L/3)/eta",
    ],
    ("empirical-fisher", "q7"): [
        "1",
        "q/(1-q)^2 + (1-q)/q^2",
        "q^2/(1-q)",
        "(q/(1-q) + (1-q)/q) q (1-q)",
        "q(1-q)",
        "1/(q*(1-q))",
    ],
    ("bernoulli", "q4"): [
        "q0 + eta",
    ],
    ("bernoulli", "q7"): [
        "eta^2*(1-2*q)*(m-q)^2",
    ],
    ("bernoulli", "q8"): [
        "sinh(z0)",
    ],
    ("coordinates", "q3"): [
        "a*eta",
    ],
    ("damping", "q2"): [
        "-0.1",
        "-0.1/(4 + lam)",
    ],
    ("damping", "q3"): [
        "k*lambda/(a + lambda)",
        "(1/(a + lambda))^k",
    ],
    ("damping", "q5"): [
        "log(cosh(1.5)/cosh(1.5 - 0.2262870634/0.0451766597))/(0.1024116702/0.0451766597)",
    ],
    ("damping", "q7"): [
        "N^2/(2*lambda^2)",
    ],
    ("function-space", "q1"): [
        "1/(m*sqrt(2))",
        "3/(2*m^2)",
        "sqrt(2/3)*m",
        "sqrt(3)/m",
        "1/m",
        "sqrt(3/2)*m",
    ],
    ("function-space", "q2"): [
        "(1 + k^2)/2",
        "4*(1 + k^2)*a^2",
        "(k - 1)*a",
        "(1 + k^2)*a^2/2",
        "2*(1 + k^2)*a",
        "4a^2",
    ],
    ("function-space", "q3"): [
        "2/3*exp(-4*t)",
        "2/3*exp(-2*t)",
        "4/9*exp(-4*t)",
        "2/9 + 4/9*exp(-2*t)",
        "2/9 + 2/3*exp(-4*t)",
        "2/9",
    ],
    ("function-space", "q5"): [
        "(3 + 4k)^2/(25*(1 + k^2))",
        "4*(3 + 4k)^2/25",
        "4*(3 + 4k)^2/(1 + k^2)",
        "abs(3 + 4k)/(5*sqrt(1 + k^2))",
        "2*(3 + 4k)^2/(25*(1 + k^2))",
    ],
    ("function-space", "q6"): [
        "4ρ",
        "2",
        "ρ",
        "ρ/2",
        "2/ρ",
        "-2ρ",
    ],
    ("function-space", "q7"): [
        "1/6",
        "6/D",
        "6",
        "6D",
        "D/36",
        "40/6",
    ],
}


def replies(chapter, name, answers):
    item = next(i for i in load(SETS / f"{chapter}.yml").data["items"] if i["id"] == name)
    for seed in ("1", "2"):
        values = draw(item, seed)
        for answer in answers:
            for parameter, value in values.items():
                answer = re.sub(rf"(?<![a-z]){parameter}(?![a-z])", f"({value})", answer)
            yield answer, check_item(item, answer, values)


@pytest.mark.parametrize(("chapter", "name"), LIKELY)
def test_a_likely_mistake_is_answered_by_name(chapter, name):
    for answer, result in replies(chapter, name, LIKELY[chapter, name]):
        assert result.kind.startswith("known:") and result.score < 1, (answer, result)


def test_what_nobody_expected_has_no_name():
    """Negative control: not every wrong answer is answered by the name of a mistake."""
    for _, result in replies("fisher-metric", "q6", ["h^2 - 7/4*h^3 + 3"]):
        assert not result.kind.startswith("known:") and result.kind != "equal"
