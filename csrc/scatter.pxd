"""The input gradient of a convolution on images with few channels: every pixel of dy adds its share to dx.

slide.pxd gathers each pixel of dx from a window of dy. The columns of its tiles are the channels of dx, and of those a
colour image has three: most of each vector would be empty. Here the columns are neighbouring pixels of dy:

    dx[oh s - p + i d, ow s - p + j d, c] += sum over f of W[i, j, c, f] dy[oh, ow, f]

is, for one oh, j and c, a product of the weights (i, f) and a panel of dy (f, ow) that is added to rows of dx. For that
each channel has a plane of its own, with the columns of the same phase, iw mod s, side by side: there, what a tile adds
to are pieces of memory. The planes hold a band of rows of one image at a time. Rows of dy come one after the other,
whatever the band: it does not change a bit of the sums.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from product cimport ceil_div
from slide cimport BANDS, WINDOW, Axis, Sliding, reach, threads_with_room
from tile cimport (
    TILE_ROWS, Tile, omp_get_thread_num, pack_panel, panel_width, threads_for, tile, tile_width, transposed,
)


cdef inline Py_ssize_t phase_length(const Sliding *s, floating *dtype) noexcept nogil:
    """Columns of one phase, with what a last panel that is not full adds zeros to."""
    cdef Py_ssize_t last = s.cols.count % panel_width(dtype)
    return (s.cols.count - last + (tile_width(last, dtype) if last else 0)
            + (s.cols.taps - 1) * s.cols.gap // s.cols.step)


cdef inline Py_ssize_t row_size(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers in the planes for one row of dx."""
    return s.D * s.cols.step * phase_length(s, dtype)


cdef inline Py_ssize_t band_height(const Sliding *s, floating *dtype) noexcept nogil:
    """Rows of dx in a band."""
    return ceil_div(s.H, max(ceil_div(BANDS, s.N), ceil_div(s.H * row_size(s, dtype), WINDOW)))


cdef inline Py_ssize_t scatter_size(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers that a thread needs: a panel of dy and the planes of a band."""
    return s.U * panel_width(dtype) + band_height(s, dtype) * row_size(s, dtype)


cdef inline void scatter(const Sliding *s, const floating *W, const floating *dy, floating *dx, floating *work,
                         Py_ssize_t room) noexcept nogil:
    """dx (N,H,W,D) from dy (N,OH,OW,U); rows and cols are the windows that forward looked through, in one group."""
    cdef Py_ssize_t height = band_height(s, work), bands = ceil_div(s.H, height), size = scatter_size(s, work), k
    cdef Py_ssize_t image = s.H * s.W * s.D, result = s.rows.count * s.cols.count * s.U
    cdef int threads = threads_for(<double>s.N * result * s.rows.taps * s.cols.taps * s.D)
    for k in prange(s.N * bands, schedule="dynamic", num_threads=min(threads, threads_with_room(room, size))):
        scatter_band(s, W, dy + k // bands * result, k % bands * height, min(s.H, (k % bands + 1) * height),
                     dx + k // bands * image, work + omp_get_thread_num() * size)


cdef inline void scatter_band(const Sliding *s, const floating *W, const floating *dy, Py_ssize_t first, Py_ssize_t end,
                              floating *dx, floating *work) noexcept nogil:
    """The rows first .. end - 1 of one image's dx."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t C = s.D, F = s.U
    cdef floating *planes = work + F * panel_width(work)
    cdef Py_ssize_t phase = phase_length(s, work), height = end - first
    cdef Py_ssize_t oh = max(<Py_ssize_t>0, ceil_div(first - rows.first - (rows.taps - 1) * rows.gap, rows.step))
    cdef Py_ssize_t last = min(rows.count - 1, (end - 1 - rows.first) // rows.step), ow, row, tap, end_tap, i
    cdef int pixels
    memset(planes, 0, C * height * cols.step * phase * sizeof(floating))
    while oh <= last:
        row = rows.first + oh * rows.step - first  # of the band: where tap 0 adds to
        tap = max(<Py_ssize_t>0, ceil_div(-row, rows.gap))
        end_tap = min(rows.taps, ceil_div(height - row, rows.gap))
        ow = 0
        while ow < cols.count:
            pixels = tile_width(cols.count - ow, work)
            pack_panel(F, cols.count - ow, dy + (oh * cols.count + ow) * F, transposed(F), work, pixels)
            i = tap
            while i < end_tap:
                add_products(s, <int>min(<Py_ssize_t>TILE_ROWS, end_tap - i), W + i * cols.taps * C * F, work, pixels,
                             height, phase, planes + (row + i * rows.gap) * cols.step * phase + ow)
                i += TILE_ROWS
            ow += pixels
        oh += 1
    interleave(s, height, phase, planes, dx + first * s.W * C)


cdef inline void add_products(const Sliding *s, int taps, const floating *W, const floating *panel, int pixels,
                              Py_ssize_t height, Py_ssize_t phase, floating *row) noexcept nogil:
    """Add what `pixels` pixels give to the rows under some taps, for all columns of the kernel and all channels."""
    cdef Axis cols = s.cols
    cdef Py_ssize_t C = s.D, F = s.U, line = cols.step * phase, to_next = s.rows.gap * line, j, c
    cdef Tile t = Tile(rows=taps, cols=pixels, runs=1, a_run=0, depth=F, a_row=cols.taps * C * F, a_depth=1,
                       b_row=pixels, start_row=to_next, c_row=to_next)
    cdef floating *sums
    for j in range(cols.taps):
        for c in range(C):
            sums = row + c * height * line + j * cols.gap % cols.step * phase + j * cols.gap // cols.step
            tile(&t, W + (j * C + c) * F, panel, sums, sums)


cdef inline void interleave(const Sliding *s, Py_ssize_t height, Py_ssize_t phase, const floating *planes,
                            floating *dx) noexcept nogil:
    """Write the planes as pixels; they begin at column cols.first of dx. Pixels that no window covers are 0."""
    cdef Axis cols = s.cols
    cdef Py_ssize_t C = s.D, width = s.W, seen = reach(cols, cols.count), i, j, c, k
    cdef const floating *row
    for i in range(height):
        for c in range(C):
            row = planes + (c * height + i) * cols.step * phase
            for j in range(width):
                k = j - cols.first
                dx[j * C + c] = row[k % cols.step * phase + k // cols.step] if 0 <= k < seen else 0
        dx += width * C
