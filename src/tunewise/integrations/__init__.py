"""Adapters to other people's tools. Each is imported by its own name; none is needed by the rest of tunewise."""
