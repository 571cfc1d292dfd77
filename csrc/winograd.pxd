"""Winograd's convolution: windows of 3 x 3, 5 x 5 or any odd sizes with half of the multiplications, or less.

By definition, two neighbouring outputs of a filter with three taps take six multiplications. Four are enough:

    y0 = m0 + m1 + m2       m0 = (x0 - x2) g0        m1 = (x1 + x2) (g0 + g1 + g2) / 2
    y1 = m1 - m2 - m3       m3 = (x1 - x3) g2        m2 = (x2 - x1) (g0 - g1 + g2) / 2

In two dimensions, rows first and then columns, a quad of 2 x 2 outputs takes 16 instead of 36:

    U = G g G^T       V = B^T x B       M = sum over channels of V U, number by number       Y = A^T M A

B, G and A^T are the matrices of the four lines above: B^T is what x is multiplied by, G what g is, A^T what m is. The
price is additions: V once for all filters, U once for all images, Y once for all channels.

Halves are exact in binary: sums of whole numbers stay exact, up to a quarter of the size. Others are rounded as if each
pixel of a window met each of its weights. NaN reaches only the windows that contain it. Infinity, and numbers above a
quarter of the largest, can become NaN, as V adds four pixels.

Larger windows are blocks of 3 x 3 taps, two pixels apart, whose V are those of the next quads: a window of 5 has the
taps {0, 1, 2} and {-, 3, 4}. As tap 2 has been counted, the second block begins with a weight of 0, and so does its U.
That leaves 4 + 3 numbers for two pixels instead of 10, and 49 for four instead of 100; with 7 taps 100 instead of 196.
M sums up all blocks before it becomes Y.

An Axis of quads is an Axis: windows of two taps more than 2 * blocks that move by two. V, 16 numbers for each channel
of a quad, holds a strip of a few lines of quads at a time, mostly in the second-level cache. With few channels, all
sums of four quads and one vector of filters stay in registers until they are pixels (winograd.h). With more, M is
sixteen plain products of a strip's V and a panel of U, in register tiles of tile.h: those load 12 numbers for 20
multiplications of vectors, and not 5 for 4 (64 to 64 channels: a tenth of the time; 128 to 128: a quarter, as a panel
passes over the whole strip before the next). Every number of M has one order either way: blocks down, blocks along,
channels.

One image meets each number of U once. Where those are many, threads take panels of filters instead of lines of quads:
each computes V of the whole image, and then one panel of U after the other, which stays in its own cache.

Source: Lavin and Gray, Fast algorithms for convolutional neural networks, 2015: F(2 x 2, 3 x 3).
"""

from cython cimport floating
from cython.parallel cimport parallel, prange
from libc.string cimport memcpy, memset

from product cimport ceil_div, round_up
from slide cimport (
    Axis, Pieces, Sliding, Taps, band_count, next_piece, reach, shared_out, streamed, threads_with_room, window,
)
from tile cimport (
    L2_BYTES, Strides, Tile, lanes, omp_get_thread_num, panel_width, threads_for, tile, tile_ahead, tile_height,
    tile_width, write_rows,
)


cdef extern from "host.h" nogil:
    const int QUADS
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
    void filter_transform(int width, const void *g, void *u, const Py_ssize_t *at) noexcept
    void quads(const Quads *t, const void *v, const void *u, void *y) noexcept
    void quad(const Quads *t, const void *m, Py_ssize_t m_k, const void *start, void *y) noexcept


cdef enum:
    STRIP = 32  # quads that meet a panel before the next, about
    FEW_DEPTH = 32  # channels, below which all sums of a few quads stay in registers
    NEAR_BYTES = L2_BYTES // 4  # of U, that stay in a second-level cache beside all else
    FEW_WEIGHTS = 16384  # pairs of channel and filter, whose U a second-level cache holds
    MANY_PIXELS = 48  # of an image, from which on more weights than those pay, too
    MOST_QUADS = 256  # in an image whose V are all there at once
    ROWS = 16  # channels whose weights are transposed together


