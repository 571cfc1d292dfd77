"""The register tile of tile.h under one name for both dtypes, and the numbers that host.h knows."""

from cython cimport floating


cdef extern from "host.h" nogil:
    const int VECTOR_BYTES
    const int TILE_ROWS
    const int TILE_VECTORS
    const int PANEL_DEPTH
    int threads_for(double work) noexcept
    void prefetch(const void *address, Py_ssize_t bytes) noexcept

cdef extern from "tile.h" nogil:
    void pack_panel_f32(Py_ssize_t depth, Py_ssize_t cols, const float *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                        float *panel) noexcept
    void pack_panel_f64(Py_ssize_t depth, Py_ssize_t cols, const double *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                        double *panel) noexcept
    void tile_f32(int rows, Py_ssize_t depth, const float *a, Py_ssize_t a_row, Py_ssize_t a_depth,
                  const float *panel, float *c, Py_ssize_t c_row, int cols, bint accumulate) noexcept
    void tile_f64(int rows, Py_ssize_t depth, const double *a, Py_ssize_t a_row, Py_ssize_t a_depth,
                  const double *panel, double *c, Py_ssize_t c_row, int cols, bint accumulate) noexcept
    void panel_product_f32(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const float *a, Py_ssize_t a_row,
                           Py_ssize_t a_depth, const float *b, Py_ssize_t b_depth, Py_ssize_t b_col, float *c,
                           Py_ssize_t c_row, bint accumulate) noexcept
    void panel_product_f64(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const double *a, Py_ssize_t a_row,
                           Py_ssize_t a_depth, const double *b, Py_ssize_t b_depth, Py_ssize_t b_col, double *c,
                           Py_ssize_t c_row, bint accumulate) noexcept


cdef inline int panel_width(floating *_) noexcept nogil:
    """Columns of a packed panel; the argument only gives the dtype."""
    return TILE_VECTORS * VECTOR_BYTES // <int>sizeof(floating)


cdef inline void pack_panel(Py_ssize_t depth, Py_ssize_t cols, const floating *b, Py_ssize_t b_depth,
                            Py_ssize_t b_col, floating *panel) noexcept nogil:
    if floating is float:
        pack_panel_f32(depth, cols, b, b_depth, b_col, panel)
    else:
        pack_panel_f64(depth, cols, b, b_depth, b_col, panel)


cdef inline void tile(int rows, Py_ssize_t depth, const floating *a, Py_ssize_t a_row, Py_ssize_t a_depth,
                      const floating *panel, floating *c, Py_ssize_t c_row, int cols,
                      bint accumulate) noexcept nogil:
    if floating is float:
        tile_f32(rows, depth, a, a_row, a_depth, panel, c, c_row, cols, accumulate)
    else:
        tile_f64(rows, depth, a, a_row, a_depth, panel, c, c_row, cols, accumulate)


cdef inline void panel_product(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const floating *a,
                               Py_ssize_t a_row, Py_ssize_t a_depth, const floating *b, Py_ssize_t b_depth,
                               Py_ssize_t b_col, floating *c, Py_ssize_t c_row, bint accumulate) noexcept nogil:
    if floating is float:
        panel_product_f32(rows, depth, cols, a, a_row, a_depth, b, b_depth, b_col, c, c_row, accumulate)
    else:
        panel_product_f64(rows, depth, cols, a, a_row, a_depth, b, b_depth, b_col, c, c_row, accumulate)
