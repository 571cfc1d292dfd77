"""A window sliding over images: what a convolution's forward pass and its input gradient have in common.

Both compute each pixel of `out` from a window of pixels of `source`, and the same weights everywhere:

    out[q_i, q_j] = start + sum over taps (i, j) of source[first_i + q_i step_i + i gap_i, the same for j] W[i, j]

An `Axis` says where the window of each q lies, along one axis. Channels come last: the taps of one row of a window are
one piece of memory (where gap is 1), and the windows of neighbouring q begin step * C apart. That is just how the
register tile takes its left factor: as `runs` of memory, one for each row of the window. So there is no im2col: the
tile reads the image where it lies.

Only windows that reach over the edge of the image need a copy with zeros around it: of one band of its rows at a time,
which stays in the second-level cache. Threads take bands. Every sum is the work of one tile in the order of the
taps, so neither bands nor threads change a bit of it.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from nnlite.kernels.host cimport num_threads
from product cimport ceil_div
from tile cimport TILE_ROWS, omp_get_thread_num, pack_panel, panel_width, prefetch, threads_for, tile, tile_width


cdef struct Axis:
    Py_ssize_t count  # how many q
    Py_ssize_t out, out_step  # q stands for index out + q * out_step of `out`
    Py_ssize_t first, step  # its first tap is index first + q * step of `source`
    Py_ssize_t taps, gap  # how many taps, and how far apart
    Py_ssize_t w, w_step  # tap m has the weights of index w + m * w_step


cdef enum:
    WINDOW = 32768  # numbers of a band's copy, about: half a megabyte for doubles with its output fits a cache
    BANDS = 32  # at least, in a batch: work for many threads


cdef inline Py_ssize_t reach(Axis axis, Py_ssize_t count) noexcept nogil:
    """How many indices of the source the windows of `count` neighbours cover."""
    return (count - 1) * axis.step + (axis.taps - 1) * axis.gap + 1 if axis.taps else 0


cdef inline Py_ssize_t band_count(Py_ssize_t N, Axis rows, Axis cols, Py_ssize_t C) noexcept nogil:
    """Into how many bands the rows of each image are cut."""
    cdef Py_ssize_t numbers = rows.count * rows.step * reach(cols, cols.count) * C
    return max(<Py_ssize_t>1, min(rows.count, max(ceil_div(BANDS, N), ceil_div(numbers, WINDOW))))


cdef inline Py_ssize_t window_size(Py_ssize_t N, Axis rows, Axis cols, Py_ssize_t C) noexcept nogil:
    """Numbers in the copy of one band."""
    return reach(rows, ceil_div(rows.count, band_count(N, rows, cols, C))) * reach(cols, cols.count) * C


cdef inline int threads_with_room(Py_ssize_t room, Py_ssize_t size) noexcept nogil:
    """All threads, or as many as find `size` numbers of `room` for each of them."""
    return <int>min(<Py_ssize_t>num_threads, max(<Py_ssize_t>1, room // max(<Py_ssize_t>1, size)))


cdef inline const floating *window(const floating *image, Py_ssize_t H, Py_ssize_t W, Py_ssize_t C, Axis rows,
                                   Axis cols, Py_ssize_t q, Py_ssize_t count, floating *copy,
                                   Py_ssize_t *line) noexcept nogil:
    """Where the windows of the rows q .. q + count - 1 begin: in the image, or in a copy with zeros around it.

    `line` becomes the distance of one row of pixels from the next.
    """
    cdef Py_ssize_t top = rows.first + q * rows.step, left = cols.first, i
    cdef Py_ssize_t height = reach(rows, count), width = reach(cols, cols.count)
    cdef Py_ssize_t begin = min(max(<Py_ssize_t>0, -left), width), end = max(begin, min(width, W - left))
    cdef floating *row
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


cdef inline bint depthwise(Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U) noexcept nogil:
    """Whether each channel of the source has one of the output for itself."""
    return groups > 1 and D == 1 and U == 1


# The weights, packed in the order in which tiles meet them: for each group, for each panel of its columns, the row that
# the sums start from and the rows of all taps. D channels of the source and U of the output are in a group. Depthwise,
# the channels of all groups stand side by side as those of one.

cdef inline Py_ssize_t packed_size(Axis rows, Axis cols, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                                   floating *dtype) noexcept nogil:
    """Numbers in all panels. Only the last panel of a group is as narrow as may be."""
    if depthwise(groups, D, U):
        groups, U = 1, groups
    cdef Py_ssize_t last = U % panel_width(dtype)
    return groups * (1 + rows.taps * cols.taps * D) * (U - last + (tile_width(last, dtype) if last else 0))


cdef inline void pack(Axis rows, Axis cols, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U, const floating *W,
                      Py_ssize_t w_line, Py_ssize_t w_tap, Py_ssize_t w_group, Py_ssize_t w_depth, Py_ssize_t w_col,
                      const floating *start, floating *panels) noexcept nogil:
    """The weight of channel d of the source for channel u of the output, both of group g, at (i, j) of the kernel is
    W[i * w_line + j * w_tap + g * w_group + d * w_depth + u * w_col]; start is NULL or holds groups * U numbers."""
    cdef Py_ssize_t g, u, i, j
    cdef const floating *w
    cdef int width
    if depthwise(groups, D, U):
        groups, U, w_col = 1, groups, w_group
    for g in range(groups):
        u = 0
        while u < U:
            width = tile_width(U - u, panels)
            if start:
                pack_panel(1, U - u, start + g * U + u, 0, 1, panels, width)
            else:
                memset(panels, 0, width * sizeof(floating))
            panels += width
            for i in range(rows.taps):
                for j in range(cols.taps):
                    w = W + (rows.w + i * rows.w_step) * w_line + (cols.w + j * cols.w_step) * w_tap
                    pack_panel(D, U - u, w + g * w_group + u * w_col, w_depth, w_col, panels, width)
                    panels += D * width
            u += width


cdef inline void slide(Axis rows, Axis cols, Py_ssize_t N, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                       const floating *source, Py_ssize_t H, Py_ssize_t W, const floating *panels, floating *out,
                       Py_ssize_t OH, Py_ssize_t OW, floating *copies, Py_ssize_t room) noexcept nogil:
    """All images: source (N,H,W,groups*D), out (N,OH,OW,groups*U). copies: `room` numbers, for one band a thread."""
    cdef Py_ssize_t bands = band_count(N, rows, cols, groups * D), size = window_size(N, rows, cols, groups * D), k
    cdef int threads = threads_for(<double>N * rows.count * cols.count * rows.taps * cols.taps * groups * D * U)
    for k in prange(N * bands, schedule="dynamic", num_threads=min(threads, threads_with_room(room, size))):
        slide_band(rows, cols, groups, D, U, source + k // bands * H * W * groups * D, H, W, panels,
                   out + k // bands * OH * OW * groups * U, OW * groups * U, rows.count * (k % bands) // bands,
                   rows.count * (k % bands + 1) // bands, copies + omp_get_thread_num() * size)


cdef inline void slide_band(Axis rows, Axis cols, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U, const floating *image,
                            Py_ssize_t H, Py_ssize_t W, const floating *panels, floating *out, Py_ssize_t out_line,
                            Py_ssize_t q, Py_ssize_t end, floating *copy) noexcept nogil:
    """Rows q .. end - 1 of one image, in tiles of equal height. All panels pass over a tile before the next."""
    cdef Py_ssize_t C = groups * D, F = groups * U, tiles = ceil_div(cols.count, TILE_ROWS), line = 0, t, j, g, u
    cdef Py_ssize_t tap, tap_end
    cdef const floating *a = window(image, H, W, C, rows, cols, q, end - q, copy, &line)
    cdef const floating *panel
    cdef floating *c
    cdef int height, width, inside
    cdef bint elementwise = depthwise(groups, D, U)
    if elementwise:
        groups, U = 1, groups
    while q < end:
        inside_taps(rows, H, q, &tap, &tap_end)
        for t in range(tiles):
            j = cols.count * t // tiles
            height = <int>(cols.count * (t + 1) // tiles - j)
            panel = panels
            if rows.taps * cols.taps == 1:  # each pixel is met once: a tenth of 64 to 64 channels, 1 x 1
                prefetch(a + (j + height) * cols.step * C, height * cols.step * C * sizeof(floating))
            for g in range(groups):
                u = 0
                while u < U:
                    width = tile_width(U - u, out)
                    inside = <int>min(U - u, <Py_ssize_t>width)
                    c = out + (rows.out + q * rows.out_step) * out_line + (cols.out + j * cols.out_step) * F + g * U + u
                    if elementwise:
                        depthwise_pixels(rows, cols, C, height, inside, a + j * cols.step * C + u, line, panel, width,
                                         c)
                    else:
                        slide_tile(rows, cols, tap, tap_end, C, D, F, height, inside, a + j * cols.step * C + g * D,
                                   line, panel, width, c)
                    panel += (1 + rows.taps * cols.taps * D) * width
                    u += width
        a += rows.step * line
        q += 1


cdef inline void inside_taps(Axis rows, Py_ssize_t H, Py_ssize_t q, Py_ssize_t *tap, Py_ssize_t *end) noexcept nogil:
    """Which rows of the window of row q lie in the image: the others would multiply zeros."""
    cdef Py_ssize_t top = rows.first + q * rows.step
    tap[0] = min(rows.taps, ceil_div(max(<Py_ssize_t>0, -top), rows.gap))
    end[0] = max(tap[0], min(rows.taps, ceil_div(max(<Py_ssize_t>0, H - top), rows.gap)))


cdef inline void slide_tile(Axis rows, Axis cols, Py_ssize_t tap, Py_ssize_t tap_end, Py_ssize_t C, Py_ssize_t D,
                            Py_ssize_t F, int height, int width, const floating *a, Py_ssize_t line,
                            const floating *panel, int panel_row, floating *c) noexcept nogil:
    """One panel's columns of `height` pixels, from the window's rows tap .. tap_end - 1."""
    # Are the taps of a row one piece of memory? If not, each row of the window is a product of its own.
    cdef bint joined = cols.taps <= 1 or (cols.gap == 1 and C == D) or tap == tap_end
    cdef Py_ssize_t c_row = cols.out_step * F, i
    cdef const floating *start = panel
    cdef const floating *b = panel + (1 + tap * cols.taps * D) * panel_row
    a += tap * rows.gap * line
    if joined:
        tile(height, width, tap_end - tap, rows.gap * line, cols.taps * D, a, cols.step * C, 1, b, panel_row, start, 0,
             c, c_row)
        return
    for i in range(tap, tap_end):
        tile(height, width, cols.taps, cols.gap * C, D, a, cols.step * C, 1, b, panel_row, start,
             c_row if i > tap else 0, c, c_row)
        start = c
        a += rows.gap * line
        b += cols.taps * D * panel_row


cdef inline void depthwise_pixels(Axis rows, Axis cols, Py_ssize_t C, int height, int width, const floating *a,
                                  Py_ssize_t line, const floating *panel, int panel_row, floating *out) noexcept nogil:
    """The same where every channel has weights of its own: pixels times weights, channel by channel."""
    cdef Py_ssize_t _, i, j, u
    cdef const floating *x
    cdef const floating *w
    for _ in range(height):
        for u in range(width):
            out[u] = panel[u]
        w = panel + panel_row
        for i in range(rows.taps):
            for j in range(cols.taps):
                x = a + i * rows.gap * line + j * cols.gap * C
                for u in range(width):
                    out[u] += x[u] * w[u]
                w += panel_row
        a += cols.step * C
        out += cols.out_step * C
