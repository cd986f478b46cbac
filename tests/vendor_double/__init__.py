"""A second implementation of the key-management API, for tests; see README.md beside this file."""
from .double import Double
from .faults import Fault, Plan
from .material import prepare as prepare_import_tokens
from .model import Waits

__all__ = ["Double", "Fault", "Plan", "Waits", "prepare_import_tokens"]
