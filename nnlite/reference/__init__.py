"""The kernels in plain NumPy: the same modules, functions and arguments as the compiled ones, to be read.

Like them they write their results into arrays that the caller hands in. They import NumPy and each other only;
`work_size` is 0, since NumPy finds its own scratch memory. To the compiled ones numbers below the smallest normal one
(1.2e-38 in float32) are 0; NumPy computes with them, slowly.
"""
