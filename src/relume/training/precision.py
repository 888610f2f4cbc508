"""In which numbers a step is computed: float32, or half of it under autocast."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import torch

from relume.training.errors import TrainingError

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Precision:
    """The type that convolutions and matrix products are computed in; weights stay float32."""

    dtype: torch.dtype
    device: torch.device

    @property
    def layout(self) -> torch.memory_format:
        """How networks and pictures lie in memory.

        Half precision multiplies fast with the channels last only; float32 on a CPU gains nothing by it, and
        convolutions over many channels are slower.
        """
        plain = self.dtype == torch.float32 and self.device.type == "cpu"
        return torch.contiguous_format if plain else torch.channels_last

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """The context of a forward pass."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def scaler(self) -> torch.amp.GradScaler:
        """Scales losses so that gradients stay within float16; does nothing in other precisions."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)


def choose_precision(name: str, device: torch.device) -> Precision:
    """The precision of that name; "auto" is bfloat16 where the hardware multiplies it, else float32.

    Raises:
        TrainingError: a name that is none of auto, float32, bfloat16 and float16.
    """
    if name == "auto":
        return Precision(
            dtype=torch.bfloat16 if _multiplies_bfloat16(device) else torch.float32, device=device
        )
    if name not in _TYPES:
        raise TrainingError(f"precision is '{name}'; expected auto, {', '.join(_TYPES)}.")
    return Precision(dtype=_TYPES[name], device=device)


def _multiplies_bfloat16(device: torch.device) -> bool:
    """GPUs since Ampere and CPUs with AMX; elsewhere bfloat16 is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    information = Path("/proc/cpuinfo")
    return information.exists() and "amx_bf16" in information.read_text()
