"""What the two ends of a run on several machines say to each other, over the standard input and output of ssh."""
