"""A derivation for each layer and loss."""
