"""The derivations of layers and losses."""
