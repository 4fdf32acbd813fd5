"""Settings in, uncompiled keras.Model out."""
