"""Machine: what a measured speed depends on and a reader of it must know."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_CPUINFO = Path("/proc/cpuinfo")
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
    """Describe this machine as it is now: a load beyond 0 slows all that is measured."""
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
