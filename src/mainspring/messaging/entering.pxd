# The layout of no class, and no function for C: there is one only to have the module compiled.
