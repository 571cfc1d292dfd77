"""What Keras and PyTorch call it: tables from their names to ours, for messages, and for what is the same thing.

names.py      classes and functions: `nnlite.Linear`, `nnlite.layers.MaxPooling2D`
arguments.py  arguments of constructors: `Conv2D(8, 3, stride=2)`
calls.py      arguments of functions and calls: `load_model(path, compile=False)`
methods.py    methods and attributes: `model.zero_grad()`
"""
