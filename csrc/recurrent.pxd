"""What the recurrent kernels share: how their rows are cut into blocks, and which steps of a row are real.

A block of batch rows as high as the register tile goes through all T steps on its own. Threads take whole blocks, so
they never wait for each other between steps, and since a row's sums do not depend on its block, nor does the result on
the number of threads.
"""

from cython cimport floating

from libc.string cimport memset

from product cimport ceil_div, pack_all, round_up, rows_by_panels
from tile cimport HALF_VECTOR_BYTES, PANEL_DEPTH, TILE_ROWS, add_row_product, threads_for, write_rows

cdef enum:
    NEAR = 262144  # numbers of a matrix that the second-level cache holds, about


cdef inline int block_threads(Py_ssize_t N, double work) noexcept nogil:
    """How many threads N rows deserve that have this many multiplications to do: each takes a row, at least."""
    return <int>max(<Py_ssize_t>1, min(N, <Py_ssize_t>threads_for(work)))


cdef inline Py_ssize_t block_count(Py_ssize_t N, int threads) noexcept nogil:
    """Blocks of at most TILE_ROWS rows, the same number for every thread where there are rows enough."""
    cdef Py_ssize_t blocks = ceil_div(N, TILE_ROWS)
    return min(N, round_up(blocks, threads))


cdef inline Py_ssize_t steps_held(Py_ssize_t N, Py_ssize_t T) noexcept nogil:
    """How many steps of gradients to hold for N rows: as many rows as a panel of the weight gradients is deep."""
    return max(<Py_ssize_t>1, min(T, PANEL_DEPTH // max(<Py_ssize_t>1, N)))


cdef inline bint all_zero(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        if x[j] != 0:
            return False
    return True


# The recurrent weights are multiplied at every step. Blocks of rows have them in panels. A batch of one needs each
# number once a step, and while they come from a near cache, rows are faster: 100 units take a quarter less. The rows
# begin at multiples of half a vector, as of two that lie across cache lines one would be read twice.

cdef inline bint in_rows(Py_ssize_t N, Py_ssize_t depth, Py_ssize_t cols) noexcept nogil:
    return N == 1 and depth * cols <= NEAR


cdef inline Py_ssize_t row_step(Py_ssize_t cols, floating *_) noexcept nogil:
    """How far apart the rows begin; the last argument only gives the dtype."""
    return round_up(cols, HALF_VECTOR_BYTES // <int>sizeof(floating))


cdef inline const floating *laid_out(Py_ssize_t N, Py_ssize_t depth, Py_ssize_t cols, const floating *W,
                                     Py_ssize_t W_depth, Py_ssize_t W_col, floating *work) noexcept nogil:
    """A depth x cols matrix, W(k, j) = W[k * W_depth + j * W_col], for `times`."""
    if not in_rows(N, depth, cols):
        pack_all(depth, cols, W, W_depth, W_col, work)
    elif W_col == 1 and W_depth == row_step(cols, work):
        return W
    else:
        write_rows(depth, cols, W, W_depth, W_col, work, row_step(cols, work))
    return work


cdef inline void times(Py_ssize_t N, int rows, Py_ssize_t depth, Py_ssize_t cols, const floating *a, Py_ssize_t a_row,
                       const floating *W, floating *c, Py_ssize_t c_row, bint accumulate,
                       const floating *next, Py_ssize_t next_size) noexcept nogil:
    """C (+)= A W for a block of the N rows, with W `laid_out` for them. The memory `next` is fetched meanwhile."""
    if not in_rows(N, depth, cols):
        rows_by_panels(rows, depth, cols, a, a_row, W, c, c_row, accumulate, next, next_size)
        return
    if not accumulate:
        memset(c, 0, cols * sizeof(floating))
    add_row_product(depth, cols, a, W, row_step(cols, c), c)


# Rows of unequal length: row n has lengths[n] steps, and the rest of its T is padding. Without lengths (NULL) none is.

cdef inline const Py_ssize_t *steps_of(const Py_ssize_t[::1] lengths) noexcept nogil:
    """Of the first length; NULL for None."""
    return &lengths[0] if lengths is not None and lengths.shape[0] else NULL


cdef inline bint is_padding(const Py_ssize_t *lengths, Py_ssize_t n, Py_ssize_t t) noexcept nogil:
    return lengths != NULL and t >= lengths[n]


cdef inline Py_ssize_t shortest(Py_ssize_t first, int rows, Py_ssize_t T, const Py_ssize_t *lengths) noexcept nogil:
    """From this step on, some of the rows are padding."""
    cdef Py_ssize_t n, least = T
    if lengths != NULL:
        for n in range(first, first + rows):
            least = min(least, lengths[n])
    return least


cdef inline Py_ssize_t longest(Py_ssize_t first, int rows, Py_ssize_t T, const Py_ssize_t *lengths) noexcept nogil:
    """From this step on, all of them are: there is nothing to multiply."""
    cdef Py_ssize_t n, most = T if lengths == NULL else 0
    if lengths != NULL:
        for n in range(first, first + rows):
            most = max(most, lengths[n])
    return most