cdef inline bint in_blocks(Axis axis) noexcept nogil:
    return axis.taps % 2 and axis.taps > 1 and axis.step == 1 and axis.gap == 1 and axis.count > 3


cdef inline Py_ssize_t blocks(Axis axis) noexcept nogil:
    """Into how many blocks of three taps windows are cut."""
    return (axis.taps - 1) // 2  # that of the windows of quads, which have one tap more, too


cdef inline bint takes_winograd(const Sliding *s, floating *dtype) noexcept nogil:
    """Whether it is possible, and pays. With few channels the additions cost more than the multiplications did, and
    with few pixels the many weights of U: how many images share them may not count, as it would change bits."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t weights = s.D * s.U
    cdef bint possible = in_blocks(rows) and in_blocks(cols)
    cdef bint channels = s.U >= lanes(dtype) and (weights >= 3 * lanes(dtype) if QUADS > 3 else s.D >= 8)
    if blocks(rows) * blocks(cols) > 1:
        channels = channels and weights >= lanes(dtype) * lanes(dtype)
    return possible and channels and (weights <= FEW_WEIGHTS or rows.count * cols.count >= MANY_PIXELS)


cdef inline Axis two_by_two(Axis axis) noexcept nogil:
    axis.count, axis.out_step = ceil_div(axis.count, 2), 2 * axis.out_step
    axis.taps, axis.step = axis.taps + 1, 2
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


cdef inline bint by_quads(const Sliding *s) noexcept nogil:
    """Whether the products of a few quads stay in registers until they are summed up. Where channels are many, those of
    many quads are faster one after the other: a tile loads fewer numbers."""
    return blocks(s.rows) == 1 and blocks(s.cols) == 1 and s.D < FEW_DEPTH


cdef inline bint by_filters(const Sliding *grid) noexcept nogil:
    """Whether threads take filters, for one image with many of them, and not lines of quads."""
    return (grid.N == 1 and grid.D * grid.U > FEW_WEIGHTS and not by_quads(grid)
            and grid.rows.count * grid.cols.count <= MOST_QUADS)


cdef inline Py_ssize_t line_quads(const Sliding *grid) noexcept nogil:
    """How many quads of a line have a V: those of the last windows' other blocks, too."""
    return grid.cols.count + blocks(grid.cols) - 1


