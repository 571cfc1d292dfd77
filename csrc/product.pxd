"""C = A B on all threads, from register tiles: what Dense, and the weight gradients of every layer, are made of.

                    cols
            +------+------+---       1. cut the depth into blocks of PANEL_DEPTH, and for each block, in turn,
    depth   | panel| panel| ...      2. pack the rows of B into panels, one beside the other;
            +------+------+---       3. pack A the same way where its numbers do not lie in the order of k
      +---+ +------+------+---       4. for each panel, and for each tile of rows: C += A B in registers.
 rows | A | | tile | tile | ...
      +---+ +------+------+---

Threads share the panels of step 2 and the tiles of step 4. Every number of C is a sum over k in one fixed order,
so neither the tiles nor the threads change a bit of it.
"""

from cython cimport floating
from cython.parallel cimport prange

from tile cimport PANEL_DEPTH, TILE_ROWS, pack_panel, pack_rows, panel_width, prefetch, threads_for, tile


cdef enum:
    PACK_ROWS = 8  # of B, that go through all panels before the next ones do
    FEW_PANELS = 4  # of B, up to which A is read as it lies

cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t packed_size(Py_ssize_t depth, Py_ssize_t cols, floating *dtype) noexcept nogil:
    """Numbers in the panels of a depth x cols matrix."""
    return depth * ceil_div(cols, panel_width(dtype)) * panel_width(dtype)


cdef inline Py_ssize_t product_work(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols,
                                    floating *dtype) noexcept nogil:
    """Numbers of scratch memory that `product` needs."""
    cdef Py_ssize_t block = min(depth, <Py_ssize_t>PANEL_DEPTH)
    return packed_size(block, cols, dtype) + block * ceil_div(rows, TILE_ROWS) * TILE_ROWS


cdef inline void pack_all(Py_ssize_t depth, Py_ssize_t cols, const floating *b, Py_ssize_t b_depth,
                          Py_ssize_t b_col, floating *panels) noexcept nogil:
    """Pack a whole depth x cols matrix, B(k, j) = b[k * b_depth + j * b_col].

    A few rows at a time go through all panels, so that B is read about in the order of memory.
    """
    cdef Py_ssize_t chunks = ceil_div(depth, PACK_ROWS), chunk, k
    cdef int width = panel_width(panels)
    cdef Py_ssize_t p
    for chunk in prange(chunks, schedule="static", num_threads=threads_for(4.0 * depth * cols)):
        k = chunk * PACK_ROWS
        for p in range(ceil_div(cols, width)):
            pack_panel(min(<Py_ssize_t>PACK_ROWS, depth - k), cols - p * width, b + k * b_depth + p * width * b_col,
                       b_depth, b_col, panels + (p * depth + k) * width)


cdef inline void rows_by_panels(int rows, Py_ssize_t depth, Py_ssize_t cols, const floating *a, Py_ssize_t a_row,
                                const floating *panels, floating *c, Py_ssize_t c_row, bint accumulate,
                                const floating *next, Py_ssize_t next_size) noexcept nogil:
    """C (+)= A B for at most TILE_ROWS rows of A, whose numbers lie in the order of k, and all panels of B.

    The memory `next` that the caller will touch afterwards is fetched meanwhile, a part with each panel: at once, the
    fetches would wait for each other.
    """
    cdef int width = panel_width(c)
    cdef Py_ssize_t p, panel_count = ceil_div(cols, width), share = ceil_div(next_size, panel_count)
    for p in range(panel_count):
        prefetch(next + p * share, share * sizeof(floating))
        tile(rows, depth, a, a_row, 1, panels + p * width * depth, c + p * width, c_row,
             <int>min(<Py_ssize_t>width, cols - p * width), accumulate)


cdef inline void add_row_product(Py_ssize_t depth, Py_ssize_t cols, const floating *a, const floating *b,
                                 floating *c) noexcept nogil:
    """c += a B for one row. Each number of B is needed once, so B is read as it lies, four of its rows at a time.

    The additions have the same order as in a tile.
    """
    cdef const floating *b_k
    cdef Py_ssize_t k = 0, j
    while k + 4 <= depth:
        b_k = b + k * cols
        for j in range(cols):
            c[j] = (((c[j] + a[k] * b_k[j]) + a[k + 1] * b_k[cols + j]) + a[k + 2] * b_k[2 * cols + j]) \
                + a[k + 3] * b_k[3 * cols + j]
        k += 4
    while k < depth:
        b_k = b + k * cols
        for j in range(cols):
            c[j] += a[k] * b_k[j]
        k += 1


cdef inline void product(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols,
                         const floating *a, Py_ssize_t a_row, Py_ssize_t a_depth,
                         const floating *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                         floating *c, bint accumulate, floating *work) noexcept nogil:
    """C (rows, cols) = A B, or C += A B. A(i, k) = a[i * a_row + k * a_depth]; B(k, j) = b[k * b_depth + j * b_col]."""
    cdef int width = panel_width(c)
    cdef Py_ssize_t row_tiles = ceil_div(rows, TILE_ROWS), panels = ceil_div(cols, width)
    cdef int threads = threads_for(<double>rows * depth * cols)
    cdef bint pack_a = a_depth != 1 and panels > FEW_PANELS
    cdef Py_ssize_t k, block, i, j, p, task
    cdef floating *a_packed
    if depth == 0 and not accumulate:
        for i in range(rows * cols):
            c[i] = 0
    k = 0
    while k < depth:
        block = min(depth - k, <Py_ssize_t>PANEL_DEPTH)
        pack_all(block, cols, b + k * b_depth, b_depth, b_col, work)
        a_packed = work + panels * width * block
        if pack_a:
            for p in prange(row_tiles, schedule="static", num_threads=threads):
                pack_rows(block, rows - p * TILE_ROWS, a + p * TILE_ROWS * a_row + k * a_depth, a_depth, a_row,
                          a_packed + p * TILE_ROWS * block)
        for task in prange(panels * row_tiles, schedule="static", num_threads=threads):
            i = (task % row_tiles) * TILE_ROWS
            j = task // row_tiles * width
            if pack_a:
                tile(<int>min(rows - i, <Py_ssize_t>TILE_ROWS), block, a_packed + i * block, 1, TILE_ROWS,
                     work + j * block, c + i * cols + j, cols, <int>min(cols - j, <Py_ssize_t>width),
                     accumulate or k > 0)
            else:
                tile(<int>min(rows - i, <Py_ssize_t>TILE_ROWS), block, a + i * a_row + k * a_depth, a_row, a_depth,
                     work + j * block, c + i * cols + j, cols, <int>min(cols - j, <Py_ssize_t>width),
                     accumulate or k > 0)
        k = k + block
