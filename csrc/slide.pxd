"""A window sliding over images: what a convolution's forward pass and its input gradient have in common.

Both compute each pixel of `out` from a window of pixels of `source`, with the same weights everywhere:

    out[q_i, q_j] = start + sum over taps (i, j) of source[first_i + q_i step_i + i gap_i, the same for j] W[i, j]

An `Axis` says where the window of each q lies, along one axis. Channels come last: the taps of one row of a window are
one piece of memory (where gap is 1), and the windows of neighbouring q begin step * C apart. That is just how the
register tile takes its left factor: as `runs` of memory, one for each row of the window. So there is no im2col: the
tile reads the image where it lies.

Only windows that reach over the edge of the image need a copy with zeros around it: one band of rows at a time, which
stays in the second-level cache. Where filters would leave half of a vector empty, the band becomes a plane for each
channel, and a vector holds pixels (planes.h). Threads take bands. Every sum is computed by one tile in the order of the
taps, so neither bands nor threads change a bit of it.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from nnlite.kernels.host cimport num_threads
from product cimport ceil_div
from tile cimport (
    CACHE_BYTES, DEEP, L2_BYTES, STREAMS, TILE_ROWS, VECTOR_BYTES, Strides, Tile, lanes, omp_get_thread_num, pack_panel,
    panel_width, pixel_products, plain, prefetch, threads_for, tile, tile_height, tile_width, transposed, write_rows,
)


cdef extern from "typed.h" nogil:
    ctypedef struct Planes:
        Py_ssize_t lines, taps, depth
        Py_ssize_t line, tap, plane
        Py_ssize_t second
        Py_ssize_t filters

    int half_lanes(const void *dtype) noexcept
    void planes(const Planes *p, const void *x, const void *w, const void *start, void *y) noexcept


cdef extern from "team.h" nogil:
    struct Pieces:
        pass

    Pieces shared_out(Py_ssize_t count, Py_ssize_t threads) noexcept
    Py_ssize_t next_piece(Pieces *pieces, Py_ssize_t thread) noexcept


cdef struct Axis:
    Py_ssize_t count  # how many q
    Py_ssize_t out, out_step  # q stands for index out + q * out_step of `out`
    Py_ssize_t first, step  # its first tap is index first + q * step of `source`
    Py_ssize_t taps, gap  # how many taps, and how far apart
    Py_ssize_t w, w_step  # tap m has the weights of index w + m * w_step


cdef struct Sliding:
    Axis rows, cols
    Py_ssize_t N  # batch
    Py_ssize_t groups
    Py_ssize_t D, U  # channels of a group: of `source`, and of `out`
    Py_ssize_t H, W  # height and width of `source`
    Py_ssize_t OH, OW  # and of `out`


cdef struct Taps:
    # The weight of channel d of the source for channel u of the output, both of group g, at (i, j) of the kernel is
    # W[i * line + j * tap + g * group + d * depth + u * col].
    Py_ssize_t line, tap, group, depth, col


cdef enum:
    WINDOW = 32768  # numbers of a band's copy, about: half a megabyte for doubles with its output fits a cache
    MANY_WEIGHTS = L2_BYTES // 8  # beside all else, too many for a second-level cache: half of it in floats
    BANDS = 32  # at least, in a batch: work for many threads
    TOGETHER = 32  # bands, at most, that a panel passes over before the next
    BLOCKS = 16  # blocks of bands, at most, with a sum of dW each
    PARTIALS = 1048576  # numbers in these sums, at most: a part of the third-level cache


cdef inline Py_ssize_t reach(Axis axis, Py_ssize_t count) noexcept nogil:
    """How many indices of the source the windows of `count` neighbours cover."""
    return (count - 1) * axis.step + (axis.taps - 1) * axis.gap + 1 if axis.taps else 0


cdef inline Py_ssize_t band_count(const Sliding *s) noexcept nogil:
    """Into how many bands the rows of each image are cut."""
    cdef Py_ssize_t numbers = s.rows.count * s.rows.step * reach(s.cols, s.cols.count) * s.groups * s.D
    return max(<Py_ssize_t>1, min(s.rows.count, max(ceil_div(BANDS, s.N), ceil_div(numbers, WINDOW))))


cdef inline Py_ssize_t block_count(Py_ssize_t bands, Py_ssize_t size) noexcept nogil:
    """Blocks of all the bands of a batch, for `size` sums in each."""
    return max(<Py_ssize_t>1, min(bands, min(<Py_ssize_t>BLOCKS, PARTIALS // size)))


cdef inline bint is_deep(const Sliding *s, Py_ssize_t blocks) noexcept nogil:
    """Whether the pixels of a block are so many that pieces of it have sums of their own (rows.pxd says why)."""
    return s.N * s.rows.count * s.cols.count >= DEEP * blocks


cdef inline Py_ssize_t window_size(const Sliding *s) noexcept nogil:
    """Numbers in the copy of one band."""
    return reach(s.rows, ceil_div(s.rows.count, band_count(s))) * reach(s.cols, s.cols.count) * s.groups * s.D


cdef inline int threads_with_room(Py_ssize_t room, Py_ssize_t size) noexcept nogil:
    """All threads, or as many as find `size` numbers of `room` for each of them."""
    return <int>min(<Py_ssize_t>num_threads, max(<Py_ssize_t>1, room // max(<Py_ssize_t>1, size)))


cdef inline void columns_inside(const Sliding *s, Py_ssize_t *begin, Py_ssize_t *end) noexcept nogil:
    """Which columns of all that the windows of a row cover lie on the image: the others are zeros in a copy."""
    cdef Py_ssize_t left = s.cols.first, width = reach(s.cols, s.cols.count)
    begin[0] = min(max(<Py_ssize_t>0, -left), width)
    end[0] = max(begin[0], min(width, s.W - left))


cdef inline const floating *window(const Sliding *s, const floating *image, Py_ssize_t q, Py_ssize_t count,
                                   floating *copy, Py_ssize_t *line) noexcept nogil:
    """Where the windows of the rows q .. q + count - 1 begin: in the image, or in a copy with zeros around it.

    `line` becomes the distance from one row of pixels to the next.
    """
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t H = s.H, W = s.W, C = s.groups * s.D, top = rows.first + q * rows.step, left = cols.first, i
    cdef Py_ssize_t height = reach(rows, count), width = reach(cols, cols.count), begin, end
    cdef floating *row
    columns_inside(s, &begin, &end)
    if top >= 0 and left >= 0 and top + height <= H and left + width <= W:
        line[0] = W * C
        return image + (top * W + left) * C
    line[0] = width * C
    for i in range(height):
        row = copy + i * width * C
        if top + i < 0 or top + i >= H:
            memset(row, 0, width * C * sizeof(floating))
        else:
            memset(row, 0, begin * C * sizeof(floating))
            memcpy(row + begin * C, image + ((top + i) * W + left + begin) * C, (end - begin) * C * sizeof(floating))
            memset(row + end * C, 0, (width - end) * C * sizeof(floating))
    return copy


# The weights, packed in the order in which tiles read them: for each group, for each panel of its columns, the row that
# the sums start from and the rows of all taps. A group has D channels of the source and U of the output.

cdef inline Py_ssize_t packed_size(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers in all panels. Only the last panel of a group is as narrow as possible."""
    cdef Py_ssize_t U = s.U, last = U % panel_width(dtype)
    return s.groups * (1 + s.rows.taps * s.cols.taps * s.D) * (U - last + (tile_width(last, dtype) if last else 0))


