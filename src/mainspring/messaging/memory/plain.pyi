from collections.abc import Mapping
from typing import Any

__all__ = ["copy_mapping", "copy_plain"]

def copy_plain(value: Any) -> Any: ...
def copy_mapping(values: Mapping[str, Any]) -> dict[str, Any]: ...
