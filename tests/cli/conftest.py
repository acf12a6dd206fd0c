"""The NATS of the command's tests."""

from tests.services.plugin import shared_nats  # noqa: F401 - what a conftest has is for its folder
