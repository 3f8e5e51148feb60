"""cxlisten: social-media listening by customer-experience rings."""

from importlib.metadata import version

__version__ = version("cxlisten")
