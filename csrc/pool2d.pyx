"""Pooling: every channel of a window becomes one number.

Letters: N images, H W height and width, C channels, OH OW height and width of y; kh kw of the window, sh sw its steps,
top left the padding before the image. Row i and column j of window (oh, ow) is the image's pixel in row
oh sh - top + i and column ow sw - left + j, if there is one; its position is i kw + j.

    max        (1) index = the position of the window's largest number: of equal ones the first, of NaNs the last
               (2) y = the number there
    backward       dx = sum over the windows whose index is here of dy       undoes (2)

    average    (3) y = sum of the window's numbers / count           count: pixels on the image, or all kh kw
    backward       dx = sum over the windows that cover this pixel of dy / count         undoes (3)

Design: every number is read and written once, and the time goes into memory. So backward of max needs neither x nor y,
only the index, for 2 x 2 a quarter of the size of x. It has 32 bits like a float32, so both move in vectors of equal
length (with bytes, vectors began at 64 channels). Channels are adjacent, and the loops over them are in pool.h. Nothing
is packed, and there is no scratch memory. Max of 2 x 2 on 64 x 32 x 32 x 16 takes one core of a Zen 5 0.10 ms forward
and 0.08 ms backward.

In forward, threads share the rows of y. In backward they share what no two windows have in common: bands of rows if
windows in different rows do not overlap, otherwise whole images. Within these, windows are processed in order. They
write straight to dx if they do not overlap, otherwise add to zeros. So every sum has one order. With few channels in
large windows, backward does not compare positions one by one: it adds where the index says.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from pool cimport Windows, average_windows, average_windows_back, max_windows, max_windows_back
from tile cimport threads_for

cdef enum:
    MOVE = 4  # the cost of a number, in multiplications, from which the number of threads follows


cdef struct Pool:
    Py_ssize_t H, W, C  # an image
    Py_ssize_t OH, OW  # of y
    Py_ssize_t kh, kw  # the window,
    Py_ssize_t sh, sw  # its steps,
    Py_ssize_t top, left  # and the padding before the image


cdef inline Windows windows(const Pool *p, Py_ssize_t oh, Py_ssize_t ow) noexcept nogil:
    """Window (oh, ow), together with those to its right if all of their columns lie on the image."""
    cdef Py_ssize_t top = oh * p.sh - p.top, left = ow * p.sw - p.left
    cdef Py_ssize_t i = max(<Py_ssize_t>0, top), j = max(<Py_ssize_t>0, left), columns = min(p.W, left + p.kw) - j
    cdef Py_ssize_t n = 1
    if (p.OW - 1) * p.sw - p.left + p.kw <= p.W and left >= 0:
        n = p.OW - ow
    elif columns == p.kw:
        n = (p.W + p.left - p.kw) // p.sw + 1 - ow
    return Windows(n, min(p.H, top + p.kh) - i, columns, p.C, (i * p.W + j) * p.C, p.W * p.C, p.sw * p.C,
                   <int>((i - top) * p.kw + j - left), <int>p.kw)


cdef inline double count_of(const Pool *p, const Windows *w, bint include_pad) noexcept nogil:
    return p.kh * p.kw if include_pad else w.rows * w.columns


cdef inline int threads(const Pool *p, Py_ssize_t N) noexcept nogil:
    return threads_for(<double>MOVE * N * p.H * p.W * p.C)


# How backward cuts an image into bands, from one that begins at band_start(p, band) to the next.

cdef inline Py_ssize_t bands_of(const Pool *p) noexcept nogil:
    return p.OH if p.kh <= p.sh else 1


cdef inline Py_ssize_t band_start(const Pool *p, Py_ssize_t band) noexcept nogil:
    return 0 if band == 0 else p.H if band == bands_of(p) else band * p.sh - p.top


cdef inline bint is_apart(const Pool *p) noexcept nogil:
    """No two windows share a pixel."""
    return p.kh <= p.sh and p.kw <= p.sw


cdef inline bint is_tiled(const Pool *p) noexcept nogil:
    """Each pixel is in exactly one window."""
    return p.kh == p.sh and p.kw == p.sw and p.OH * p.sh >= p.top + p.H and p.OW * p.sw >= p.left + p.W


cdef inline void zero_band(const Pool *p, Py_ssize_t band, floating *dx) noexcept nogil:
    cdef Py_ssize_t first = band_start(p, band), row = p.W * p.C
    memset(dx + first * row, 0, (band_start(p, band + 1) - first) * row * sizeof(floating))


# One image: a row of y, and a band of dx.

cdef inline void max_row(const Pool *p, Py_ssize_t oh, const floating *x, floating *y, int *index) noexcept nogil:
    cdef Py_ssize_t ow = 0
    cdef Windows w
    while ow < p.OW:
        w = windows(p, oh, ow)
        max_windows(&w, x + w.first, y + ow * p.C, index + ow * p.C)
        ow += w.n


cdef inline void max_band(const Pool *p, Py_ssize_t band, const floating *dy, const int *index,
                          floating *dx) noexcept nogil:
    cdef Py_ssize_t C = p.C, row = p.W * C, per_band = p.OH // bands_of(p), oh, ow, c, o, at
    cdef bint few_channels = C < p.kh * p.kw, by_index = few_channels and not (C == 1 and p.kh == 2 == p.kw == p.sw)
    cdef int kw = <int>p.kw
    cdef Windows w
    if few_channels or not is_tiled(p):
        zero_band(p, band, dx)
    for oh in range(band * per_band, (band + 1) * per_band):
        ow = 0
        while ow < p.OW:
            o = (oh * p.OW + ow) * C
            if by_index:
                at = (oh * p.sh - p.top) * row + (ow * p.sw - p.left) * C
                for c in range(C):
                    dx[at + index[o + c] // kw * row + index[o + c] % kw * C + c] += dy[o + c]
                ow += 1
            else:
                w = windows(p, oh, ow)
                max_windows_back(few_channels or not is_apart(p), &w, dy + o, index + o, dx + w.first)
                ow += w.n


cdef inline void average_row(const Pool *p, Py_ssize_t oh, bint include_pad, const floating *x,
                             floating *y) noexcept nogil:
    cdef Py_ssize_t ow = 0
    cdef Windows w
    while ow < p.OW:
        w = windows(p, oh, ow)
        average_windows(&w, x + w.first, count_of(p, &w, include_pad), y + ow * p.C)
        ow += w.n


cdef inline void average_band(const Pool *p, Py_ssize_t band, bint include_pad, const floating *dy,
                              floating *dx) noexcept nogil:
    cdef Py_ssize_t per_band = p.OH // bands_of(p), oh, ow
    cdef Windows w
    if not is_tiled(p):
        zero_band(p, band, dx)
    for oh in range(band * per_band, (band + 1) * per_band):
        ow = 0
        while ow < p.OW:
            w = windows(p, oh, ow)
            average_windows_back(not is_apart(p), &w, dy + (oh * p.OW + ow) * p.C, 1 / count_of(p, &w, include_pad),
                                 dx + w.first)
            ow += w.n


def max_forward(const floating[:, :, :, ::1] x,                                     # IN (N,H,W,C)
                floating[:, :, :, ::1] y, int[:, :, :, ::1] index,                  # OUT (N,OH,OW,C) twice
                Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left):
    cdef Py_ssize_t N = x.shape[0], OH = y.shape[1], r
    cdef Pool p = Pool(x.shape[1], x.shape[2], x.shape[3], OH, y.shape[2], kh, kw, sh, sw, top, left)
    if N == 0 or p.C == 0:
        return
    for r in prange(N * OH, nogil=True, schedule="static", num_threads=threads(&p, N)):  # (1), (2)
        max_row(&p, r % OH, &x[r // OH, 0, 0, 0], &y[r // OH, r % OH, 0, 0], &index[r // OH, r % OH, 0, 0])


def max_backward(const floating[:, :, :, ::1] dy, const int[:, :, :, ::1] index,    # IN (N,OH,OW,C) twice
                 floating[:, :, :, ::1] dx,                                         # OUT (N,H,W,C)
                 Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left):
    cdef Py_ssize_t N = dx.shape[0], bands, t
    cdef Pool p = Pool(dx.shape[1], dx.shape[2], dx.shape[3], dy.shape[1], dy.shape[2], kh, kw, sh, sw, top, left)
    if N == 0 or p.C == 0:
        return
    bands = bands_of(&p)
    for t in prange(N * bands, nogil=True, schedule="static", num_threads=threads(&p, N)):
        max_band(&p, t % bands, &dy[t // bands, 0, 0, 0], &index[t // bands, 0, 0, 0], &dx[t // bands, 0, 0, 0])


def average_forward(const floating[:, :, :, ::1] x,                                 # IN (N,H,W,C)
                    floating[:, :, :, ::1] y,                                       # OUT (N,OH,OW,C)
                    Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left,
                    bint include_pad):
    cdef Py_ssize_t N = x.shape[0], OH = y.shape[1], r
    cdef Pool p = Pool(x.shape[1], x.shape[2], x.shape[3], OH, y.shape[2], kh, kw, sh, sw, top, left)
    if N == 0 or p.C == 0:
        return
    for r in prange(N * OH, nogil=True, schedule="static", num_threads=threads(&p, N)):  # (3)
        average_row(&p, r % OH, include_pad, &x[r // OH, 0, 0, 0], &y[r // OH, r % OH, 0, 0])


def average_backward(const floating[:, :, :, ::1] dy,                               # IN (N,OH,OW,C)
                     floating[:, :, :, ::1] dx,                                     # OUT (N,H,W,C)
                     Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left,
                     bint include_pad):
    cdef Py_ssize_t N = dx.shape[0], bands, t
    cdef Pool p = Pool(dx.shape[1], dx.shape[2], dx.shape[3], dy.shape[1], dy.shape[2], kh, kw, sh, sw, top, left)
    if N == 0 or p.C == 0:
        return
    bands = bands_of(&p)
    for t in prange(N * bands, nogil=True, schedule="static", num_threads=threads(&p, N)):
        average_band(&p, t % bands, include_pad, &dy[t // bands, 0, 0, 0], &dx[t // bands, 0, 0, 0])
