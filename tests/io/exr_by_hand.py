"""OpenEXR files byte by byte, without compression, for what the library cannot be asked to write."""

import struct

import numpy as np

Window = tuple[int, int, int, int]


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return b"%s\0%s\0%s%s" % (name.encode(), kind.encode(), struct.pack("<i", len(value)), value)


def exr_file(
    channels: dict[str, np.ndarray],
    *,
    data_window: Window,
    display_window: Window | None = None,
    step: dict[str, int] | None = None,
    attributes: bytes = b"",
) -> bytes:
    """Channels (height, width) in the data window, line by line; `step` of those at less than full size."""
    step = {name: (step or {}).get(name, 1) for name in sorted(channels)}
    kinds = {"uint32": 0, "float16": 1, "float32": 2}
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<i4xii", kinds[str(channels[name].dtype)], every, every)
        for name, every in step.items()
    )
    header = b"".join(
        (
            struct.pack("<ii", 20000630, 2),
            attribute("channels", "chlist", listed + b"\0"),
            attribute("compression", "compression", b"\0"),
            attribute("dataWindow", "box2i", struct.pack("<4i", *data_window)),
            attribute("displayWindow", "box2i", struct.pack("<4i", *(display_window or data_window))),
            attribute("lineOrder", "lineOrder", b"\0"),
            attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
            attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
            attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)),
            attributes,
            b"\0",
        )
    )
    chunks = []
    for row, y in enumerate(range(data_window[1], data_window[3] + 1)):
        line = b"".join(channels[n][row // every].tobytes() for n, every in step.items() if y % every == 0)
        chunks.append(struct.pack("<ii", y, len(line)) + line)
    offsets = np.cumsum([len(header) + 8 * len(chunks), *map(len, chunks[:-1])])
    return header + offsets.astype("<u8").tobytes() + b"".join(chunks)
