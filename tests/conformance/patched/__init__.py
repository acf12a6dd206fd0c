"""CPython's own tests of the modules that are patched, run in a green thread under patching."""
