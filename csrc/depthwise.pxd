"""Convolution in small groups: depthwise, with a few filters a channel, and in groups of 2, 4 or 8 channels.

The tile of slide.pxd has a column for each filter of a group: with few filters it would be mostly empty. depthwise.h
has vectors of neighbouring channels instead, whatever their groups; what is here says where they lie. Images are read
in place: there is no copy with zeros around it, as every pixel knows which of its taps lie on the image.

               W               The pixels in the middle see all taps of a row, and one call computes them. Those of an
        +--+--------+--+       edge see fewer: there, a call computes pixels below each other, as these see the same.
        |  |        |  |       For dW, a piece of the image with the same taps is one call, too: its sums pass over all
      H | 1|   2    |3 |       pixels of the piece.
        |  |        |  |
        +--+--------+--+       Channels that fill no vectors: where windows move by one pixel, `side` pixels beside each
                               other are treated as one of side * C channels, as their taps are just as far from each
        C|C|C|C|C|C|C|C        other. Their weights are repeated, and their sums of dW are added.
        vector|vector|ve

With several filters a channel, each channel of x is repeated for all of its filters; for dx, what they give is added.

Threads take bands of rows. Every number of y and dx is the work of one call, in the order of the taps; those of dW are
summed in blocks of bands, whose number follows from the shapes.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from nnlite.kernels.host cimport num_threads
from product cimport ceil_div, round_up
from rows cimport add_row
from slide cimport Axis, Sliding, Taps, band_count, block_count, inside_taps, is_deep, reach, threads_with_room
from tile cimport CACHE_BYTES, lanes, omp_get_thread_num, threads_for


cdef extern from "typed.h" nogil:
    const int SMALL_GROUP

    ctypedef struct Groups:
        int group
        Py_ssize_t channels
        Py_ssize_t taps, line
        Py_ssize_t first, rows, cols
        Py_ssize_t x_row, x_col
        Py_ssize_t x_line, x_pixel
        Py_ssize_t y_line, y_pixel
        Py_ssize_t x_ahead

    int vector_channels(Py_ssize_t channels, const void *dtype) noexcept
    void group_pixels(const Groups *t, Py_ssize_t pixels, const void *x, const void *panels, void *y) noexcept
    void group_gradients(const Groups *t, Py_ssize_t lines, Py_ssize_t pixels, const void *x, const void *dy,
                         void *panels) noexcept


cdef enum:
    PIXELS = 128  # in a band for dW, at least: its sums are loaded and stored once for all of them
    PIECE = 1024  # pixels of a block that have sums of their own, about, where it has very many


cdef inline bint small_groups(const Sliding *s, floating *dtype, int most) noexcept nogil:
    """Whether vectors of channels are possible: with one channel or one filter in a group, or up to `most` of both."""
    cdef Py_ssize_t D = s.D, U = s.U
    return s.groups > 1 and max(D, U) <= SMALL_GROUP and (min(D, U) == 1 or (D == U and D in (2, 4, 8) and D <= most))


cdef inline bint takes_groups(const Sliding *s, floating *dtype) noexcept nogil:
    """Whether they pay: eight filters that fill a vector are faster in tiles, as none of their sums is moved."""
    cdef int width = vector_channels(s.groups * s.D, dtype)
    return small_groups(s, dtype, width if s.D < SMALL_GROUP else width // 2)


cdef inline bint takes_gradients(const Sliding *s, floating *dtype) noexcept nogil:
    """The same for dW."""
    return s.U >= s.D and small_groups(s, dtype, vector_channels(s.groups * s.D, dtype))


cdef inline Py_ssize_t channels(const Sliding *s) noexcept nogil:
    """Of what is computed: those of the source or of the output, whichever has more."""
    return s.groups * max(s.D, s.U)


cdef inline void middle(Axis axis, Py_ssize_t size, Py_ssize_t *begin, Py_ssize_t *end) noexcept nogil:
    """The windows that lie on the source, `size` long, with all of their taps."""
    begin[0] = min(axis.count, max(<Py_ssize_t>0, ceil_div(-axis.first, axis.step)))
    end[0] = max(begin[0], min(axis.count, ceil_div(size - axis.first - (axis.taps - 1) * axis.gap, axis.step)))


cdef inline Py_ssize_t side_by_side(const Sliding *s, floating *dtype) noexcept nogil:
    """How many pixels are treated as one, so that their channels fill vectors; 1 where that saves nothing."""
    cdef Py_ssize_t C = channels(s), width = lanes(dtype), whole = width, begin, end, count
    while whole > 1 and C % whole:
        whole //= 2
    middle(s.cols, s.W, &begin, &end)
    count = end - begin
    if whole == width or C > 4 * width or s.cols.step > 1 or s.cols.out_step > 1 or count < 2:
        return 1
    return count // max(<Py_ssize_t>1, count // (width // whole))


cdef inline Groups in_groups(const Sliding *s, Py_ssize_t side) noexcept nogil:
    """`side` neighbouring pixels as one."""
    cdef Py_ssize_t C = channels(s)
    cdef bint cached = s.N * s.H * s.W * C * 4 <= CACHE_BYTES or s.U > s.D
    return Groups(group=<int>s.D if s.D == s.U else 1, channels=side * C, taps=s.rows.taps * s.cols.taps,
                  line=s.cols.taps, first=0, rows=0, cols=0, x_row=s.rows.gap * s.W * C, x_col=s.cols.gap * C,
                  x_line=s.rows.step * s.W * C, x_pixel=side * s.cols.step * C, y_line=s.cols.count * C,
                  y_pixel=side * C * (s.cols.out_step if s.D <= s.U else 1),
                  x_ahead=0 if cached else ((s.rows.taps - 1) * s.rows.gap + s.rows.step) * s.W * C)


cdef inline Py_ssize_t panels_size(const Groups *t, floating *dtype) noexcept nogil:
    cdef Py_ssize_t width = vector_channels(t.channels, dtype)
    return round_up(t.channels, width) * (1 + t.taps * t.group)


cdef inline Py_ssize_t all_panels(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers in the panels of single pixels, and of those side by side, if any."""
    cdef Py_ssize_t side = side_by_side(s, dtype)
    cdef Groups single = in_groups(s, 1), wide = in_groups(s, side)
    return panels_size(&single, dtype) + (panels_size(&wide, dtype) if side > 1 else 0)


