"""The register tile of tile.h under one name for both dtypes, and the numbers that host.h knows."""

from cython cimport floating

from nnlite.kernels.host cimport num_threads


cdef extern from "host.h" nogil:
    const int VECTOR_BYTES
    const int HALF_VECTOR_BYTES
    const int TILE_ROWS
    const int TILE_VECTORS
    const int PANEL_DEPTH
    int omp_get_thread_num() noexcept
    const int SERIAL_WORK
    void prefetch(const void *address, Py_ssize_t bytes) noexcept

cdef inline int threads_for(double work) noexcept nogil:
    """How many threads a loop of this many multiplications deserves."""
    return 1 if work < SERIAL_WORK else num_threads


cdef extern from "tile.h" nogil:
    void row_product_f32(Py_ssize_t depth, Py_ssize_t cols, const float *a, const float *b, Py_ssize_t b_row,
                         float *c) noexcept
    void row_product_f64(Py_ssize_t depth, Py_ssize_t cols, const double *a, const double *b, Py_ssize_t b_row,
                         double *c) noexcept
    int tile_width_f32(Py_ssize_t cols) noexcept
    int tile_width_f64(Py_ssize_t cols) noexcept
    void write_rows_f32(Py_ssize_t depth, Py_ssize_t cols, const float *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                        float *out, Py_ssize_t out_row) noexcept
    void write_rows_f64(Py_ssize_t depth, Py_ssize_t cols, const double *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                        double *out, Py_ssize_t out_row) noexcept
    void pack_panel_f32(Py_ssize_t depth, Py_ssize_t cols, const float *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                        float *panel, int width) noexcept
    void pack_panel_f64(Py_ssize_t depth, Py_ssize_t cols, const double *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                        double *panel, int width) noexcept
    void tile_f32(int rows, int cols, Py_ssize_t runs, Py_ssize_t a_run, Py_ssize_t depth, const float *a,
                  Py_ssize_t a_row, Py_ssize_t a_depth, const float *b, Py_ssize_t b_row, const float *start,
                  Py_ssize_t start_row, float *c, Py_ssize_t c_row) noexcept
    void tile_f64(int rows, int cols, Py_ssize_t runs, Py_ssize_t a_run, Py_ssize_t depth, const double *a,
                  Py_ssize_t a_row, Py_ssize_t a_depth, const double *b, Py_ssize_t b_row, const double *start,
                  Py_ssize_t start_row, double *c, Py_ssize_t c_row) noexcept
    void panel_product_f32(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const float *a, Py_ssize_t a_row,
                           Py_ssize_t a_depth, const float *b, Py_ssize_t b_depth, Py_ssize_t b_col, float *c,
                           Py_ssize_t c_row, bint accumulate) noexcept
    void panel_product_f64(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const double *a, Py_ssize_t a_row,
                           Py_ssize_t a_depth, const double *b, Py_ssize_t b_depth, Py_ssize_t b_col, double *c,
                           Py_ssize_t c_row, bint accumulate) noexcept


cdef inline int lanes(floating *_) noexcept nogil:
    """Numbers in a vector; the argument only gives the dtype."""
    return VECTOR_BYTES // <int>sizeof(floating)


cdef inline int panel_width(floating *dtype) noexcept nogil:
    """Columns of a packed panel."""
    return TILE_VECTORS * lanes(dtype)


cdef inline int tile_width(Py_ssize_t cols, floating *dtype) noexcept nogil:
    """How many columns the narrowest tile for `cols` of them has: half a vector, a vector, or two."""
    if floating is float:
        return tile_width_f32(cols)
    else:
        return tile_width_f64(cols)


cdef inline void write_rows(Py_ssize_t depth, Py_ssize_t cols, const floating *b, Py_ssize_t b_depth,
                            Py_ssize_t b_col, floating *out, Py_ssize_t out_row) noexcept nogil:
    """A depth x cols matrix, B(k, j) = b[k * b_depth + j * b_col], written in rows that begin out_row apart."""
    if floating is float:
        write_rows_f32(depth, cols, b, b_depth, b_col, out, out_row)
    else:
        write_rows_f64(depth, cols, b, b_depth, b_col, out, out_row)


cdef inline void pack_panel(Py_ssize_t depth, Py_ssize_t cols, const floating *b, Py_ssize_t b_depth,
                            Py_ssize_t b_col, floating *panel, int width) noexcept nogil:
    if floating is float:
        pack_panel_f32(depth, cols, b, b_depth, b_col, panel, width)
    else:
        pack_panel_f64(depth, cols, b, b_depth, b_col, panel, width)


cdef inline void tile(int rows, int cols, Py_ssize_t runs, Py_ssize_t a_run, Py_ssize_t depth, const floating *a,
                      Py_ssize_t a_row, Py_ssize_t a_depth, const floating *b, Py_ssize_t b_row,
                      const floating *start, Py_ssize_t start_row, floating *c, Py_ssize_t c_row) noexcept nogil:
    if floating is float:
        tile_f32(rows, cols, runs, a_run, depth, a, a_row, a_depth, b, b_row, start, start_row, c, c_row)
    else:
        tile_f64(rows, cols, runs, a_run, depth, a, a_row, a_depth, b, b_row, start, start_row, c, c_row)


cdef inline void panel_product(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const floating *a,
                               Py_ssize_t a_row, Py_ssize_t a_depth, const floating *b, Py_ssize_t b_depth,
                               Py_ssize_t b_col, floating *c, Py_ssize_t c_row, bint accumulate) noexcept nogil:
    if floating is float:
        panel_product_f32(rows, depth, cols, a, a_row, a_depth, b, b_depth, b_col, c, c_row, accumulate)
    else:
        panel_product_f64(rows, depth, cols, a, a_row, a_depth, b, b_depth, b_col, c, c_row, accumulate)


cdef inline void add_row_product(Py_ssize_t depth, Py_ssize_t cols, const floating *a, const floating *b,
                                 Py_ssize_t b_row, floating *c) noexcept nogil:
    """c += a B for one row, with B (depth, cols) in rows that begin b_row apart, added in the order of a tile."""
    if floating is float:
        row_product_f32(depth, cols, a, b, b_row, c)
    else:
        row_product_f64(depth, cols, a, b, b_row, c)
