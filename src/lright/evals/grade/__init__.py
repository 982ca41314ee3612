"""What an answer is worth: ``outcome``-graders look at what its code does, ``wording`` at what it says."""
