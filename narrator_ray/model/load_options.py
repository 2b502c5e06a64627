"""How a model is put into memory: precision, attention, devices, quantisation; whether its encoder is compiled.

Loads no torch until a precision is chosen for a device.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

Precision = Literal["auto", "float32", "mixed", "bfloat16", "float16"]
Attention = Literal["sdpa", "eager"]
DeviceMap = Literal["auto", "balanced", "sequential"]
Quantisation = Literal["8bit", "4bit"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LoadOptions:
    """The ``load`` section of a preset.

    Attributes:
        dtype: Precision of the weights. ``mixed``, for CPUs, is float32 with bfloat16 products. ``auto`` is the best
            half precision of a GPU, ``mixed`` on a CPU with bfloat16 instructions and float32 on another; its results
            count as the same whichever it was.
        attention: Implementation of attention; flash attention is not among them, it knows no masks per lane.
        device_map: How layers are spread over the GPUs of a replica; None puts all of them on one device.
        quantisation: Weights in 8 or 4 bits, by the package bitsandbytes; None keeps them as they are.
        compile_encoder: Compile the vision encoder with torch.compile when a replica starts. Pays for long runs: about
            1.2 to 1.4 times the frames per second on a CPU after half a minute of compiling. Needs a C++ compiler.
    """

    dtype: Precision = "float32"
    attention: Attention = "sdpa"
    device_map: DeviceMap | None = None
    quantisation: Quantisation | None = None
    compile_encoder: bool = False

    def keywords(self, device: str) -> dict[str, Any]:
        """What concerns the language model, as keyword arguments of ``VideoNarrator.load`` for ``cpu`` or ``cuda``."""
        import torch

        precision = self.dtype if self.dtype != "auto" else _best_precision(device)
        return {
            "dtype": torch.float32 if precision == "mixed" else getattr(torch, precision),
            "has_half_products": precision == "mixed",
            "attention": self.attention,
            "device_map": self.device_map,
            "quantisation": self.quantisation,
        }


def _best_precision(device: str) -> str:
    import torch

    from narrator_ray.model.mixed_precision import is_worthwhile

    if device == "cpu":
        return "mixed" if is_worthwhile() else "float32"
    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
