"""The intermediate form to Python source and code objects."""
