"""The engine of the derivations: numbers in letters and in digits, and how they are laid out and compared."""
