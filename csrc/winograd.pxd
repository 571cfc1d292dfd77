"""Winograd's convolution: 3 x 3 taps with less than half of the multiplications.

Written as they are defined, two neighbouring outputs of a filter of three taps take six multiplications. Four will do:

    y0 = m0 + m1 + m2       m0 = (x0 - x2) g0        m1 = (x1 + x2) (g0 + g1 + g2) / 2
    y1 = m1 - m2 - m3       m3 = (x1 - x3) g2        m2 = (x2 - x1) (g0 - g1 + g2) / 2

In two dimensions, rows first and columns then, a quad of 2 x 2 outputs takes 16 instead of 36:

    U = G g G^T       V = B^T x B       M = sum over channels of V U, number by number       Y = A^T M A

B, G and A^T are the matrices of the four lines above: B^T is what x is multiplied by, G what g is, A^T what m is. The
price is additions: V once for all filters, U once for all images, Y once for all channels.

Halves are exact in binary: sums of whole numbers stay exact, up to a quarter of the size. Others are rounded as if
each pixel of a window met each of its weights. NaN reaches just the windows that see it. Infinity, and numbers beyond
a quarter of the largest, can become NaN, as V adds four pixels.

An Axis of quads is an Axis: windows of four taps that move by two. V, 16 numbers for each channel of a quad, holds one
row of quads at a time, mostly in the first- or second-level cache. Every sum is the work of one tile in the order of
the channels.

Source: Lavin and Gray, Fast algorithms for convolutional neural networks, 2015: F(2 x 2, 3 x 3).
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport ceil_div, round_up
from slide cimport Axis, band_count, reach, threads_with_room, window, window_size
from tile cimport VECTOR_BYTES, lanes, omp_get_thread_num, threads_for


cdef extern from "host.h" nogil:
    const int QUADS
    const int CACHE_BYTES
    const bint STREAMS
    void STREAM_END() noexcept

cdef extern from "winograd.h" nogil:
    void input_transform_f32(Py_ssize_t n, const float *x, Py_ssize_t x_step, float *v, Py_ssize_t v_step) noexcept
    void input_transform_f64(Py_ssize_t n, const double *x, Py_ssize_t x_step, double *v, Py_ssize_t v_step) noexcept
    void quads_f32(int height, int width, int filters, Py_ssize_t depth, const float *v, Py_ssize_t v_quad,
                   Py_ssize_t v_k, const float *u, float *y, Py_ssize_t y_line, Py_ssize_t y_pixel,
                   bint stream) noexcept
    void quads_f64(int height, int width, int filters, Py_ssize_t depth, const double *v, Py_ssize_t v_quad,
                   Py_ssize_t v_k, const double *u, double *y, Py_ssize_t y_line, Py_ssize_t y_pixel,
                   bint stream) noexcept


cdef enum:
    FEW_WEIGHTS = 16384  # pairs of channel and filter, whose U a second-level cache holds
    MANY_PIXELS = 64


cdef inline bint takes_winograd(Axis rows, Axis cols, Py_ssize_t D, Py_ssize_t U, floating *dtype) noexcept nogil:
    """Whether it is possible, and pays. With few channels the additions cost more than the multiplications did, and
    with few pixels the many weights of U: how many images share them may not count, as it would change bits."""
    cdef bint possible = (rows.taps == 3 and cols.taps == 3 and rows.step == 1 and cols.step == 1 and rows.gap == 1
                          and cols.gap == 1 and rows.count > 3 and cols.count > 3)
    cdef bint channels = U >= lanes(dtype) and (D * U >= 3 * lanes(dtype) if QUADS > 3 else D >= 8)
    return possible and channels and (D * U <= FEW_WEIGHTS or rows.count * cols.count >= MANY_PIXELS)


cdef inline Axis in_quads(Axis axis) noexcept nogil:
    """The same pixels, two by two."""
    axis.count, axis.out_step = ceil_div(axis.count, 2), 2 * axis.out_step
    axis.taps, axis.step = 4, 2
    return axis


cdef inline Py_ssize_t quad_step(Py_ssize_t C, floating *dtype) noexcept nogil:
    """How far the numbers of one quad in V are from those of the next: channels that do not fill a vector are computed
    for every pixel and used for every other, as that makes one long loop of many short ones."""
    return C if C >= lanes(dtype) else 2 * C


cdef inline Py_ssize_t row_size(Axis cols, Py_ssize_t C, floating *dtype) noexcept nogil:
    """Numbers in V for a row of quads; what comes after them begins a vector, too."""
    return round_up(16 * cols.count * quad_step(C, dtype), lanes(dtype))


cdef inline Py_ssize_t lines_size(Axis cols, Py_ssize_t C, floating *dtype) noexcept nogil:
    """Numbers in B^T x for a row of quads."""
    return round_up(4 * reach(cols, cols.count) * C, lanes(dtype))


cdef inline Py_ssize_t winograd_room(Py_ssize_t N, Axis rows, Axis cols, Py_ssize_t C, floating *dtype) noexcept nogil:
    """Numbers that a thread needs: V and B^T x of a row of quads, and a band of an image with its zeros."""
    rows, cols = in_quads(rows), in_quads(cols)
    return (row_size(cols, C, dtype) + lines_size(cols, C, dtype)
            + round_up(window_size(N, rows, cols, C), lanes(dtype)))


cdef inline void input_transform(Py_ssize_t n, const floating *x, Py_ssize_t x_step, floating *v,
                                 Py_ssize_t v_step) noexcept nogil:
    if floating is float:
        input_transform_f32(n, x, x_step, v, v_step)
    else:
        input_transform_f64(n, x, x_step, v, v_step)


cdef inline void row_of_quads(Axis cols, Py_ssize_t C, const floating *x, Py_ssize_t line, floating *V,
                              floating *lines) noexcept nogil:
    """V[j][i][quad][channel] of the quads whose windows begin at x and lie beside each other; B^T x goes to `lines`."""
    cdef Py_ssize_t length = reach(cols, cols.count) * C, step = quad_step(C, V), v_k = cols.count * step, i, q
    cdef Py_ssize_t pieces = cols.count if step == C else 1, numbers = C if step == C else (2 * cols.count - 1) * C
    input_transform(length, x, line, lines, length)
    for i in range(4):
        for q in range(pieces):
            input_transform(numbers, lines + i * length + q * 2 * C, C, V + i * v_k + q * step, 4 * v_k)


# U in panels of one vector of filters: the row that the sums start from, and U[j][channel][i][filter].

cdef inline Py_ssize_t winograd_packed_size(Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                                            floating *dtype) noexcept nogil:
    return groups * (1 + 16 * D) * round_up(U, lanes(dtype))


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


cdef inline void winograd_pack(Axis rows, Axis cols, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U, const floating *W,
                               Py_ssize_t w_line, Py_ssize_t w_tap, Py_ssize_t w_group, Py_ssize_t w_depth,
                               Py_ssize_t w_col, const floating *start, floating *panels) noexcept nogil:
    """All panels; the arguments are those of `pack` in slide.pxd."""
    cdef floating Gg[12 * 16]  # of one channel, and of as many filters as there may be in a vector
    cdef Py_ssize_t width = lanes(panels), g, u, d, i, j, n
    cdef const floating *w
    W += rows.w * w_line + cols.w * w_tap
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
                w = W + g * w_group + d * w_depth + u * w_col
                for j in range(3):
                    filter_transform(n, w + j * cols.w_step * w_tap, rows.w_step * w_line, w_col, Gg + j * width,
                                     3 * width)
                for i in range(4):
                    filter_transform(n, Gg + 3 * i * width, width, 1, panels + (4 * d + i) * width, 4 * D * width)
            panels += 16 * D * width
            u += width


cdef inline void winograd_slide(Axis rows, Axis cols, Py_ssize_t N, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                                const floating *source, Py_ssize_t H, Py_ssize_t W, const floating *panels,
                                floating *out, Py_ssize_t OH, Py_ssize_t OW, floating *work,
                                Py_ssize_t room) noexcept nogil:
    """All images: source (N,H,W,groups*D), out (N,OH,OW,groups*U). work: `room` numbers, for one band a thread."""
    cdef Axis quad_rows = in_quads(rows), quad_cols = in_quads(cols)
    cdef Py_ssize_t C = groups * D, F = groups * U, bands = band_count(N, quad_rows, quad_cols, C), k
    cdef Py_ssize_t size = winograd_room(N, rows, cols, C, out)
    cdef bint stream = (STREAMS and N * OH * OW * F * sizeof(floating) > CACHE_BYTES and U % lanes(out) == 0
                        and <size_t>out % VECTOR_BYTES == 0)
    cdef int threads = threads_for(<double>4 * N * rows.count * cols.count * C * U)
    for k in prange(N * bands, schedule="dynamic", num_threads=min(threads, threads_with_room(room, size))):
        winograd_band(rows, cols, groups, D, U, source + k // bands * H * W * C, H, W, panels,
                      out + k // bands * OH * OW * F, OW * F, quad_rows.count * (k % bands) // bands,
                      quad_rows.count * (k % bands + 1) // bands, work + omp_get_thread_num() * size, stream)


cdef inline void winograd_band(Axis rows, Axis cols, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                               const floating *image, Py_ssize_t H, Py_ssize_t W, const floating *panels,
                               floating *out, Py_ssize_t out_line, Py_ssize_t r, Py_ssize_t end, floating *work,
                               bint stream) noexcept nogil:
    """Rows r .. end - 1 of the quads of one image. All panels pass over a few quads before the next."""
    cdef Axis quad_rows = in_quads(rows), quad_cols = in_quads(cols)
    cdef Py_ssize_t C = groups * D, F = groups * U, tiles = ceil_div(quad_cols.count, QUADS), line = 0, t, q, g, u
    cdef Py_ssize_t step = quad_step(C, out), v_k = quad_cols.count * step, pixels, width = lanes(out)
    cdef floating *V = work
    cdef floating *lines = V + row_size(quad_cols, C, V)
    cdef const floating *x = window(image, H, W, C, quad_rows, quad_cols, r, end - r,
                                    lines + lines_size(quad_cols, C, V), &line)
    cdef const floating *panel
    cdef floating *y
    while r < end:
        row_of_quads(quad_cols, C, x, line, V, lines)
        for t in range(tiles):
            q = quad_cols.count * t // tiles
            pixels = min(2 * (quad_cols.count * (t + 1) // tiles), cols.count) - 2 * q
            y = out + (rows.out + r * quad_rows.out_step) * out_line + (cols.out + q * quad_cols.out_step) * F
            panel = panels
            for g in range(groups):
                u = 0
                while u < U:
                    quads(<int>min(<Py_ssize_t>2, rows.count - 2 * r), <int>pixels, <int>min(width, U - u), D,
                          V + q * step + g * D, step, v_k, panel, y + g * U + u, rows.out_step * out_line,
                          cols.out_step * F, stream)
                    panel += (1 + 16 * D) * width
                    u += width
        x += 2 * line
        r += 1
    if stream:
        STREAM_END()


cdef inline void quads(int height, int width, int filters, Py_ssize_t depth, const floating *v, Py_ssize_t v_quad,
                       Py_ssize_t v_k, const floating *u, floating *y, Py_ssize_t y_line,
                       Py_ssize_t y_pixel, bint stream) noexcept nogil:
    if floating is float:
        quads_f32(height, width, filters, depth, v, v_quad, v_k, u, y, y_line, y_pixel, stream)
    else:
        quads_f64(height, width, filters, depth, v, v_quad, v_k, u, y, y_line, y_pixel, stream)