cdef inline void pack(const Sliding *s, const Taps *at, const floating *W, const floating *start,
                      floating *panels) noexcept nogil:
    """`start` is NULL or holds groups * U numbers."""
    cdef Py_ssize_t count = ceil_div(s.U, panel_width(panels)), group = packed_size(s, panels) // s.groups, g, u, k
    for k in prange(s.groups * count, schedule="dynamic", num_threads=threads_for(4.0 * s.groups * group)):
        g = k // count
        u = k % count * panel_width(panels)
        pack_columns(s, at, s.U - u, W + g * at.group + u * at.col, start + g * s.U + u if start else NULL,
                     panels + g * group + u * (1 + s.rows.taps * s.cols.taps * s.D))


cdef inline void pack_columns(const Sliding *s, const Taps *at, Py_ssize_t count, const floating *W,
                              const floating *start, floating *panel) noexcept nogil:
    """The next panel of `count` columns, whose weights begin at W."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef int width = tile_width(count, panel)
    cdef Py_ssize_t i, j
    if start:
        pack_panel(1, count, start, plain(0), panel, width)
    else:
        memset(panel, 0, width * sizeof(floating))
    panel += width
    for i in range(rows.taps):
        for j in range(cols.taps):
            pack_panel(s.D, count, W + (rows.w + i * rows.w_step) * at.line + (cols.w + j * cols.w_step) * at.tap,
                       Strides(at.depth, at.col), panel, width)
            panel += s.D * width


cdef inline bint in_planes(const Sliding *s, floating *dtype) noexcept nogil:
    """Whether a vector of pixels is filled better than one of filters, and taps are enough to pay for the planes."""
    return (s.groups == 1 and s.U <= half_lanes(dtype) < lanes(dtype) <= s.cols.count and s.cols.step == 1
            and s.cols.out_step == 1 and s.rows.taps * s.cols.taps > 4)


cdef inline bint is_pixel(Axis axis, Py_ssize_t size, Py_ssize_t out_size) noexcept nogil:
    """Whether window q is pixel q of the source, and gives pixel q of `out`."""
    return (axis.taps == axis.step == axis.out_step == 1 and axis.first == axis.out == 0
            and axis.count == size == out_size)


cdef inline void slide(const Sliding *s, const floating *source, const floating *panels, floating *out,
                       floating *copies, Py_ssize_t room) noexcept nogil:
    """All images: source (N,H,W,groups*D), out (N,OH,OW,groups*U). copies: `room` numbers, for a thread's bands."""
    cdef Py_ssize_t count = s.rows.count, bands = band_count(s), size = window_size(s), together, tasks, _, k
    cdef Py_ssize_t pixels, first, end
    cdef Pieces pieces
    cdef bint stream
    cdef int threads = threads_for(<double>s.N * count * s.cols.count * s.rows.taps * s.cols.taps * s.groups * s.D
                                   * s.U)
    if s.groups == 1 and is_pixel(s.rows, s.H, s.OH) and is_pixel(s.cols, s.W, s.OW):
        pixels = s.N * s.H * s.W
        stream = streamed(pixels * s.U, s.U, out)
        bands = min(s.N * bands, max(<Py_ssize_t>BANDS, 4 * threads))  # long ones, of many tiles
        pieces = shared_out(bands, threads)
        for _ in prange(bands, schedule="dynamic", num_threads=threads):
            k = next_piece(&pieces, omp_get_thread_num())
            first = pixels * k // bands
            end = pixels * (k + 1) // bands
            pixel_products(end - first, s.D, s.U, source + first * s.D, panels, out + first * s.U, stream)
        return
    together = bands_together(s, threads, out)
    threads = min(threads, threads_with_room(room, together * size))
    tasks = ceil_div(s.N * bands, together)
    pieces = shared_out(tasks, threads)
    for _ in prange(tasks, schedule="dynamic", num_threads=threads):
        k = next_piece(&pieces, omp_get_thread_num())
        slide_bands(s, source, panels, out, s.N * bands * k // tasks, s.N * bands * (k + 1) // tasks,
                    copies + omp_get_thread_num() * together * size)


