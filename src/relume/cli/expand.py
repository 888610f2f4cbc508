"""`relume expand`: SDR pictures into HDR."""

from relume.cli.apply import apply_method
from relume.cli.options import Inputs, MachineOptions, MethodOptions, OutputOptions


def expand(
    *inputs: Inputs,
    output: OutputOptions = OutputOptions(),  # noqa: B008
    method: MethodOptions = MethodOptions(),  # noqa: B008
    machine: MachineOptions = MachineOptions(),  # noqa: B008
) -> int:
    """Turn SDR pictures into HDR.

    The result is linear light with 1.0 at diffuse white (203 cd/m² unless told otherwise) and highlights
    above it, by default an OpenEXR file.

    Args:
        inputs: files, patterns or folders.
    """
    return apply_method(
        inputs, direction="expand", suffix=".exr", choice=method, output=output, machine=machine
    )
