"""The interpreter's own locks, which patching itself uses, whenever it is imported."""

import _thread

__all__ = ["LockType", "NativeRLock", "RLockType", "native_local"]

NativeRLock = _thread.RLock
native_local = _thread._local

RLockType: type = type(NativeRLock())
LockType: type = type(_thread.allocate_lock())