cdef inline bint streamed(Py_ssize_t numbers, Py_ssize_t filters, floating *out) noexcept nogil:
    """Whether so many numbers of a result are written past the cache: whole vectors of it."""
    return (STREAMS and numbers * sizeof(floating) > CACHE_BYTES and filters % lanes(out) == 0
            and <size_t>out % VECTOR_BYTES == 0)


cdef inline void slide_bands(const Sliding *s, const floating *source, const floating *panels, floating *out,
                             Py_ssize_t k, Py_ssize_t end, floating *copies) noexcept nogil:
    """Bands k .. end - 1 of all images.

    All panels pass over a tile before the next tile; where the second-level cache does not hold them, one panel passes
    over all tiles of these bands before the next panel.
    """
    cdef Py_ssize_t count = s.rows.count, bands = band_count(s), image = s.H * s.W * s.groups * s.D
    cdef Py_ssize_t result = s.OH * s.OW * s.groups * s.U, first = 0, last, b, i
    cdef Py_ssize_t line[TOGETHER]
    cdef const floating *x[TOGETHER]
    if in_planes(s, out):
        planes_band(s, source + k // bands * image, panels, out + k // bands * result, count * (k % bands) // bands,
                    count * (k % bands + 1) // bands, copies)
        return
    for i in range(end - k):
        b = (k + i) % bands
        x[i] = window(s, source + (k + i) // bands * image, count * b // bands,
                      count * (b + 1) // bands - count * b // bands, copies + i * window_size(s), &line[i])
    while first < s.U:
        last = min(s.U, first + panel_width(out)) if by_panels(s, count * (end - k) // bands) else s.U
        for i in range(end - k):
            b = (k + i) % bands
            slide_band(s, x[i], line[i], panels, first, last, out + (k + i) // bands * result, count * b // bands,
                       count * (b + 1) // bands)
        panels += (1 + s.rows.taps * s.cols.taps * s.D) * (last - first)  # a panel of one group, if it is not the last
        first = last


cdef inline void slide_band(const Sliding *s, const floating *a, Py_ssize_t line, const floating *panels,
                            Py_ssize_t first, Py_ssize_t last, floating *out, Py_ssize_t q,
                            Py_ssize_t end) noexcept nogil:
    """Filters first .. last - 1 of each group for the rows q .. end - 1 of an image, whose windows begin at a, in tiles
    of about equal height."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t groups = s.groups, D = s.D, U = s.U, C = groups * D, F = groups * U, out_line = s.OW * F
    cdef Py_ssize_t tiles = ceil_div(cols.count, tile_height(U, out)), t, j, g, u, tap, tap_end
    cdef const floating *panel
    cdef floating *c
    cdef int height, width, inside
    while q < end:
        inside_taps(rows, s.H, q, &tap, &tap_end)
        for t in range(tiles):
            j = cols.count * t // tiles
            height = <int>(cols.count * (t + 1) // tiles - j)
            panel = panels
            if rows.taps * cols.taps == 1:  # each pixel is met once
                prefetch(a + (j + height) * cols.step * C, height * cols.step * C * sizeof(floating))
            for g in range(groups):
                u = first
                while u < last:
                    width = tile_width(U - u, out)
                    inside = <int>min(U - u, <Py_ssize_t>width)
                    c = out + (rows.out + q * rows.out_step) * out_line + (cols.out + j * cols.out_step) * F + g * U + u
                    slide_tile(s, tap, tap_end, height, inside, a + j * cols.step * C + g * D, line, panel, width, c)
                    panel += (1 + rows.taps * cols.taps * D) * width
                    u += width
        a += rows.step * line
        q += 1


cdef inline bint many_weights(const Sliding *s) noexcept nogil:
    """Whether a second-level cache does not hold all panels."""
    return s.groups == 1 and s.rows.taps > 1 and s.rows.taps * s.cols.taps * s.D * s.U > MANY_WEIGHTS


cdef inline Py_ssize_t bands_together(const Sliding *s, Py_ssize_t threads, floating *dtype) noexcept nogil:
    """How many bands a panel passes over before the next: as many as stay in a quarter of the second-level cache."""
    cdef Py_ssize_t most = min(<Py_ssize_t>TOGETHER, MANY_WEIGHTS // 2 // max(<Py_ssize_t>1, window_size(s)))
    if not many_weights(s) or in_planes(s, dtype):
        return 1
    return max(<Py_ssize_t>1, min(most, s.N * band_count(s) // threads))


cdef inline bint by_panels(const Sliding *s, Py_ssize_t rows) noexcept nogil:
    """Whether a second-level cache does not hold all panels, and in so many rows enough tiles meet each."""
    return many_weights(s) and rows * s.cols.count > 2 * TILE_ROWS


cdef inline void planes_band(const Sliding *s, const floating *image, const floating *panel, floating *out,
                             Py_ssize_t q, Py_ssize_t end, floating *copy) noexcept nogil:
    """Rows q .. end - 1 of one image, in vectors of pixels: the last ones may begin among those of the ones before."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t width = lanes(out), height = reach(rows, end - q), wide = reach(cols, cols.count), tap, tap_end, j
    cdef const floating *x
    cdef Planes p
    p.taps, p.depth, p.filters = cols.taps, s.D, s.U
    p.line, p.tap, p.plane = wide, cols.gap, height * wide
    x = copy
    if s.D == 1:
        x = window(s, image, q, end - q, copy, &p.line)
    else:
        fill_planes(s, image, rows.first + q * rows.step, height, copy)
    p.line *= rows.gap
    while q < end:
        inside_taps(rows, s.H, q, &tap, &tap_end)
        p.lines = tap_end - tap
        j = 0
        while j < cols.count:
            p.second = min(width, cols.count - j - width)
            if p.second < 0:
                j += p.second
            p.second = max(<Py_ssize_t>0, p.second)
            planes(&p, x + tap * p.line + j, panel + (1 + tap * cols.taps * s.D) * half_lanes(out), panel,
                   out + ((rows.out + q * rows.out_step) * s.OW + cols.out + j) * s.U)
            j += 2 * width
        x += rows.step * (p.line // rows.gap)
        q += 1


cdef inline void fill_planes(const Sliding *s, const floating *image, Py_ssize_t top, Py_ssize_t height,
                             floating *copy) noexcept nogil:
    """The rows of the image from `top` on, each channel by itself, with zeros around it."""
    cdef Py_ssize_t left = s.cols.first, width = reach(s.cols, s.cols.count), begin, end, i
    columns_inside(s, &begin, &end)
    memset(copy, 0, s.D * height * width * sizeof(floating))
    for i in range(max(<Py_ssize_t>0, -top), min(height, s.H - top)):
        write_rows(s.D, end - begin, image + ((top + i) * s.W + left + begin) * s.D, transposed(s.D),
                   copy + i * width + begin, height * width)


cdef inline void inside_taps(Axis axis, Py_ssize_t size, Py_ssize_t q, Py_ssize_t *tap,
                             Py_ssize_t *end) noexcept nogil:
    """Which taps of window q lie on the source, which is `size` long: the others would multiply zeros."""
    cdef Py_ssize_t first = axis.first + q * axis.step, before = max(<Py_ssize_t>0, -first)
    cdef Py_ssize_t inside = max(<Py_ssize_t>0, size - first)
    if axis.gap > 1:
        before, inside = ceil_div(before, axis.gap), ceil_div(inside, axis.gap)
    tap[0] = min(axis.taps, before)
    end[0] = max(tap[0], min(axis.taps, inside))


cdef inline void slide_tile(const Sliding *s, Py_ssize_t tap, Py_ssize_t tap_end, int height, int width,
                            const floating *a, Py_ssize_t line, const floating *panel, int panel_row,
                            floating *c) noexcept nogil:
    """One panel's columns of `height` pixels, from the window's rows tap .. tap_end - 1."""
    cdef Axis cols = s.cols
    cdef Py_ssize_t D = s.D, C = s.groups * D, c_row = cols.out_step * s.groups * s.U, to_next = s.rows.gap * line, _
    # Are the taps of a row one piece of memory? If not, each row of the window is a product of its own.
    cdef bint joined = cols.taps <= 1 or (cols.gap == 1 and C == D) or tap == tap_end
    cdef const floating *start = panel
    cdef const floating *b = panel + (1 + tap * cols.taps * D) * panel_row
    cdef Tile t = Tile(rows=height, cols=width, runs=tap_end - tap, a_run=to_next, depth=cols.taps * D,
                       a_row=cols.step * C, a_depth=1, b_row=panel_row, start_row=0, c_row=c_row)
    a += tap * to_next
    if joined:
        tile(&t, a, b, panel, c)
        return
    t.runs, t.a_run, t.depth = cols.taps, cols.gap * C, D
    for _ in range(tap, tap_end):
        tile(&t, a, b, start, c)
        start, t.start_row = c, c_row
        a += to_next
        b += cols.taps * D * panel_row
