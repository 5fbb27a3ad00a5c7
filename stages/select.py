"""select: choose a checkpoint from the recorded evaluation points, and copy it to adapters/best."""

from plateau.core import files
from plateau.core.figures import read, to_json
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.decision import best, selection
from plateau.evaluation import chosen as recorded
from plateau.metrics.evaluations import Point
from plateau.training import scratch

PARAMS = (
    "selection",
    "overfit.val_rise",
    "evaluate.batch_size",
    "evaluate.max_tokens",
    "evaluate.scores",
    "convert.template_date",
)


def main(system: System, params: Params) -> None:
    """Write adapters/best/ and metrics/selection.json."""
    scratch.sweep()  # train has ended, and dvc.lock names its outputs: its saved state is needed no more
    points = read(list[Point], system.metrics("evaluations"))
    policy = selection.Policy(**params["selection"])
    row_losses = recorded.row_losses(system) if policy.policy == "one_standard_error" else None
    scores = None
    if policy.policy == "quality":
        from plateau.decision import quality  # imports mlx, which no other policy needs

        tried = selection.top_k(points, policy.top_k)
        scores = quality.valid_scores(system, tried, params["evaluate"])
    chosen = selection.choose(points, policy, params["overfit"]["val_rise"], row_losses, scores)
    best.write(system, chosen, points, params["convert"]["template_date"])
    files.write_json(system.metrics("selection"), to_json(chosen))
    say(chosen.reason)


if __name__ == "__main__":
    run(main, PARAMS)
