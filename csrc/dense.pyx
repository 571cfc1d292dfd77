"""Dense: y = x W + b.

Letters: N rows, F features in, U units.

    forward     (1) y  = x W + b
    backward        dx = dy W'               undoes (1) for x
                    dW = x' dy               undoes (1) for W
                    db = sum over rows of dy undoes (1) for b

Design: each product is one of product.pxd, whose sums start from b in forward. A transposed factor is only another pair
of strides. Of one row, y is its product with the rows of W as they are, and dW is written row by row.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport product
from rows cimport sum_rows
from tile cimport add_row_product, plain, threads_for, transposed


cdef void outer_product(Py_ssize_t rows, Py_ssize_t cols, const floating *a, const floating *b,
                        floating *c) noexcept nogil:
    """C = a' b, each row from beginning to end: a product's tiles go down the columns, and wait for the caches."""
    cdef floating zero = 0  # where a product's sums begin: it makes 0 of -0
    cdef Py_ssize_t i, j
    for i in prange(rows, schedule="static", num_threads=threads_for(<double>rows * cols)):
        for j in range(cols):
            c[i * cols + j] = zero + a[i] * b[j]


def forward(const floating[:, ::1] x, const floating[:, ::1] W, const floating[::1] b,  # IN (N,F) (F,U) (U) or None
            floating[:, ::1] y):                                                        # OUT (N,U)
    cdef Py_ssize_t N = x.shape[0], F = W.shape[0], U = W.shape[1]
    cdef const floating *start = NULL
    if N == 0 or F == 0 or U == 0:
        return
    with nogil:
        if b is not None:
            start = &b[0]
        if N > 1:  # (1)
            product(N, F, U, &x[0, 0], plain(F), &W[0, 0], plain(U), start, &y[0, 0], U)
        else:
            memset(&y[0, 0], 0, U * sizeof(floating))
            if start != NULL:
                memcpy(&y[0, 0], start, U * sizeof(floating))
            add_row_product(F, U, &x[0, 0], &W[0, 0], U, &y[0, 0])


def backward(const floating[:, ::1] x, const floating[:, ::1] W, const floating[:, ::1] dy,  # IN (N,F) (F,U) (N,U)
             floating[:, ::1] dx, floating[:, ::1] dW, floating[::1] db):            # OUT (N,F) (F,U) (U), each or None
    cdef Py_ssize_t N = x.shape[0], F = W.shape[0], U = W.shape[1]
    if F == 0 or U == 0:
        return
    if N == 0:
        if dW is not None:
            dW[:] = 0
        if db is not None:
            db[:] = 0
        return
    with nogil:
        if dx is not None:
            product(N, U, F, &dy[0, 0], plain(U), &W[0, 0], transposed(U), NULL, &dx[0, 0], F)
        if dW is not None and N == 1:
            outer_product(F, U, &x[0, 0], &dy[0, 0], &dW[0, 0])
        elif dW is not None:
            product(F, N, U, &x[0, 0], transposed(F), &dy[0, 0], plain(U), NULL, &dW[0, 0], U)
        if db is not None:
            memset(&db[0], 0, U * sizeof(floating))
            sum_rows(N, U, &dy[0, 0], U, NULL, &db[0], NULL, 0, N)
