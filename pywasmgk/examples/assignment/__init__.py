"""An assignment with three submissions, for trying the grader."""
