"""Narrates a whole product catalogue: a voice-over script for every clip of every product video, on Ray.

Importing this package loads neither torch nor ray.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("narrator-ray")
except PackageNotFoundError:
    __version__ = "0+unknown"

__all__ = ["__version__"]
