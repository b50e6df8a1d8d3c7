"""Storage: one log protocol, one backend a file, opened by URL."""

from tunewise.storage.log import Log
from tunewise.storage.memory import MemoryLog
from tunewise.storage.url import open_log

__all__ = ["Log", "MemoryLog", "open_log"]
