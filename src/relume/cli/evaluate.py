"""`relume evaluate`: how near predictions come to references, with intervals and verdicts."""

import sys
from pathlib import Path

from relume.cli.progress import progress_bar


def evaluate(prediction: Path, reference: Path) -> int:
    """Measure predictions against references."""
    from relume.evaluation.cases import match_files
    from relume.evaluation.run import Settings, run

    cases, _ = match_files(prediction, reference)
    with progress_bar(len(cases)) as bar:
        outcome = run(cases, Settings(), progress=lambda done, name: bar(done, 0.0, name))
    for record in outcome.records:
        print(f"{record.picture}  {record.value:.3f}  {record.described}")
    for failure in outcome.failures:
        print(f"relume: {failure.message}", file=sys.stderr)
    return 1 if outcome.failures else 0
