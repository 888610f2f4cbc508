"""`relume tonemap`: HDR pictures into ones for ordinary screens."""

from relume.cli.apply import apply_method
from relume.cli.options import Inputs, MachineOptions, MethodOptions, OutputOptions


def tonemap(
    *inputs: Inputs,
    output: OutputOptions = OutputOptions(),  # noqa: B008
    method: MethodOptions = MethodOptions(),  # noqa: B008
    machine: MachineOptions = MachineOptions(),  # noqa: B008
) -> int:
    """Turn HDR pictures into ones for ordinary screens.

    The result is sRGB-encoded, by default an 8-bit PNG.

    Args:
        inputs: files, patterns or folders.
    """
    return apply_method(
        inputs, direction="tonemap", suffix=".png", choice=method, output=output, machine=machine
    )
