"""The rungs of Conv2D, from the lowest to the highest."""
