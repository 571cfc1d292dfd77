"""Loops, without NumPy; ids are a list."""

import math


def sample(logits, temperature, u):
    largest = max(logits)
    weights = [math.exp((float(z) - float(largest)) / temperature) for z in logits]
    total = sum(weights)
    ids = []
    for number in u:
        left, k = number * total, 0
        while k < len(weights) - 1 and left >= weights[k]:
            left -= weights[k]
            k += 1
        ids.append(k)
    return ids