cdef inline void find_places(const Sliding *s, const Groups *t, const Taps *at, Py_ssize_t c, Py_ssize_t width,
                             Py_ssize_t *places) noexcept nogil:
    """Which weights the panel that begins at channel c holds: lane m of row r, of each tap, is that of W at
    places[r * width + m], counted from the same tap's weight of channel 0 and filter 0."""
    cdef Py_ssize_t C = channels(s), group = max(s.D, s.U), r, m, d, u
    for m in range(width):
        d = u = (c + m) % C % group
        for r in range(t.group):
            if s.D == s.U:
                u = d ^ r
            places[r * width + m] = ((c + m) % C // group * at.group + (d if s.D > 1 else 0) * at.depth
                                     + (u if s.U > 1 else 0) * at.col)


cdef inline void pack_groups(const Sliding *s, const Taps *at, Py_ssize_t side, const floating *W,
                             const floating *start, floating *panels) noexcept nogil:
    """The panels of `side` pixels as one; the other arguments are those of `pack` in slide.pxd."""
    cdef Groups t = in_groups(s, side)
    cdef Py_ssize_t places[SMALL_GROUP * 16]
    cdef Py_ssize_t width = vector_channels(t.channels, panels), C = channels(s), v = 0, c, i, j, k, ch
    cdef Py_ssize_t fold = s.D // min(s.D, s.U)  # channels that one filter adds: the first has its bias
    cdef const floating *w
    while v < t.channels:
        c = min(v, t.channels - width)
        find_places(s, &t, at, c, width, places)
        for k in range(width):
            ch = (c + k) % C
            panels[k] = 0 if not start or ch % fold else start[ch // fold]
        panels += width
        for i in range(s.rows.taps):
            for j in range(s.cols.taps):
                w = W + (s.rows.w + i * s.rows.w_step) * at.line + (s.cols.w + j * s.cols.w_step) * at.tap
                for k in range(t.group * width):
                    panels[k] = w[places[k]]
                panels += t.group * width
        v += width


cdef inline void unpack_sums(const Sliding *s, const Taps *at, Py_ssize_t side, const floating *panels, floating *dW,
                             floating *db) noexcept nogil:
    """Add the sums in the panels to dW and db."""
    cdef Groups t = in_groups(s, side)
    cdef Py_ssize_t places[SMALL_GROUP * 16]
    cdef Py_ssize_t width = vector_channels(t.channels, panels), C = channels(s), v = 0, c, i, j, r, m
    cdef floating *w
    while v < t.channels:
        c = min(v, t.channels - width)
        find_places(s, &t, at, c, width, places)
        if db:
            for m in range(v - c, width):
                db[(c + m) % C] += panels[m]
        panels += width
        for i in range(s.rows.taps):
            for j in range(s.cols.taps):
                w = dW + i * at.line + j * at.tap
                for r in range(t.group):
                    for m in range(v - c, width):
                        w[places[r * width + m]] += panels[m]
                    panels += width
        v += width


cdef inline Py_ssize_t copies_size(const Sliding *s, Py_ssize_t count) noexcept nogil:
    """Numbers that a thread needs for `count` rows: the source with repeated channels, or a row of y before it is
    added up."""
    if s.U > s.D:
        return reach(s.rows, count) * s.W * channels(s)
    return s.cols.count * channels(s) if s.D > s.U else 0


cdef inline const floating *repeated(const Sliding *s, const floating *image, Py_ssize_t q, Py_ssize_t count,
                                     floating *copy) noexcept nogil:
    """The image, each channel once for every filter, as far as rows q .. q + count - 1 see it."""
    cdef Py_ssize_t times = s.U // s.D, top = s.rows.first + q * s.rows.step, k, u
    cdef Py_ssize_t begin = max(<Py_ssize_t>0, top) * s.W * s.groups
    cdef Py_ssize_t end = max(<Py_ssize_t>0, min(s.H, top + reach(s.rows, count))) * s.W * s.groups
    if s.U <= s.D:
        return image
    image += begin
    if times == 2:
        for k in range(end - begin):
            copy[2 * k] = image[k]
            copy[2 * k + 1] = image[k]
    else:
        for k in range(end - begin):
            for u in range(times):
                copy[k * times + u] = image[k]
    return copy - begin * times


cdef inline Py_ssize_t groups_room(const Sliding *s) noexcept nogil:
    """Numbers that a thread needs beside the panels."""
    return copies_size(s, ceil_div(s.rows.count, band_count(s)))


cdef inline Py_ssize_t groups_size(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers of scratch memory for `slide_in_groups`, for all threads."""
    return all_panels(s, dtype) + num_threads * groups_room(s)


cdef inline void slide_in_groups(const Sliding *s, const Taps *at, const floating *W, const floating *start,
                                 const floating *source, floating *out, floating *work,
                                 Py_ssize_t room) noexcept nogil:
    """All images: source (N,H,W,groups*D), out (N,OH,OW,groups*U)."""
    cdef Py_ssize_t image = s.H * s.W * s.groups * s.D, result = s.OH * s.OW * s.groups * s.U, count = s.rows.count
    cdef Py_ssize_t bands = band_count(s), size = groups_room(s), side = side_by_side(s, work), k
    cdef Groups single = in_groups(s, 1)
    cdef floating *copies = work + all_panels(s, work)
    cdef int threads = threads_for(<double>s.N * count * s.cols.count * single.taps * single.group * single.channels)
    pack_groups(s, at, 1, W, start, work)
    if side > 1:
        pack_groups(s, at, side, W, start, work + panels_size(&single, work))
    for k in prange(s.N * bands, schedule="dynamic",
                    num_threads=min(threads, threads_with_room(room - (copies - work), size))):
        groups_band(s, source + k // bands * image, work, out + k // bands * result, count * (k % bands) // bands,
                    count * (k % bands + 1) // bands, copies + omp_get_thread_num() * size)


cdef inline void groups_band(const Sliding *s, const floating *image, const floating *panels, floating *out,
                             Py_ssize_t q, Py_ssize_t end, floating *copy) noexcept nogil:
    """Rows q .. end - 1 of one image."""
    cdef Axis cols = s.cols
    cdef Py_ssize_t C = channels(s), side = side_by_side(s, out), line = s.rows.out_step * s.OW * s.groups * s.U
    cdef Groups single = in_groups(s, 1), wide = in_groups(s, side), column = single, apart = single
    cdef Py_ssize_t gap = cols.gap if cols.step == 1 and single.group == 1 else 1
    cdef Py_ssize_t begin, middle_end, left, right, last, i, j, count
    cdef const floating *wide_panels = panels + panels_size(&single, out)
    cdef floating *row
    cdef floating *y
    column.x_pixel, column.y_pixel, column.x_ahead = single.x_line, line, 0
    apart.x_pixel, apart.y_pixel = gap * single.x_pixel, gap * single.y_pixel
    image = repeated(s, image, q, end - q, copy)
    middle(s.rows, s.H, &begin, &middle_end)
    middle(cols, s.W, &left, &right)
    count = right - left
    row = out + (s.rows.out * s.OW + cols.out) * s.groups * s.U + q * line
    while q < end:
        last = piece_end(q, end, begin, middle_end) if s.D <= s.U else q + 1
        y = copy if s.D > s.U else row
        for j in range(cols.count):
            if not left <= j < right:
                pixels_at(s, &column, image, q, j, last - q, panels, y + j * single.y_pixel)
        y += left * single.y_pixel
        while q < last:
            if side > 1:
                pixels_at(s, &wide, image, q, left, count // side, wide_panels, y)
                if count % side:
                    pixels_at(s, &wide, image, q, right - side, 1, wide_panels, y + (count - side) * C)
            elif gap > 1:  # first every gap-th pixel, as these have x in common
                for i in range(min(gap, count)):
                    pixels_at(s, &apart, image, q, left + i, ceil_div(count - i, gap), panels, y + i * single.y_pixel)
            elif count:
                pixels_at(s, &single, image, q, left, count, panels, y)
            if s.D > s.U:
                add_filters(s, copy, row)
            q += 1
            row += line
            y += line


cdef inline void pixels_at(const Sliding *s, Groups *t, const floating *image, Py_ssize_t q, Py_ssize_t j,
                           Py_ssize_t count, const floating *panels, floating *y) noexcept nogil:
    """Some pixels from row q and column j on."""
    group_pixels(t, count, first_tap(s, t, image, q, j), panels, y)


cdef inline const floating *first_tap(const Sliding *s, Groups *t, const floating *image, Py_ssize_t q,
                                      Py_ssize_t j) noexcept nogil:
    """Where the window of row q and column j begins on the image; t learns which of its taps lie there."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t i_tap, i_end, j_tap, j_end
    inside_taps(rows, s.H, q, &i_tap, &i_end)
    inside_taps(cols, s.W, j, &j_tap, &j_end)
    t.first, t.rows, t.cols = i_tap * cols.taps + j_tap, i_end - i_tap, j_end - j_tap
    return image + ((rows.first + q * rows.step + i_tap * rows.gap) * s.W
                    + cols.first + j * cols.step + j_tap * cols.gap) * channels(s)


cdef inline Py_ssize_t piece_end(Py_ssize_t q, Py_ssize_t end, Py_ssize_t begin, Py_ssize_t middle_end) noexcept nogil:
    """Up to where the windows from q on see the same taps."""
    return min(end, middle_end) if begin <= q < middle_end else q + 1


cdef inline void add_filters(const Sliding *s, const floating *y, floating *out) noexcept nogil:
    """A row of dx: the sum over all filters of a channel."""
    cdef Py_ssize_t D = s.D, groups = s.groups, _, g, d
    cdef floating total
    for _ in range(s.cols.count):
        for g in range(groups):
            total = y[g * D]
            for d in range(1, D):
                total += y[g * D + d]
            out[g] = total
        y += groups * D
        out += s.cols.out_step * groups


cdef inline Py_ssize_t gradient_bands(const Sliding *s) noexcept nogil:
    """Bands of one image."""
    return max(<Py_ssize_t>1, min(s.rows.count, s.rows.count * s.cols.count // PIXELS))


cdef inline Py_ssize_t gradients_room(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers that a thread needs beside the sums of its block: a piece's sums, and copies."""
    return all_panels(s, dtype) + copies_size(s, ceil_div(s.rows.count, gradient_bands(s)))


cdef inline Py_ssize_t gradients_size(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers of scratch memory for dW, for all threads."""
    cdef Py_ssize_t size = all_panels(s, dtype)
    if not takes_gradients(s, dtype):
        return 0
    return block_count(s.N * gradient_bands(s), size) * size + num_threads * gradients_room(s, dtype)


cdef inline void gradients_in_groups(const Sliding *s, const floating *x, const floating *dy, floating *dW,
                                     floating *db, floating *work, Py_ssize_t room) noexcept nogil:
    cdef Py_ssize_t F = s.groups * s.U, D = s.D, size = all_panels(s, work), bands = s.N * gradient_bands(s)
    cdef Py_ssize_t blocks = block_count(bands, size), side = side_by_side(s, work), each = gradients_room(s, work), k
    cdef Taps at = Taps(line=s.cols.taps * D * F, tap=D * F, group=s.U, depth=F, col=1)
    cdef Groups single = in_groups(s, 1)
    cdef floating *rooms = work + blocks * size
    cdef int threads = threads_for(<double>s.N * s.rows.count * s.cols.count * single.taps * D * F)
    for k in prange(blocks, schedule="dynamic",
                    num_threads=min(threads, threads_with_room(room - blocks * size, each))):
        memset(work + k * size, 0, size * sizeof(floating))
        sum_bands(s, x, dy, bands * k // blocks, bands * (k + 1) // blocks, is_deep(s, blocks), work + k * size,
                  rooms + omp_get_thread_num() * each)
    for k in range(1, blocks):
        add_row(size, work + k * size, work)
    memset(dW, 0, single.taps * D * F * sizeof(floating))
    if db:
        memset(db, 0, F * sizeof(floating))
    unpack_sums(s, &at, 1, work, dW, db)
    if side > 1:
        unpack_sums(s, &at, side, work + panels_size(&single, work), dW, db)


cdef inline void sum_bands(const Sliding *s, const floating *x, const floating *dy, Py_ssize_t band, Py_ssize_t end,
                           bint deep, floating *panels, floating *room) noexcept nogil:
    """Add the bands up to `end` to the sums in the panels; where they are deep, piece by piece."""
    cdef Py_ssize_t size = all_panels(s, panels), pixels = s.rows.count * s.cols.count // gradient_bands(s)
    cdef Py_ssize_t step = max(<Py_ssize_t>1, PIECE // pixels)
    if not deep:
        groups_block(s, x, dy, band, end, panels, room + size)
        return
    while band < end:
        memset(room, 0, size * sizeof(floating))
        groups_block(s, x, dy, band, min(band + step, end), room, room + size)
        add_row(size, room, panels)
        band += step


cdef inline void groups_block(const Sliding *s, const floating *x, const floating *dy, Py_ssize_t band, Py_ssize_t end,
                              floating *panels, floating *copy) noexcept nogil:
    """The bands up to `end`."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t C = channels(s), side = side_by_side(s, panels), bands = gradient_bands(s)
    cdef Py_ssize_t begin, middle_end, left, right, n, q, last, rows_end, j, stop, count
    cdef Groups single = in_groups(s, 1), wide = in_groups(s, side)
    cdef floating *wide_panels = panels + panels_size(&single, panels)
    cdef const floating *image
    cdef const floating *dy_q
    middle(rows, s.H, &begin, &middle_end)
    middle(cols, s.W, &left, &right)
    while band < end:
        n = band // bands
        q = rows.count * (band % bands) // bands
        last = rows.count * (band % bands + 1) // bands
        image = repeated(s, x + n * s.H * s.W * s.groups * s.D, q, last - q, copy)
        while q < last:
            rows_end = piece_end(q, last, begin, middle_end)
            j = 0
            while j < cols.count:
                stop = piece_end(j, cols.count, left, right)
                count = (stop - j) // side if stop - j >= side > 1 else 0
                dy_q = dy + ((n * rows.count + q) * cols.count + j) * C
                if count:
                    group_gradients(&wide, rows_end - q, count, first_tap(s, &wide, image, q, j), dy_q, wide_panels)
                    j += count * side
                    dy_q += count * side * C
                if j < stop:
                    group_gradients(&single, rows_end - q, stop - j, first_tap(s, &single, image, q, j), dy_q, panels)
                j = stop
            q = rows_end
        band += 1