cdef inline Py_ssize_t strip_lines(const Sliding *grid) noexcept nogil:
    """How many lines of quads have a V at the same time, at most."""
    cdef Py_ssize_t lines = 1 if by_quads(grid) else min(grid.rows.count, max(<Py_ssize_t>1, STRIP // line_quads(grid)))
    return (grid.rows.count if by_filters(grid) else lines) + blocks(grid.rows) - 1


cdef inline Py_ssize_t strip_size(const Sliding *grid, floating *dtype) noexcept nogil:
    """Numbers in V; what comes after them begins a vector, too."""
    return round_up(16 * strip_lines(grid) * line_quads(grid) * quad_step(grid, dtype), lanes(dtype))


cdef inline Py_ssize_t pixels_size(const Sliding *grid, floating *dtype) noexcept nogil:
    """Numbers in B^T x for a line of quads."""
    return round_up(4 * reach(grid.cols, grid.cols.count) * grid.groups * grid.D, lanes(dtype))


cdef inline Py_ssize_t products_size(const Sliding *grid, floating *dtype) noexcept nogil:
    """Numbers in M for a panel."""
    return 0 if by_quads(grid) else (16 * strip_lines(grid) * line_quads(grid) + 1) * panel_width(dtype)


cdef inline Py_ssize_t room(const Sliding *grid, floating *dtype) noexcept nogil:
    """Numbers that a thread needs: V and M of a strip, B^T x of a line, and a band of an image with its zeros."""
    cdef Py_ssize_t height = grid.rows.count if by_filters(grid) else ceil_div(grid.rows.count, band_count(grid))
    cdef Py_ssize_t band = reach(grid.rows, height) * reach(grid.cols, grid.cols.count) * grid.groups * grid.D
    return (strip_size(grid, dtype) + products_size(grid, dtype) + pixels_size(grid, dtype)
            + round_up(band, lanes(dtype)))


cdef inline void line_of_quads(const Sliding *grid, const floating *x, Py_ssize_t line, floating *V, Py_ssize_t v_k,
                               floating *pixels) noexcept nogil:
    """V[j][i][quad][channel] of quads beside each other, whose windows begin at x; B^T x goes to `pixels`."""
    cdef Py_ssize_t C = grid.groups * grid.D, count = line_quads(grid), step = quad_step(grid, V)
    cdef Py_ssize_t length = reach(grid.cols, grid.cols.count) * C, i
    cdef Py_ssize_t pieces = count if step == C else 1, numbers = C if step == C else (2 * count - 1) * C
    input_transform(1, length, x, 0, line, pixels, 0, length)
    for i in range(4):
        input_transform(pieces, numbers, pixels + i * length, 2 * C, C, V + i * v_k, step, 4 * v_k)


# U in panels of filters, of one vector or as wide as a tile: the row that the sums start from, and the rows of filters
# U[j][channel][i] or U[j][i][block down][block along][channel], without those that are always 0: i = 0 and j = 0 of all
# blocks but the first.

cdef inline Py_ssize_t numbers(const Sliding *s) noexcept nogil:
    """Of a channel and a filter."""
    return (3 * blocks(s.rows) + 1) * (3 * blocks(s.cols) + 1)


cdef inline int filters_width(const Sliding *s, Py_ssize_t filters, floating *dtype) noexcept nogil:
    """Of the next panel."""
    return lanes(dtype) if by_quads(s) else tile_width(filters, dtype)


cdef inline Py_ssize_t panels_size(const Sliding *s, Py_ssize_t filters, floating *dtype) noexcept nogil:
    """Numbers in the panels of so many filters."""
    return (1 + numbers(s) * s.D) * round_up(filters, panel_width(dtype))


cdef inline Py_ssize_t winograd_size(const Sliding *s, Py_ssize_t threads, floating *dtype) noexcept nogil:
    """Numbers of scratch memory for so many threads."""
    cdef Sliding grid = in_quads(s)
    if by_filters(&grid):
        return threads * (panels_size(s, panel_width(dtype), dtype) + room(&grid, dtype))
    return s.groups * panels_size(s, s.U, dtype) + threads * room(&grid, dtype)


cdef inline void places(const Sliding *s, Py_ssize_t a, Py_ssize_t b, int width, Py_ssize_t *at) noexcept nogil:
    """Where U[j][i] of block a down and b along begins in a panel, for the first channel; -1 where it is always 0."""
    cdef Py_ssize_t lines = blocks(s.rows), pieces = blocks(s.cols), i, j, place
    for j in range(4):
        for i in range(4):
            if by_quads(s):
                place = 4 * j * s.D + i
            else:
                place = (1 + (j - 1) * pieces) * (3 * lines + 1) if j else 0
                place = s.D * (place + ((1 + (i - 1) * lines if i else 0) + a) * (pieces if j else 1) + b)
            at[4 * j + i] = -1 if (a and not i) or (b and not j) else place * width


cdef inline void pack_block(const Sliding *s, const Taps *at, Py_ssize_t a, Py_ssize_t b, Py_ssize_t n, int width,
                            const floating *W, floating *panel) noexcept nogil:
    """U of block a down and b along for all channels and n filters, whose taps begin at W, and zeros up to `width`."""
    cdef floating taps[ROWS * 9 * 2 * 16]  # of a few channels, and filters of the widest panel; half vectors read on
    cdef Py_ssize_t at_u[16]
    cdef Py_ssize_t D = s.D, next_u = (4 if by_quads(s) else 1) * width, d = 0, i, j, r, rows
    places(s, a, b, width, at_u)
    while d < D:
        rows = min(<Py_ssize_t>ROWS, D - d)
        memset(taps, 0, rows * 9 * width * sizeof(floating))
        for i in range(a > 0, 3):
            for j in range(b > 0, 3):
                write_rows(rows, n, W + d * at.depth + (2 * a + i) * s.rows.w_step * at.line
                           + (2 * b + j) * s.cols.w_step * at.tap, Strides(at.depth, at.col),
                           taps + (3 * i + j) * width, 9 * width)
        for r in range(rows):
            filter_transform(width, taps + r * 9 * width, panel + (d + r) * next_u, at_u)
        d += ROWS


cdef inline void pack_filters(const Sliding *s, const Taps *at, Py_ssize_t g, Py_ssize_t u, const floating *W,
                              const floating *start, floating *panel) noexcept nogil:
    """The panel of group g that begins with its filter u."""
    cdef int width = filters_width(s, s.U - u, panel)
    cdef Py_ssize_t n = min(<Py_ssize_t>width, s.U - u), a, b
    memset(panel, 0, width * sizeof(floating))
    if start:
        memcpy(panel, start + g * s.U + u, n * sizeof(floating))
    for a in range(blocks(s.rows)):
        for b in range(blocks(s.cols)):
            pack_block(s, at, a, b, n, width, W + s.rows.w * at.line + s.cols.w * at.tap + g * at.group + u * at.col,
                       panel + width)


cdef inline Quads quads_of(const Sliding *s, floating *dtype) noexcept nogil:
    """What all quads have in common."""
    cdef Py_ssize_t F = s.groups * s.U
    return Quads(height=2, width=2, filters=0, depth=s.D, v_quad=quad_step(s, dtype), v_k=0,
                 y_line=s.rows.out_step * s.OW * F, y_pixel=s.cols.out_step * F, stream=False)


cdef inline void winograd(const Sliding *s, const Taps *at, const floating *W, const floating *start,
                          const floating *source, floating *out, floating *work, Py_ssize_t size) noexcept nogil:
    """All images: source (N,H,W,groups*D), out (N,OH,OW,groups*U). The other arguments are those of `pack` in
    slide.pxd, and `size` numbers of scratch memory."""
    cdef Sliding grid = in_quads(s)
    cdef Py_ssize_t step = lanes(out) if by_quads(s) else panel_width(out), count = ceil_div(s.U, step), _, k
    cdef Py_ssize_t filters = (count - 1) * step + filters_width(s, s.U - (count - 1) * step, out)  # of a group
    cdef Py_ssize_t C = s.groups * s.D, image = s.H * s.W * C, result = s.OH * s.OW * s.groups * s.U
    cdef Py_ssize_t bands = band_count(&grid), height = grid.rows.count, own = room(&grid, out)
    cdef Py_ssize_t packed = s.groups * panels_size(s, s.U, out), panel = panels_size(s, panel_width(out), out)
    cdef bint stream = streamed(s.N * result, s.U, out)
    cdef int threads = threads_for(<double>4 * s.N * s.rows.count * s.cols.count * C * s.U)
    cdef Pieces pieces
    if by_filters(&grid):
        with parallel(num_threads=min(threads, threads_with_room(size, own + panel))):
            image_in_quads(&grid, source, work + omp_get_thread_num() * (own + panel))
            for k in prange(s.groups * count, schedule="dynamic"):
                image_by_filters(s, &grid, at, k // count, k % count * step, W, start, out,
                                 work + omp_get_thread_num() * (own + panel))
        return
    for k in prange(s.groups * count, schedule="dynamic", num_threads=threads_for(16.0 * numbers(s) * C * s.U)):
        pack_filters(s, at, k // count, k % count * step, W, start,
                     work + (k // count * filters + k % count * step) * (1 + numbers(s) * s.D))
    threads = min(threads, threads_with_room(size - packed, own))
    pieces = shared_out(s.N * bands, threads)
    for _ in prange(s.N * bands, schedule="dynamic", num_threads=threads):
        k = next_piece(&pieces, omp_get_thread_num())
        winograd_band(s, &grid, source + k // bands * image, work, out + k // bands * result,
                      height * (k % bands) // bands, height * (k % bands + 1) // bands,
                      work + packed + omp_get_thread_num() * own, stream)


cdef inline void image_in_quads(const Sliding *grid, const floating *image, floating *work) noexcept nogil:
    """V of a whole image."""
    cdef Py_ssize_t lines = strip_lines(grid), along = line_quads(grid), line = 0, k
    cdef Py_ssize_t step = quad_step(grid, work)
    cdef floating *pixels = work + strip_size(grid, work) + products_size(grid, work)
    cdef const floating *x = window(grid, image, 0, grid.rows.count, pixels + pixels_size(grid, work), &line)
    for k in range(lines):
        line_of_quads(grid, x + 2 * k * line, line, work + k * along * step, lines * along * step, pixels)


cdef inline void image_by_filters(const Sliding *s, const Sliding *grid, const Taps *at, Py_ssize_t g, Py_ssize_t u,
                                  const floating *W, const floating *start, floating *out,
                                  floating *work) noexcept nogil:
    """The panel of filters of group g that begins with its filter u, for an image whose V is in `work`."""
    cdef Py_ssize_t F = s.groups * s.U
    cdef floating *panel = work + room(grid, work)
    cdef Quads here = quads_of(s, work)
    here.v_k = strip_lines(grid) * line_quads(grid) * here.v_quad
    out += s.rows.out * s.OW * F + s.cols.out * F + g * s.U + u
    pack_filters(s, at, g, u, W, start, panel)
    quads_by_panel(s, grid, &here, work + g * s.D, panel, u, out, 0, grid.rows.count, work + strip_size(grid, work))


cdef inline void winograd_band(const Sliding *s, const Sliding *grid, const floating *image, const floating *panels,
                               floating *out, Py_ssize_t r, Py_ssize_t end, floating *work,
                               bint stream) noexcept nogil:
    """Rows r .. end - 1 of the quads of one image, in strips."""
    cdef Py_ssize_t F = s.groups * s.U, below = blocks(s.rows) - 1, lines, line = 0, k
    cdef floating *M = work + strip_size(grid, work)
    cdef floating *pixels = M + products_size(grid, work)
    cdef const floating *x = window(grid, image, r, end - r, pixels + pixels_size(grid, work), &line)
    cdef Quads here = quads_of(s, work)
    here.stream = stream
    out += s.rows.out * s.OW * F + s.cols.out * F
    while r < end:
        lines = min(end - r, strip_lines(grid) - below)
        here.v_k = (lines + below) * line_quads(grid) * here.v_quad
        for k in range(lines + below):
            line_of_quads(grid, x + 2 * k * line, line, work + k * line_quads(grid) * here.v_quad, here.v_k, pixels)
        if by_quads(s):
            panels_by_quads(s, grid, &here, work, panels, out, r)
        else:
            quads_by_panels(s, grid, &here, work, panels, out, r, lines, M)
        x += 2 * lines * line
        r += lines
    if stream:
        STREAM_END()


cdef inline void panels_by_quads(const Sliding *s, const Sliding *grid, Quads *here, const floating *V,
                                 const floating *panels, floating *out, Py_ssize_t r) noexcept nogil:
    """One line of quads. All panels pass over a few quads before the next."""
    cdef Py_ssize_t count = grid.cols.count, tiles = ceil_div(count, QUADS), t, q, g, u
    cdef int width = lanes(out)
    cdef const floating *panel
    cdef floating *y
    here.height = <int>min(<Py_ssize_t>2, s.rows.count - 2 * r)
    for t in range(tiles):
        q = count * t // tiles
        here.width = <int>(min(2 * (count * (t + 1) // tiles), s.cols.count) - 2 * q)
        y = out + 2 * (r * here.y_line + q * here.y_pixel)
        panel = panels
        for g in range(s.groups):
            u = 0
            while u < s.U:
                here.filters = <int>min(<Py_ssize_t>width, s.U - u)
                quads(here, V + q * here.v_quad + g * s.D, panel, y + g * s.U + u)
                panel += (1 + 16 * s.D) * width
                u += width


cdef inline void quads_by_panels(const Sliding *s, const Sliding *grid, Quads *here, const floating *V,
                                 const floating *panel, floating *out, Py_ssize_t r, Py_ssize_t lines,
                                 floating *M) noexcept nogil:
    """Some lines of quads. Each panel passes over all quads before the next."""
    cdef Py_ssize_t g, u
    for g in range(s.groups):
        u = 0
        while u < s.U:
            quads_by_panel(s, grid, here, V + g * s.D, panel, u, out + g * s.U + u, r, lines, M)
            panel += (1 + numbers(s) * s.D) * tile_width(s.U - u, out)
            u += tile_width(s.U - u, out)


cdef inline void quads_by_panel(const Sliding *s, const Sliding *grid, Quads *here, const floating *V,
                                const floating *panel, Py_ssize_t u, floating *out, Py_ssize_t r, Py_ssize_t lines,
                                floating *M) noexcept nogil:
    """Filter u and those after it: sixteen products, of which each number sums up all blocks of taps, give M."""
    cdef Py_ssize_t along = line_quads(grid), total = (lines - 1) * along + grid.cols.count, k, q
    cdef int width = tile_width(s.U - u, out)
    here.filters = <int>min(<Py_ssize_t>width, s.U - u)
    products(s, here, along, total, V, panel + width, width, M)
    for k in range(lines):
        here.height = <int>min(<Py_ssize_t>2, s.rows.count - 2 * (r + k))
        for q in range(grid.cols.count):
            here.width = <int>min(<Py_ssize_t>2, s.cols.count - 2 * q)
            quad(here, M + (k * along + q) * width, total * width, panel,
                 out + 2 * ((r + k) * here.y_line + q * here.y_pixel))


cdef inline void products(const Sliding *s, const Quads *here, Py_ssize_t along, Py_ssize_t total, const floating *V,
                          const floating *panel, int width, floating *M) noexcept nogil:
    """M[j][i][quad][filter] of `total` quads, `along` in a line."""
    cdef Py_ssize_t step = here.v_quad, tiles = ceil_div(total, tile_height(width, M)), rows, row, q, j, i, a, k
    cdef bint far = s.groups * numbers(s) * s.D * s.U * <Py_ssize_t>sizeof(floating) > NEAR_BYTES
    cdef Tile t = Tile(rows=1, cols=width, runs=1, a_run=step, depth=s.D, a_row=step, a_depth=1, b_row=width,
                       start_row=width, c_row=width, ahead_step=width * sizeof(floating) // tiles)
    cdef floating *m
    for j in range(4):
        t.runs = blocks(s.cols) if j else 1
        for i in range(4):
            rows = (blocks(s.rows) if i else 1) * t.runs * s.D
            for k in range(tiles):
                q = total * k // tiles
                t.rows = <int>(total * (k + 1) // tiles - q)
                m = M + q * width
                for a in range(blocks(s.rows) if i else 1):
                    row = a * t.runs * s.D
                    if far:
                        t.ahead = <const char *>(panel + rows * width) + (k * rows + row) * t.ahead_step
                        tile_ahead(&t, V + (q + a * along) * step, panel + row * width, m if a else NULL, m)
                    else:
                        tile(&t, V + (q + a * along) * step, panel + row * width, m if a else NULL, m)
            panel += rows * width
            V += here.v_k
            M += total * width
