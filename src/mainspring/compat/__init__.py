"""Other libraries' interfaces on Mainspring's loop, a module for each library."""
