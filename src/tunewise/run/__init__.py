"""The optimisation loop over anything that runs one trial; knows no study."""
