"""`relume`: the table of verbs, loaded when used, and the one place where errors become exit codes."""

import gc
import sys

from cyclopts import App, CycloptsError

from relume import __version__
from relume.errors import RelumeError

app = App(
    name="relume",
    help="SDR photographs to high dynamic range, and HDR to pictures for ordinary screens.",
    version=__version__,
)

VERBS = {
    "expand": "Turn SDR pictures into HDR.",
    "tonemap": "Turn HDR pictures into ones for ordinary screens.",
    "compare": "Run several methods on one picture: a contact sheet and a table.",
    "convert": "Write a picture in another format, with the same light.",
    "info": "Say what files hold: size, encoding, luminance, dynamic range, clipping.",
    "methods": "List the methods, or one with its parameters.",
    "evaluate": "Measure how near predictions come to references, or run methods and measure them.",
    "pack": "Pack HDR scenes into one file, to train on.",
    "train": "Train a network by one of the recipes, or go on with a run.",
    "demo": "Show both directions on a real photograph.",
}

for verb, summary in VERBS.items():
    app.command(f"relume.cli.{verb}:{verb}", name=verb, help=summary)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    # Torch brings objects by the hundred thousand, which stay: looking for rings among them after each 700,
    # as Python does, takes a tenth of the start.
    gc.set_threshold(50_000)
    try:
        code = app(arguments, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        code = 2  # told already, in a panel
    except RelumeError as error:
        print(f"relume: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # Whoever read our output has had enough; that is not an error.
        sys.stderr.close()
        code = 0
    sys.exit(code or 0)
