"""GLib and GTK on this loop: a GMainContext is a source of it, with its priorities.

    from mainspring.compat import glib
    glib.attach()

GLib's callbacks and coroutines then run in one thread, and neither has to know of the other.
PyGObject isn't needed, but what most programs use.
"""

from mainspring.compat.glib.attachment import Attachment, attach

__all__ = ["Attachment", "attach"]
