"""Tests of the room `heartbeats`."""
