"""Reading Python source: never executed, never imported."""
