"""Whether an answer is right, and what to say to it, in Python and JavaScript."""
