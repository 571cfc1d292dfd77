"""The input gradient of a convolution on images of few channels: every pixel of dy hands out what it owes.

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

from product cimport ceil_div, round_up
from slide cimport BANDS, WINDOW, Axis, threads_with_room
from tile cimport TILE_ROWS, omp_get_thread_num, pack_panel, panel_width, threads_for, tile, tile_width


cdef inline Py_ssize_t phase_length(Axis cols, floating *dtype) noexcept nogil:
    """Columns of one phase, with what a last panel that is not full adds zeros to."""
    return round_up(cols.count, panel_width(dtype)) + (cols.taps - 1) * cols.gap // cols.step


cdef inline Py_ssize_t band_height(Py_ssize_t N, Py_ssize_t H, Py_ssize_t numbers) noexcept nogil:
    """Rows of dx in a band, of so many numbers each."""
    return ceil_div(H, max(ceil_div(BANDS, N), ceil_div(H * numbers, WINDOW)))


cdef inline Py_ssize_t scatter_size(Py_ssize_t N, Py_ssize_t H, Axis cols, Py_ssize_t C, Py_ssize_t F,
                                    floating *dtype) noexcept nogil:
    """Numbers that a thread needs: a panel of dy and the planes of a band."""
    cdef Py_ssize_t numbers = C * cols.step * phase_length(cols, dtype)
    return F * panel_width(dtype) + band_height(N, H, numbers) * numbers


cdef inline void scatter(Axis rows, Axis cols, Py_ssize_t N, Py_ssize_t C, Py_ssize_t F, const floating *W,
                         const floating *dy, floating *dx, Py_ssize_t H, Py_ssize_t width, floating *work,
                         Py_ssize_t room) noexcept nogil:
    """dx (N,H,width,C) from dy (N,OH,OW,F); rows and cols are the windows that forward looked through."""
    cdef Py_ssize_t height = band_height(N, H, C * cols.step * phase_length(cols, work)), bands = ceil_div(H, height)
    cdef Py_ssize_t size = scatter_size(N, H, cols, C, F, work), k
    cdef int threads = threads_for(<double>N * rows.count * cols.count * rows.taps * cols.taps * C * F)
    for k in prange(N * bands, schedule="dynamic", num_threads=min(threads, threads_with_room(room, size))):
        scatter_band(rows, cols, C, F, W, dy + k // bands * rows.count * cols.count * F, k % bands * height,
                     min(H, (k % bands + 1) * height), dx + k // bands * H * width * C, width,
                     work + omp_get_thread_num() * size)


cdef inline void scatter_band(Axis rows, Axis cols, Py_ssize_t C, Py_ssize_t F, const floating *W, const floating *dy,
                              Py_ssize_t first, Py_ssize_t end, floating *dx, Py_ssize_t width,
                              floating *work) noexcept nogil:
    """The rows first .. end - 1 of one image's dx."""
    cdef floating *planes = work + F * panel_width(work)
    cdef Py_ssize_t phase = phase_length(cols, work), height = end - first
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
            pack_panel(F, cols.count - ow, dy + (oh * cols.count + ow) * F, 1, F, work, pixels)
            i = tap
            while i < end_tap:
                add_products(cols, <int>min(<Py_ssize_t>TILE_ROWS, end_tap - i), rows.gap, C, F,
                             W + i * cols.taps * C * F, work, pixels, height, phase,
                             planes + (row + i * rows.gap) * cols.step * phase + ow)
                i += TILE_ROWS
            ow += pixels
        oh += 1
    interleave(cols, C, height, phase, planes, dx + first * width * C, width)


cdef inline void add_products(Axis cols, int taps, Py_ssize_t gap, Py_ssize_t C, Py_ssize_t F, const floating *W,
                              const floating *panel, int pixels, Py_ssize_t height, Py_ssize_t phase,
                              floating *row) noexcept nogil:
    """What `pixels` pixels owe to the rows under some taps of a column of the kernel, for all columns and channels."""
    cdef Py_ssize_t line = cols.step * phase, j, c
    cdef floating *sums
    for j in range(cols.taps):
        for c in range(C):
            sums = row + c * height * line + j * cols.gap % cols.step * phase + j * cols.gap // cols.step
            tile(taps, pixels, 1, 0, F, W + (j * C + c) * F, cols.taps * C * F, 1, panel, pixels,
                 sums, gap * line, sums, gap * line)


cdef inline void interleave(Axis cols, Py_ssize_t C, Py_ssize_t height, Py_ssize_t phase, const floating *planes,
                            floating *dx, Py_ssize_t width) noexcept nogil:
    """The planes as pixels, the first of them being column cols.first of dx; 0 where no window has looked."""
    cdef Py_ssize_t seen = (cols.count - 1) * cols.step + (cols.taps - 1) * cols.gap + 1, i, j, c, k
    cdef const floating *row
    for i in range(height):
        for c in range(C):
            row = planes + (c * height + i) * cols.step * phase
            for j in range(width):
                k = j - cols.first
                dx[j * C + c] = row[k % cols.step * phase + k // cols.step] if 0 <= k < seen else 0
        dx += width * C
