"""A stand-in for the little of torchvision that the article's script uses; only for tests."""
