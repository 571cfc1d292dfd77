"""The register tile of tile.h, and the numbers that host.h knows.

What is `void *` to Cython are arrays of one dtype, float or double: see typed.h.
"""

from cython cimport floating

from nnlite.kernels.host cimport num_threads


cdef extern from "host.h" nogil:
    const int VECTOR_BYTES
    const int TILE_ROWS
    const int TILE_VECTORS
    const int PANEL_DEPTH
    const int DEEP
    const int L2_BYTES
    int omp_get_thread_num() noexcept
    const int SERIAL_WORK
    const int CACHE_BYTES
    const bint STREAMS
    void prefetch(const void *address, Py_ssize_t bytes) noexcept

cdef extern from "typed.h" nogil:
    ctypedef struct Strides:
        Py_ssize_t row, col

    ctypedef struct Tile:
        int rows, cols
        Py_ssize_t runs, a_run
        Py_ssize_t depth
        Py_ssize_t a_row, a_depth
        Py_ssize_t b_row, start_row, c_row
        const char *ahead
        Py_ssize_t ahead_step

    void *APART
    int tile_width(Py_ssize_t cols, const void *dtype) noexcept
    int tile_height(Py_ssize_t cols, const void *dtype) noexcept
    void tile(const Tile *t, const void *a, const void *b, const void *start, void *c) noexcept
    void tile_ahead(const Tile *t, const void *a, const void *b, const void *start, void *c) noexcept
    void write_rows(Py_ssize_t depth, Py_ssize_t cols, const void *b, Strides at, void *out,
                    Py_ssize_t out_row) noexcept
    void pack_panel(Py_ssize_t depth, Py_ssize_t cols, const void *b, Strides at, void *panel, int width) noexcept
    const Strides PACKED
    const int PACK_ROWS
    const int ROW_VECTORS
    Py_ssize_t block_rows(const void *dtype) noexcept
    void pack_panels(Py_ssize_t depth, Py_ssize_t cols, const void *b, Strides at, void *panels,
                     Py_ssize_t panel_depth) noexcept
    void block_product(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const void *a, Strides a_at, const void *b,
                       Strides b_at, const void *start, void *c, Py_ssize_t c_row) noexcept
    void pixel_products(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const void *a, const void *panels,
                        void *c, bint stream) noexcept
    void add_row_product(Py_ssize_t depth, Py_ssize_t cols, const void *a, const void *b, Py_ssize_t b_row,
                         void *c) noexcept


cdef inline int threads_for(double work) noexcept nogil:
    """How many threads a loop of this many multiplications deserves."""
    return 1 if work < SERIAL_WORK else num_threads


cdef inline Strides plain(Py_ssize_t row) noexcept nogil:
    """A matrix whose rows begin `row` apart."""
    return Strides(row, 1)


cdef inline Strides transposed(Py_ssize_t row) noexcept nogil:
    """The transpose of a matrix whose rows begin `row` apart."""
    return Strides(1, row)


cdef inline int lanes(floating *_) noexcept nogil:
    """Numbers in a vector; the argument only gives the dtype."""
    return VECTOR_BYTES // <int>sizeof(floating)


cdef inline int panel_width(floating *dtype) noexcept nogil:
    """Columns of a packed panel."""
    return TILE_VECTORS * lanes(dtype)
