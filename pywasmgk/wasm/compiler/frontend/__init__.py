"""Stack code to the intermediate form."""
