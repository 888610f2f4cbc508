"""`relume expand`: SDR pictures into HDR."""

from relume.cli.apply import apply_method
from relume.cli.options import ExpansionOptions, Flag, Inputs, MachineOptions, MethodOptions, OutputOptions


def expand(
    *inputs: Inputs,
    ignore_gain_map: Flag = False,
    output: OutputOptions = OutputOptions(),  # noqa: B008
    method: MethodOptions = MethodOptions(),  # noqa: B008
    expansion: ExpansionOptions = ExpansionOptions(),  # noqa: B008
    machine: MachineOptions = MachineOptions(),  # noqa: B008
) -> int:
    """Turn SDR pictures into HDR.

    The result is linear light with 1.0 at diffuse white (203 cd/m² unless told otherwise) and highlights
    above it, by default an OpenEXR file. As a JPEG it is Ultra HDR: ordinary screens show the photograph that
    came in, those with headroom the expansion. Which pixels were invented is told by the layers clipped.Y and
    confidence.Y of EXR files.

    Args:
        inputs: files, patterns or folders.
        ignore_gain_map: take the SDR picture of photographs that have a gain map, and so are HDR already.
    """
    return apply_method(
        inputs,
        direction="expand",
        suffix=".exr",
        choice=method,
        expansion=expansion,
        output=output,
        machine=machine,
        gain_map=not ignore_gain_map,
    )
