"""What a study costs in trainings, images and time, and what it can tell for that."""
