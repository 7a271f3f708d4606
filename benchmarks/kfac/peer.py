"""One K-FAC step by torch, written by hand, and by curvlinops, and their times; run in its own
environment by `benchmarks.kfac`:  python peer.py given.npz answers.npz"""

import sys

import numpy as np
import torch

from benchmarks.peers import best

REPEATS = 5


def by_hand(x, y, W1, W2, damping):
    """Factors, Cholesky solves; gradients written out."""
    x, W1, W2 = (torch.as_tensor(t) for t in (x, W1, W2))
    y, n, root = torch.as_tensor(y), len(x), damping**0.5

    def step():
        one = torch.ones(n, 1, dtype=x.dtype)
        a1 = torch.cat([x, one], 1)
        h = torch.tanh(a1 @ W1.T)
        a2 = torch.cat([h, one], 1)
        p = torch.softmax(a2 @ W2.T, 1)
        residual = p.clone()
        residual[torch.arange(n), y] -= 1
        slope = 1 - h**2
        g2 = p.sqrt()[:, :, None] * (p[:, None, :] - torch.eye(p.shape[1], dtype=x.dtype))
        g1 = (g2 @ W2[:, :-1]) * slope[:, None, :]
        moved = []
        for a, g, r in (
            (a1, g1, (residual @ W2[:, :-1]) * slope),
            (a2, g2, residual),
        ):
            flat = g.reshape(-1, g.shape[-1])
            A, G, V = a.T @ a / n, flat.T @ flat / n, r.T @ a / n
            A.diagonal().add_(root)
            G.diagonal().add_(root)
            left = torch.cholesky_solve(V, torch.linalg.cholesky(G))
            moved.append(-torch.cholesky_solve(left.T, torch.linalg.cholesky(A)).T)
        return moved

    return lambda: np.concatenate([m.numpy().ravel() for m in step()])


def by_curvlinops(x, y, W1, W2, damping):
    """Its K-FAC operator (type-2: the exact Fisher), and its inverse, root damping each factor."""
    from curvlinops import KFACInverseLinearOperator, KFACLinearOperator
    from curvlinops.kfac import FisherType

    torch.set_default_dtype(torch.float64)
    model = torch.nn.Sequential(
        torch.nn.Linear(W1.shape[1] - 1, len(W1)),
        torch.nn.Tanh(),
        torch.nn.Linear(W2.shape[1] - 1, len(W2)),
    )
    with torch.no_grad():
        for layer, W in ((model[0], W1), (model[2], W2)):
            layer.weight.copy_(torch.as_tensor(W[:, :-1]))
            layer.bias.copy_(torch.as_tensor(W[:, -1]))
    inputs, labels = torch.as_tensor(x), torch.as_tensor(y)
    loss = torch.nn.CrossEntropyLoss(reduction="mean")
    parameters = list(model.parameters())

    def step():
        operator = KFACLinearOperator(
            model, loss, parameters, [(inputs, labels)], fisher_type=FisherType.TYPE2,
            separate_weight_and_bias=False, check_deterministic=False,
        )  # fmt: skip
        inverse = KFACInverseLinearOperator(operator, damping=(damping**0.5, damping**0.5))
        value = loss(model(inputs), labels)
        gradient = torch.autograd.grad(value, parameters)
        moved = inverse @ [g.detach() for g in gradient]
        return [
            -torch.cat([w, b[:, None]], 1) for w, b in zip(moved[::2], moved[1::2], strict=True)
        ]

    return lambda: np.concatenate([m.detach().numpy().ravel() for m in step()])


def main(given, answers):
    data, out = np.load(given), {}
    arguments = [data["x"], data["y"], data["W1"], data["W2"], float(data["damping"])]
    for name, make in (("torch", by_hand), ("curvlinops", by_curvlinops)):
        try:
            out[name], out[f"{name}_seconds"] = best(make(*arguments), REPEATS)
        except Exception as error:  # one peer that fails does not take the other along
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    np.savez(answers, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
