"""One window of a pool: pool.h under one name for both dtypes."""

from cython cimport floating


cdef extern from "pool.h" nogil:
    void max_window_f32(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row, const float *x,
                        int position, int width, float *y, int *index) noexcept
    void max_window_f64(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row, const double *x,
                        int position, int width, double *y, int *index) noexcept
    void max_windows_f32(Py_ssize_t n, Py_ssize_t row, const float *x, int position, int width, float *y,
                         int *index) noexcept
    void max_windows_f64(Py_ssize_t n, Py_ssize_t row, const double *x, int position, int width, double *y,
                         int *index) noexcept
    void max_window_back_f32(bint add, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row,
                             const float *dy, const int *index, int position, int width, float *dx) noexcept
    void max_window_back_f64(bint add, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row,
                             const double *dy, const int *index, int position, int width, double *dx) noexcept
    void average_window_f32(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row, const float *x,
                            float count, float *y) noexcept
    void average_window_f64(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row, const double *x,
                            double count, double *y) noexcept
    void average_windows_f32(Py_ssize_t n, Py_ssize_t row, const float *x, float count, float *y) noexcept
    void average_windows_f64(Py_ssize_t n, Py_ssize_t row, const double *x, double count, double *y) noexcept
    void average_window_back_f32(bint add, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row,
                                 const float *dy, float share, float *dx) noexcept
    void average_window_back_f64(bint add, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row,
                                 const double *dy, double share, double *dx) noexcept


cdef inline void max_window(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row, const floating *x,
                            int position, int width, floating *y, int *index) noexcept nogil:
    if floating is float:
        max_window_f32(rows, columns, C, row, x, position, width, y, index)
    else:
        max_window_f64(rows, columns, C, row, x, position, width, y, index)


cdef inline void max_windows(Py_ssize_t n, Py_ssize_t row, const floating *x, int position, int width, floating *y,
                             int *index) noexcept nogil:
    if floating is float:
        max_windows_f32(n, row, x, position, width, y, index)
    else:
        max_windows_f64(n, row, x, position, width, y, index)


cdef inline void max_window_back(bint add, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row,
                                 const floating *dy, const int *index, int position, int width,
                                 floating *dx) noexcept nogil:
    if floating is float:
        max_window_back_f32(add, rows, columns, C, row, dy, index, position, width, dx)
    else:
        max_window_back_f64(add, rows, columns, C, row, dy, index, position, width, dx)


cdef inline void average_window(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row, const floating *x,
                                floating count, floating *y) noexcept nogil:
    if floating is float:
        average_window_f32(rows, columns, C, row, x, count, y)
    else:
        average_window_f64(rows, columns, C, row, x, count, y)


cdef inline void average_windows(Py_ssize_t n, Py_ssize_t row, const floating *x, floating count,
                                 floating *y) noexcept nogil:
    if floating is float:
        average_windows_f32(n, row, x, count, y)
    else:
        average_windows_f64(n, row, x, count, y)


cdef inline void average_window_back(bint add, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t C, Py_ssize_t row,
                                     const floating *dy, floating share, floating *dx) noexcept nogil:
    if floating is float:
        average_window_back_f32(add, rows, columns, C, row, dy, share, dx)
    else:
        average_window_back_f64(add, rows, columns, C, row, dy, share, dx)
