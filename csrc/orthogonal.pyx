"""Columns made orthonormal: Q of A = Q R, where R's diagonal is positive.

    (1) the left half of the columns by itself, in the same way, down to one column, which is divided by its length
    (2) S = left' right
    (3) right -= left S          what is left of it is orthogonal to the left half
    (4) the right half by itself
    (5) all of it a second time

Design: what (3) leaves can be short, of numbers that nearly cancel: then it is orthogonal only roughly. The second time
the columns are almost orthonormal, and nothing cancels. The sums have one order, on one thread, and setup.py forbids
multiply-adds here, which round once where a CPU without them rounds twice: so initial weights are the same bits on
every CPU.

Source: Björck, Solving linear least squares problems by Gram-Schmidt orthogonalization, 1967, for (2) and (3), here on
halves in the place of columns; Giraud, Langou, Rozložník and van den Eshof, Rounding error analysis of the
classical Gram-Schmidt orthogonalization process, 2005, for (5).
"""

from libc.math cimport sqrt

from product cimport ceil_div
from tile cimport Strides, block_product, block_rows, plain, transposed


def work_size(Py_ssize_t cols):
    """Numbers in `work`: S of the two halves."""
    return cols // 2 * (cols - cols // 2)


def orthonormalise(double[:, ::1] a, double[::1] work):  # IN, OUT (rows,cols), rows >= cols; scratch memory
    cdef Py_ssize_t rows = a.shape[0], cols = a.shape[1]
    if rows == 0 or cols == 0:
        return
    with nogil:
        halves(rows, cols, cols, &a[0, 0], &work[0] if cols > 1 else NULL)
        halves(rows, cols, cols, &a[0, 0], &work[0] if cols > 1 else NULL)  # (5)


cdef void halves(Py_ssize_t rows, Py_ssize_t cols, Py_ssize_t row, double *a, double *s) noexcept nogil:
    """(1) to (4) for some columns of a matrix whose rows begin `row` apart."""
    cdef Py_ssize_t L = cols // 2, R = cols - L, i
    if cols == 1:
        divide_by_length(rows, row, a)
        return
    halves(rows, L, row, a, s)  # (1)
    multiply(L, rows, R, a, transposed(row), a + L, row, s, R, False)  # (2)
    for i in range(L * R):
        s[i] = -s[i]
    multiply(rows, L, R, a, plain(row), s, R, a + L, row, True)  # (3)
    halves(rows, R, row, a + L, s)  # (4)


cdef void divide_by_length(Py_ssize_t rows, Py_ssize_t row, double *a) noexcept nogil:
    """One column."""
    cdef double squares = 0
    cdef Py_ssize_t i
    for i in range(rows):
        squares += a[i * row] * a[i * row]
    squares = sqrt(squares)
    for i in range(rows):
        a[i * row] /= squares


cdef void multiply(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const double *a, Strides a_at, const double *b,
                   Py_ssize_t b_row, double *c, Py_ssize_t c_row, bint accumulate) noexcept nogil:
    """C (+)= A B on one thread: `product` of product.pxd without its loop over tasks."""
    cdef Py_ssize_t height = block_rows(c), n, i
    for n in range(ceil_div(rows, height)):
        i = n * height
        block_product(min(rows - i, height), depth, cols, a + i * a_at.row, a_at, b, plain(b_row),
                      c + i * c_row if accumulate else NULL, c + i * c_row, c_row)
