"""Softmax of every row, the cross-entropy of labels under it, and a draw from it.

Letters: N rows, V numbers in a row (the vocabulary). Of one row:

    forward        (1) m = max over v of x_v
                   (2) e_v = e^(x_v - m)                     at most 1: nothing overflows, and one of them is 1
                   (3) s = sum over v of e_v
                   (4) y_v = e_v / s
    backward           dx_v = y_v (dy_v - sum over w of dy_w y_w)            undoes (4) to (1)

    cross-entropy  (5) loss = -log y_label = log s - (x_label - m)           finite also where y_label is 0
    backward           dx_v = scale (y_v - [v = label])                      undoes (5) to (1); scale is dL/dloss,
                                                                             the same for all rows

    sample         (6) the first v with y_0 + ... + y_v > u, for u uniform in [0, 1)

Design: each step runs over a whole block of rows, which fits in the first-level cache. So (2), the expensive one, does
not stop at the ends of rows: short rows, of 38 characters, would not fill vectors. Threads share the blocks. Their size
depends on V alone, and rows are independent.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport INFINITY, isfinite, log

cimport vmath
from row cimport row_dot, row_max, row_sum
from tile cimport threads_for

cdef enum:
    ROWS = 64       # of a block, at most,
    NUMBERS = 2048  # and its numbers, where a row has fewer
    EXP = 24        # the cost of a number, in multiplications, from which the number of threads follows
    MOVE = 4


cdef inline Py_ssize_t rows_of_block(Py_ssize_t V) noexcept nogil:
    return min(<Py_ssize_t>ROWS, max(<Py_ssize_t>1, NUMBERS // V))


cdef inline void softmax(Py_ssize_t rows, Py_ssize_t V, const floating *x, floating *y, floating *m,
                         floating *s) noexcept nogil:
    """y of a block, and of its rows m and s."""
    cdef Py_ssize_t n, v
    cdef floating top, scale
    for n in range(rows):
        top = row_max(V, x + n * V)  # (1)
        m[n] = top
        for v in range(n * V, (n + 1) * V):
            y[v] = x[v] - top
    for v in range(rows * V):
        y[v] = vmath.exp(y[v])  # (2)
    for n in range(rows):
        s[n] = row_sum(V, y + n * V)  # (3)
        scale = <floating>1 / s[n]
        for v in range(n * V, (n + 1) * V):
            y[v] *= scale  # (4)


cdef inline void softmax_forward(Py_ssize_t rows, Py_ssize_t V, const floating *x, floating *y) noexcept nogil:
    cdef floating m[ROWS]
    cdef floating s[ROWS]
    softmax(rows, V, x, y, m, s)


cdef inline void softmax_backward(Py_ssize_t rows, Py_ssize_t V, const floating *y, const floating *dy,
                                  floating *dx) noexcept nogil:
    cdef Py_ssize_t n, v
    cdef floating common
    for n in range(rows):
        common = row_dot(V, dy + n * V, y + n * V)
        for v in range(n * V, (n + 1) * V):
            dx[v] = y[v] * (dy[v] - common)


cdef inline void loss_forward(Py_ssize_t rows, Py_ssize_t V, const floating *x, const Py_ssize_t *labels,
                              floating *y, double *losses) noexcept nogil:
    cdef floating m[ROWS]
    cdef floating s[ROWS]
    cdef Py_ssize_t n
    softmax(rows, V, x, y, m, s)
    for n in range(rows):
        losses[n] = log(<double>s[n]) - (<double>x[n * V + labels[n]] - <double>m[n])  # (5)


cdef inline void loss_backward(Py_ssize_t rows, Py_ssize_t V, const floating *y, const Py_ssize_t *labels,
                               floating scale, floating *dx) noexcept nogil:
    cdef Py_ssize_t n, v
    for v in range(rows * V):
        dx[v] = y[v] * scale
    for n in range(rows):
        v = n * V + labels[n]
        dx[v] = (y[v] - <floating>1) * scale


def forward(const floating[:, ::1] x, floating[:, ::1] y):  # IN (N,V) OUT (N,V)
    cdef Py_ssize_t N = x.shape[0], V = x.shape[1], n, rows
    if N == 0 or V == 0:
        return
    rows = rows_of_block(V)
    for n in prange(0, N, rows, nogil=True, schedule="static", num_threads=threads_for(EXP * N * V)):
        softmax_forward(min(rows, N - n), V, &x[n, 0], &y[n, 0])


def backward(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] dx):  # IN (N,V) (N,V) OUT (N,V)
    cdef Py_ssize_t N = y.shape[0], V = y.shape[1], n, rows
    if N == 0 or V == 0:
        return
    rows = rows_of_block(V)
    for n in prange(0, N, rows, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * V)):
        softmax_backward(min(rows, N - n), V, &y[n, 0], &dy[n, 0], &dx[n, 0])


def cross_entropy_forward(const floating[:, ::1] x, const Py_ssize_t[::1] labels,  # IN (N,V) (N)
                          floating[:, ::1] y, double[::1] losses):                 # OUT (N,V) (N)
    """Softmax y of the logits x, and the loss of each row in float64; return their sum."""
    cdef Py_ssize_t N = x.shape[0], V = x.shape[1], n, rows
    if N == 0 or V == 0:
        return 0.0
    rows = rows_of_block(V)
    for n in prange(0, N, rows, nogil=True, schedule="static", num_threads=threads_for(EXP * N * V)):
        loss_forward(min(rows, N - n), V, &x[n, 0], &labels[n], &y[n, 0], &losses[n])
    return row_sum(N, &losses[0])


def cross_entropy_backward(const floating[:, ::1] y, const Py_ssize_t[::1] labels,  # IN (N,V) (N)
                           floating[:, ::1] dx, double scale):                      # OUT (N,V)
    cdef Py_ssize_t N = y.shape[0], V = y.shape[1], n, rows
    if N == 0 or V == 0:
        return
    rows = rows_of_block(V)
    for n in prange(0, N, rows, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * V)):
        loss_backward(min(rows, N - n), V, &y[n, 0], &labels[n], <floating>scale, &dx[n, 0])


def sample(const floating[::1] x, double temperature, double u):  # IN (V)
    """The index that u, uniform in [0, 1), draws from softmax(x / temperature); at temperature 0 the largest number's.

    -1 where there is nothing to draw from: a NaN or +infinity among the numbers, or nothing but -infinity.
    """
    cdef Py_ssize_t V = x.shape[0], v, chosen = -1
    cdef double m = -INFINITY, s = 0, e
    cdef bint is_number = True
    for v in range(V):
        is_number = is_number and x[v] == x[v]
        if x[v] > m:
            m = x[v]
            chosen = v
    if not is_number or not isfinite(m):
        return -1
    if temperature == 0:
        return chosen
    for v in range(V):
        s += vmath.exp((x[v] - m) / temperature)
    u *= s
    s = 0
    for v in range(V):  # (6)
        e = vmath.exp((x[v] - m) / temperature)
        if e > 0:
            s += e
            chosen = v
            if s > u:
                break
    return chosen  # at the latest the last index that has a probability: rounding cannot lead past the end
