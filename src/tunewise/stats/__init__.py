"""Numerical functions: arrays in, arrays out; nothing here knows what a trial is."""
