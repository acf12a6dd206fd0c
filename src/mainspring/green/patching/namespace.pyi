import types

__all__ = ["second_module"]

def second_module(module: types.ModuleType) -> types.ModuleType: ...
