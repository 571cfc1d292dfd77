"""Winograd's convolution: 3 x 3 taps with less than half of the multiplications.

By definition, two neighbouring outputs of a filter with three taps take six multiplications. Four are enough:

    y0 = m0 + m1 + m2       m0 = (x0 - x2) g0        m1 = (x1 + x2) (g0 + g1 + g2) / 2
    y1 = m1 - m2 - m3       m3 = (x1 - x3) g2        m2 = (x2 - x1) (g0 - g1 + g2) / 2

In two dimensions, rows first and columns then, a quad of 2 x 2 outputs takes 16 instead of 36:

    U = G g G^T       V = B^T x B       M = sum over channels of V U, number by number       Y = A^T M A

B, G and A^T are the matrices of the four lines above: B^T is what x is multiplied by, G what g is, A^T what m is. The
price is additions: V once for all filters, U once for all images, Y once for all channels.

Halves are exact in binary: sums of whole numbers stay exact, up to a quarter of the size. Others are rounded as if each
pixel of a window met each of its weights. NaN reaches only the windows that contain it. Infinity, and numbers above a
quarter of the largest, can become NaN, as V adds four pixels.

An Axis of quads is an Axis: windows of four taps that move by two. V, 16 numbers for each channel of a quad, holds one
row of quads at a time, mostly in the first- or second-level cache. Every sum is the work of one tile in the order of
the channels.

Source: Lavin and Gray, Fast algorithms for convolutional neural networks, 2015: F(2 x 2, 3 x 3).
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport ceil_div, round_up
from slide cimport Axis, Sliding, Taps, band_count, reach, threads_with_room, window, window_size
from tile cimport VECTOR_BYTES, lanes, omp_get_thread_num, threads_for


cdef extern from "host.h" nogil:
    const int QUADS
    const int CACHE_BYTES
    const bint STREAMS
    void STREAM_END() noexcept

cdef extern from "typed.h" nogil:
    ctypedef struct Quads:
        int height, width, filters
        Py_ssize_t depth
        Py_ssize_t v_quad, v_k
        Py_ssize_t y_line, y_pixel
        bint stream

    void input_transform(Py_ssize_t pieces, Py_ssize_t n, const void *x, Py_ssize_t x_piece, Py_ssize_t x_step, void *v,
                         Py_ssize_t v_piece, Py_ssize_t v_step) noexcept
    void quads(const Quads *t, const void *v, const void *u, void *y) noexcept


cdef enum:
    FEW_WEIGHTS = 16384  # pairs of channel and filter, whose U a second-level cache holds
    MANY_PIXELS = 64


cdef inline bint takes_winograd(const Sliding *s, floating *dtype) noexcept nogil:
    """Whether it is possible, and pays. With few channels the additions cost more than the multiplications did, and
    with few pixels the many weights of U: how many images share them may not count, as it would change bits."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t weights = s.D * s.U
    cdef bint possible = (rows.taps == 3 and cols.taps == 3 and rows.step == 1 and cols.step == 1 and rows.gap == 1
                          and cols.gap == 1 and rows.count > 3 and cols.count > 3)
    cdef bint channels = s.U >= lanes(dtype) and (weights >= 3 * lanes(dtype) if QUADS > 3 else s.D >= 8)
    return possible and channels and (weights <= FEW_WEIGHTS or rows.count * cols.count >= MANY_PIXELS)


cdef inline Axis two_by_two(Axis axis) noexcept nogil:
    axis.count, axis.out_step = ceil_div(axis.count, 2), 2 * axis.out_step
    axis.taps, axis.step = 4, 2
    return axis


cdef inline Sliding in_quads(const Sliding *s) noexcept nogil:
    """The same pixels, two by two."""
    cdef Sliding grid = s[0]
    grid.rows, grid.cols = two_by_two(s.rows), two_by_two(s.cols)
    return grid


cdef inline Py_ssize_t quad_step(const Sliding *s, floating *dtype) noexcept nogil:
    """How far the numbers of one quad in V are from those of the next: channels that do not fill a vector are computed
    for every pixel and used for every other, as that makes one long loop of many short ones."""
    cdef Py_ssize_t C = s.groups * s.D
    return C if C >= lanes(dtype) else 2 * C


cdef inline Py_ssize_t row_size(const Sliding *grid, floating *dtype) noexcept nogil:
    """Numbers in V for a row of quads; what comes after them begins a vector, too."""
    return round_up(16 * grid.cols.count * quad_step(grid, dtype), lanes(dtype))


cdef inline Py_ssize_t lines_size(const Sliding *grid, floating *dtype) noexcept nogil:
    """Numbers in B^T x for a row of quads."""
    return round_up(4 * reach(grid.cols, grid.cols.count) * grid.groups * grid.D, lanes(dtype))


cdef inline Py_ssize_t winograd_room(const Sliding *grid, floating *dtype) noexcept nogil:
    """Numbers that a thread needs: V and B^T x of a row of quads, and a band of an image with its zeros."""
    return row_size(grid, dtype) + lines_size(grid, dtype) + round_up(window_size(grid), lanes(dtype))


cdef inline void row_of_quads(const Sliding *grid, const floating *x, Py_ssize_t line, floating *V,
                              floating *lines) noexcept nogil:
    """V[j][i][quad][channel] of the quads whose windows begin at x and lie beside each other; B^T x goes to `lines`."""
    cdef Py_ssize_t C = grid.groups * grid.D, count = grid.cols.count, step = quad_step(grid, V), v_k = count * step
    cdef Py_ssize_t length = reach(grid.cols, count) * C, i
    cdef Py_ssize_t pieces = count if step == C else 1, numbers = C if step == C else (2 * count - 1) * C
    input_transform(1, length, x, 0, line, lines, 0, length)
    for i in range(4):
        input_transform(pieces, numbers, lines + i * length, 2 * C, C, V + i * v_k, step, 4 * v_k)


