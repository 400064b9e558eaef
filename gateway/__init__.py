"""Antrean: a virtual waiting room."""
