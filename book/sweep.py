"""Writes the results that the chapter on basins reads: its fine maps, its tuning, its second model.

    make sweep                                      # on this machine, ten minutes
    make sweep OPTIONS="--workers 8"                # so many processes
    make sweep OPTIONS="--scheduler tcp://host:8786"  # on a dask cluster

Finished blocks are kept in `_build/sweep`: an interrupted sweep goes on where it was. The results
do not depend on who computes them, to the last bit; the file says on which day they were written.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ngdlib import basins, experiment  # noqa: E402

#: Seeds of the starts: those on which settings are chosen, and those of the second model.
TUNING, SECOND = 21, 31
EACH = 50


def computed(
    executor: Executor | None, store: Path | None, side: int, each: int, steps: int, report
) -> dict[str, object]:
    """All results, by name: `ngdlib.experiment.results` says what each is."""

    def sweep(what, case, optimisers, starts):
        return basins.sweep(
            case.model,
            case.training,
            optimisers,
            starts,
            steps,
            executor=executor,
            store=store,
            progress=lambda done, total: report(what, done, total),
        )

    case = experiment.rhythm()
    minima, _ = experiment.validation_minima(case)
    starts = experiment.balanced_starts(each, np.random.default_rng(TUNING))
    regime = experiment.regimes(starts, case.truth[1], case.reach)
    tried = experiment.settings()
    found = sweep("tuning", case, {repr(key): value for key, value in tried.items()}, starts)
    losses = np.array([found[repr(key)].loss for key in tried])
    outcomes = judged(case, minima, [found[repr(key)] for key in tried])
    chosen = experiment.tuned(tried, losses)
    fine = sweep("maps", case, chosen, experiment.grid_starts(side, side))
    maps = judged(case, minima, [fine[name] for name in experiment.FIVE])

    other = experiment.bump()
    low, high = np.array(experiment.SECOND_WINDOW).T
    other_starts = np.random.default_rng(SECOND).uniform(low, high, (6 * each, 2))
    ends = sweep("second model", other, chosen, other_starts)
    other_minima, _ = experiment.validation_minima(other)
    return {
        "tuning_losses": losses,
        "tuning_outcomes": np.array(
            [[np.bincount(row[regime == r], minlength=4) for r in range(3)] for row in outcomes]
        ),
        "chosen": np.array([tuple(chosen[name])[:2] for name in experiment.FIVE]),
        "maps": maps.astype(np.uint8).reshape(-1, side, side),
        "second_starts": other_starts,
        "second_outcomes": judged(
            other, other_minima, [ends[name] for name in experiment.FIVE]
        ).astype(np.uint8),
    }


def judged(case: experiment.Case, minima: np.ndarray, many: list[basins.Ends]) -> np.ndarray:
    """The outcomes of several sweeps of equal size, (sweeps, starts): all their flows at once."""
    together = basins.Ends(*(np.concatenate(parts) for parts in zip(*many, strict=True)))
    return experiment.judged(case, minima, together).reshape(len(many), -1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make sweep", description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="processes on this machine (2)")
    parser.add_argument("--scheduler", help="address of a dask scheduler, instead of processes")
    parser.add_argument("--side", type=int, default=256, help="starts along a side of a map (256)")
    parser.add_argument("--starts", type=int, default=EACH, help="of each kind, for the tuning")
    parser.add_argument("--steps", type=int, default=experiment.STEPS, help="of each run")
    kept = "where finished blocks are kept: a sweep that was stopped goes on (_build/sweep)"
    parser.add_argument("--store", type=Path, default=ROOT / "_build" / "sweep", help=kept)
    written = f"the file that is written ({experiment.RESULTS.relative_to(ROOT)})"
    parser.add_argument("--out", type=Path, default=experiment.RESULTS, help=written)
    given = parser.parse_args()
    began = time.monotonic()

    def report(what: str, done: int, total: int) -> None:
        print(
            f"\r{what}: block {done} of {total}, {time.monotonic() - began:.0f} s ",
            end="\n" if done == total else "",
            flush=True,
        )

    with ExitStack() as stack:
        if given.scheduler:
            from distributed import Client

            executor = stack.enter_context(Client(given.scheduler)).get_executor()
        else:
            executor = stack.enter_context(ProcessPoolExecutor(given.workers))
        results = computed(executor, given.store, given.side, given.starts, given.steps, report)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(given.out, day=date.today().isoformat(), **results)
    print(f"wrote {given.out} in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
