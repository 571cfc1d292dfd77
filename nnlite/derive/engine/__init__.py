"""The engine of derivations: expressions, layout, and comparison with the layer."""