# U in panels of one vector of filters: the row that the sums start from, and U[j][channel][i][filter].

cdef inline Py_ssize_t winograd_packed_size(const Sliding *s, floating *dtype) noexcept nogil:
    return s.groups * (1 + 16 * s.D) * round_up(s.U, lanes(dtype))


cdef inline void filter_transform(Py_ssize_t n, const floating *g, Py_ssize_t g_step, Py_ssize_t g_col, floating *u,
                                  Py_ssize_t u_step) noexcept nogil:
    """U = G g along one axis, for n filters."""
    cdef floating half = 0.5, g0, g1, g2
    cdef Py_ssize_t k
    for k in range(n):
        g0, g1, g2 = g[k * g_col], g[k * g_col + g_step], g[k * g_col + 2 * g_step]
        u[k] = g0
        u[k + u_step] = half * (g0 + g1 + g2)
        u[k + 2 * u_step] = half * (g0 - g1 + g2)
        u[k + 3 * u_step] = g2


cdef inline void winograd_pack(const Sliding *s, const Taps *at, const floating *W, const floating *start,
                               floating *panels) noexcept nogil:
    """All panels; the arguments are those of `pack` in slide.pxd."""
    cdef Py_ssize_t groups = s.groups, D = s.D, U = s.U
    cdef floating Gg[12 * 16]  # of one channel, and of as many filters as there may be in a vector
    cdef Py_ssize_t width = lanes(panels), g, u, d, i, j, n
    cdef const floating *w
    W += s.rows.w * at.line + s.cols.w * at.tap
    for g in range(groups):
        u = 0
        while u < U:
            n = min(width, U - u)
            if n < width or not start:
                memset(panels, 0, (1 + 16 * D) * width * sizeof(floating))
            if start:
                memcpy(panels, start + g * U + u, n * sizeof(floating))
            panels += width
            for d in range(D):
                w = W + g * at.group + d * at.depth + u * at.col
                for j in range(3):
                    filter_transform(n, w + j * s.cols.w_step * at.tap, s.rows.w_step * at.line, at.col, Gg + j * width,
                                     3 * width)
                for i in range(4):
                    filter_transform(n, Gg + 3 * i * width, width, 1, panels + (4 * d + i) * width, 4 * D * width)
            panels += 16 * D * width
            u += width


cdef inline void winograd_slide(const Sliding *s, const floating *source, const floating *panels, floating *out,
                                floating *work, Py_ssize_t room) noexcept nogil:
    """All images: source (N,H,W,groups*D), out (N,OH,OW,groups*U). work: `room` numbers, for one band a thread."""
    cdef Sliding grid = in_quads(s)
    cdef Py_ssize_t C = s.groups * s.D, image = s.H * s.W * C, result = s.OH * s.OW * s.groups * s.U
    cdef Py_ssize_t bands = band_count(&grid), size = winograd_room(&grid, out), count = grid.rows.count, k
    cdef bint stream = (STREAMS and s.N * result * sizeof(floating) > CACHE_BYTES and s.U % lanes(out) == 0
                        and <size_t>out % VECTOR_BYTES == 0)
    cdef int threads = threads_for(<double>4 * s.N * s.rows.count * s.cols.count * C * s.U)
    for k in prange(s.N * bands, schedule="dynamic", num_threads=min(threads, threads_with_room(room, size))):
        winograd_band(s, &grid, source + k // bands * image, panels, out + k // bands * result,
                      count * (k % bands) // bands, count * (k % bands + 1) // bands,
                      work + omp_get_thread_num() * size, stream)


cdef inline void winograd_band(const Sliding *s, const Sliding *grid, const floating *image, const floating *panels,
                               floating *out, Py_ssize_t r, Py_ssize_t end, floating *work,
                               bint stream) noexcept nogil:
    """Rows r .. end - 1 of the quads of one image. All panels pass over a few quads before the next."""
    cdef Axis rows = grid.rows, cols = grid.cols
    cdef Py_ssize_t groups = s.groups, D = s.D, U = s.U, F = groups * U, out_line = s.OW * F
    cdef Py_ssize_t tiles = ceil_div(cols.count, QUADS), line = 0, t, q, g, u
    cdef Py_ssize_t step = quad_step(s, out), width = lanes(out)
    cdef floating *V = work
    cdef floating *lines = V + row_size(grid, V)
    cdef const floating *x = window(grid, image, r, end - r, lines + lines_size(grid, V), &line)
    cdef const floating *panel
    cdef floating *y
    cdef Quads here
    here.depth, here.v_quad, here.v_k = D, step, cols.count * step
    here.y_line, here.y_pixel, here.stream = s.rows.out_step * out_line, s.cols.out_step * F, stream
    while r < end:
        row_of_quads(grid, x, line, V, lines)
        here.height = <int>min(<Py_ssize_t>2, s.rows.count - 2 * r)
        for t in range(tiles):
            q = cols.count * t // tiles
            here.width = <int>(min(2 * (cols.count * (t + 1) // tiles), s.cols.count) - 2 * q)
            y = out + (s.rows.out + r * rows.out_step) * out_line + (s.cols.out + q * cols.out_step) * F
            panel = panels
            for g in range(groups):
                u = 0
                while u < U:
                    here.filters = <int>min(width, U - u)
                    quads(&here, V + q * step + g * D, panel, y + g * U + u)
                    panel += (1 + 16 * D) * width
                    u += width
        x += 2 * line
        r += 1
    if stream:
        STREAM_END()
