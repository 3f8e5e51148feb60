"""Machine: what a measured speed depends on and a reader of it must know."""

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cxlisten.bench.clock import cpu_seconds

_CPUINFO, _STAT = Path("/proc/cpuinfo"), Path("/proc/stat")
# Instructions that products of int8 or bf16 matrices are made of.
_FLAGS = [
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_int8",
    "amx_bf16",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
]
_LIBRARIES = ["onnxruntime", "tokenizers", "spacy", "numpy", "pyarrow", "torch", "transformers", "onnx"]


def describe() -> dict[str, Any]:
    """Describe this machine as it is now."""
    info = _cpu_info()
    has = set(info.get("flags", info.get("Features", "")).split())
    return {
        "cpu": info.get("model name", platform.processor() or platform.machine()),
        "cores": os.cpu_count(),
        "flags": [flag for flag in _FLAGS if flag in has],
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


class Neighbours:
    """What else runs while something is measured: it slows some ways of doing a thing far more than others."""

    def __init__(self) -> None:
        self._begun = self._now()

    def cores(self) -> float | None:
        """Say how many cores others have taken on average; known on Linux only."""
        (wall, all_of_us, here), (wall_now, all_now, here_now) = self._begun, self._now()
        return max(0.0, all_now - all_of_us - (here_now - here)) / (wall_now - wall) if all_now else None

    @staticmethod
    def _now() -> tuple[float, float, float]:
        ticks = _STAT.read_text(encoding="utf-8").split()[1:9] if _STAT.exists() else []
        # In the order of proc(5); the fourth and the fifth are idle, the eighth was stolen by another machine.
        busy = sum(int(count) for place, count in enumerate(ticks) if place not in {3, 4})
        return time.monotonic(), busy / os.sysconf("SC_CLK_TCK"), cpu_seconds()


def _cpu_info() -> dict[str, str]:
    """What Linux says of the first core; elsewhere nothing."""
    if not _CPUINFO.exists():
        return {}
    first = _CPUINFO.read_text(encoding="utf-8").split("\n\n")[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
