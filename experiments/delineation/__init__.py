"""Fits the weights of the network that marks waves (`ecg.wave_marks`)."""
