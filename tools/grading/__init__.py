"""Student versions, grading and the leak check of the graded assignments."""
