"""Convolution in two dimensions.

Letters: N batch, H W height and width, C channels in, F filters, kh kw the kernel, OH OW height and width out. The
channels are cut into groups of D = C / groups and U = F / groups. Indices i, j count taps of the kernel; s is the
stride, d the dilation, p the padding before the first row and column; what lies outside of x is 0.

    forward     (1) y[n,oh,ow,f]  = b[f] + sum over i, j, c of x[n, oh s - p + i d, ow s - p + j d, c] W[i,j,c,f]

    backward        dx[n,ih,iw,c] = sum over i, j, f of dy[n,oh,ow,f] W[i,j,c,f]                 undoes (1) for x
                                    where oh s - p + i d = ih, and the same for columns
                    dW[i,j,c,f]   = sum over n, oh, ow of x[n, oh s - p + i d, ..., c] dy[n,oh,ow,f]      for W
                    db[f]         = sum over n, oh, ow of dy[n,oh,ow,f]                                   for b

Design: y and dx are both what slide.pxd computes. For dx, the pixels of one phase, the same (ih + p) mod s, have the
same taps: those with i d = ih + p (mod s). In the order of rising oh they are a window of dy that moves by one pixel,
with the taps of W from last to first. So a stride of s is s * s convolutions of stride 1, and no product with a zero;
or fewer, where some phases have no taps: there dx is 0.
Images of few channels have their own way to dx: scatter.pxd. Windows of 3 x 3, 5 x 5 and so on that move by one pixel,
those of y or of a phase of dx, have theirs with half of the multiplications or less, where filters, channels and pixels
are many: winograd.pxd.

dW is computed by register tiles, too: a row of taps is a piece of memory in x, which is the left factor when read pixel
by pixel, and dy already has the layout of the right factor. All tiles meet about a hundred pixels, which stay in the
first-level cache, before the next (16 to 32 channels: 0.89 of the time). Threads take blocks of bands. Their number
follows from the shapes alone, and their sums are added in order. In blocks of very many pixels each of these hundreds
has a sum of its own (rows.pxd says why).

Groups of few channels and filters, as in a depthwise convolution, would leave tiles mostly empty: depthwise.pxd
computes y, dx and dW of these.

Memory: the packed weights; for each thread one band of an image with its zeros, where windows reach over the edge, and
a panel of dy, where the filters do not fill one; for quads, transformed, twice the weights (of one image with many: a
panel of them for each thread), and for each thread four rows of pixels, 16 numbers for each channel of a strip of quads
(32 where the channels do not fill a vector) and, with many channels, for each filter of a panel; for dW its sums, at
most BLOCKS times and PARTIALS numbers; for dx of few channels a panel of dy and a band of dx; for small groups with
more filters than channels, or fewer, a band of x with each channel repeated, or a row of y before it is added up.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from depthwise cimport (
    gradients_in_groups, gradients_size, groups_size, slide_in_groups, takes_gradients, takes_groups,
)
from nnlite.kernels.host cimport num_threads
from product cimport ceil_div
from rows cimport add_row
from scatter cimport scatter, scatter_size
from slide cimport (
    BLOCKS, Axis, Sliding, Taps, band_count, bands_together, block_count, is_deep, pack, packed_size, reach, slide,
    threads_with_room, window, window_size,
)
from tile cimport (
    APART, Tile, omp_get_thread_num, pack_panel, panel_width, plain, threads_for, tile, tile_height, tile_width,
)
from winograd cimport takes_winograd, winograd, winograd_size


cdef enum:
    FEW = 4  # channels, at most, for which dx is scattered and not gathered
    CHUNK = 4096  # numbers that one thread adds
    PIXELS = 64  # that a tile of dW sums up in one go, if an image has as many,
    NEAR = 128  # and at most, about: a first-level cache holds their panel of dy, and what a tile reads of x
    MANY_TAPS = 128  # of all channels: so many tiles read dy that it is packed for them


cdef struct Convolution:
    Py_ssize_t N  # batch
    Py_ssize_t H, W, C  # height, width and channels of x
    Py_ssize_t kh, kw  # the kernel
    Py_ssize_t OH, OW, F  # height, width and filters of y
    Py_ssize_t groups
    Py_ssize_t sh, sw  # strides
    Py_ssize_t top, left  # padding before the image
    Py_ssize_t dh, dw  # dilation


cdef Convolution convolution(const Py_ssize_t *x, const Py_ssize_t *W, const Py_ssize_t *y, tuple strides, tuple pads,
                             tuple dilation, Py_ssize_t groups) except *:
    """From the shapes of x, W and y."""
    return Convolution(N=x[0], H=x[1], W=x[2], C=x[3], kh=W[0], kw=W[1], OH=y[1], OW=y[2], F=y[3], groups=groups,
                       sh=strides[0], sw=strides[1], top=pads[0], left=pads[1], dh=dilation[0], dw=dilation[1])


cdef Axis outputs(Py_ssize_t count, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t pad,
                  Py_ssize_t dilation) noexcept nogil:
    """The windows that forward computes y from. (A single one does not move: there are no pixels between two.)"""
    return Axis(count=count, out=0, out_step=1, first=-pad, step=stride if count > 1 else 1, taps=kernel, gap=dilation,
                w=0, w_step=1)


cdef Py_ssize_t divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """The greatest that both have in common."""
    while b:
        a, b = b, a % b
    return a


cdef Py_ssize_t phases(Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation) noexcept nogil:
    """How many phases of dx have taps: the first of each is tap 0, 1, ..."""
    return min(kernel, stride // divisor(stride, dilation))


cdef Axis inputs(Py_ssize_t count, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t pad, Py_ssize_t dilation,
                 Py_ssize_t tap) noexcept nogil:
    """The windows of dy that backward computes one phase of dx from: the inputs that this tap sees, and those every
    few taps further, but no tap before."""
    cdef Axis axis
    cdef Py_ssize_t common = divisor(stride, dilation), every = stride // common
    axis.taps, axis.gap = ceil_div(kernel - tap, every), dilation // common
    axis.w, axis.w_step = tap + (axis.taps - 1) * every, -every
    axis.out, axis.out_step = ((tap * dilation - pad) % stride + stride) % stride, stride
    axis.count = ceil_div(count - axis.out, stride) if count > axis.out else 0
    axis.first, axis.step = (axis.out + pad - tap * dilation) // stride - (axis.taps - 1) * axis.gap, 1
    return axis


cdef Sliding windows_of_x(const Convolution *c) noexcept nogil:
    """What forward looks through."""
    cdef Sliding s
    s.rows, s.cols = outputs(c.OH, c.kh, c.sh, c.top, c.dh), outputs(c.OW, c.kw, c.sw, c.left, c.dw)
    s.N, s.groups, s.D, s.U = c.N, c.groups, c.C // c.groups, c.F // c.groups
    s.H, s.W, s.OH, s.OW = c.H, c.W, c.OH, c.OW
    return s


cdef Sliding windows_of_dy(const Convolution *c, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """The phase of dx whose first taps are i and j: the filters are what is summed over, and the channels what comes
    out."""
    cdef Sliding s
    s.rows, s.cols = inputs(c.H, c.kh, c.sh, c.top, c.dh, i), inputs(c.W, c.kw, c.sw, c.left, c.dw, j)
    s.N, s.groups, s.D, s.U = c.N, c.groups, c.F // c.groups, c.C // c.groups
    s.H, s.W, s.OH, s.OW = c.OH, c.OW, c.H, c.W
    return s


cdef bint has_few_channels(const Convolution *c) noexcept nogil:
    return c.groups == 1 and c.C <= FEW


cdef Py_ssize_t rows_at_once(const Sliding *s) noexcept nogil:
    """Rows of pixels whose windows are there at the same time, at most: a band, or several of a small image."""
    return max(ceil_div(s.rows.count, band_count(s)), min(s.rows.count, PIXELS // s.cols.count))


cdef Py_ssize_t window_room(const Sliding *s) noexcept nogil:
    """Numbers in the windows of so many rows."""
    return reach(s.rows, rows_at_once(s)) * reach(s.cols, s.cols.count) * s.groups * s.D


cdef Py_ssize_t block_scratch(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers that a thread needs for dW: windows of x, and a panel of dy."""
    return window_room(s) + rows_at_once(s) * s.cols.count * panel_width(dtype)


cdef Py_ssize_t convolve_size(const Sliding *s, floating *dtype) noexcept nogil:
    """Numbers of scratch memory that `convolve` needs for all threads."""
    if takes_groups(s, dtype):
        return groups_size(s, dtype)
    if takes_winograd(s, dtype):
        return winograd_size(s, num_threads, dtype)
    return packed_size(s, dtype) + num_threads * bands_together(s, 1, dtype) * window_size(s)


cdef void convolve(const Sliding *s, const Taps *at, const floating *W, const floating *start, const floating *source,
                   floating *out, floating *work, Py_ssize_t room) noexcept nogil:
    """out (N,OH,OW,groups*U) from source (N,H,W,groups*D), by the algorithm with fewer multiplications."""
    cdef Py_ssize_t packed
    if takes_groups(s, work):
        slide_in_groups(s, at, W, start, source, out, work, room)
        return
    if takes_winograd(s, work):
        winograd(s, at, W, start, source, out, work, room)
        return
    packed = packed_size(s, work)
    pack(s, at, W, start, work)
    slide(s, source, work, out, work + packed, room - packed)


cdef Py_ssize_t scratch_size(const Convolution *c, floating *dtype) noexcept nogil:
    cdef Sliding s = windows_of_x(c)
    cdef Py_ssize_t size = c.kh * c.kw * s.D * c.F + c.F, work, i, j
    work = max(convolve_size(&s, dtype), (block_count(c.N * band_count(&s), size) - 1) * size
               + num_threads * block_scratch(&s, dtype), gradients_size(&s, dtype))
    if has_few_channels(c):
        return max(work, num_threads * scatter_size(&s, dtype))
    for i in range(phases(c.kh, c.sh, c.dh)):
        for j in range(phases(c.kw, c.sw, c.dw)):
            s = windows_of_dy(c, i, j)
            if s.rows.count and s.cols.count:
                work = max(work, convolve_size(&s, dtype))
    return work


def work_size(tuple x_shape, tuple W_shape, tuple y_shape, tuple strides,
              tuple pads, tuple dilation, Py_ssize_t groups):
    """Numbers of scratch memory that forward and backward need, in the one dtype or the other."""
    cdef Py_ssize_t[4] x = x_shape, W = W_shape, y = y_shape
    cdef Convolution c = convolution(x, W, y, strides, pads, dilation, groups)
    cdef Py_ssize_t single = 0, double_ = 0
    if c.N:
        with nogil:
            single, double_ = scratch_size(&c, <float *>NULL), scratch_size(&c, <double *>NULL)
    return max(single, double_)


def forward(const floating[:, :, :, ::1] x, const floating[:, :, :, ::1] W,        # IN (N,H,W,C) (kh,kw,D,F)
            const floating[::1] b, floating[:, :, :, ::1] y,                       # IN (F) or None, OUT (N,OH,OW,F)
            floating[::1] work, tuple strides, tuple pads,  # (top, left)
            tuple dilation, Py_ssize_t groups):
    cdef Convolution c = convolution(x.shape, W.shape, y.shape, strides, pads, dilation, groups)
    cdef Sliding s = windows_of_x(&c)
    cdef Taps at = Taps(line=c.kw * s.D * c.F, tap=s.D * c.F, group=s.U, depth=c.F, col=1)
    cdef const floating *start = NULL
    if y.size == 0:
        return
    if b is not None:
        start = &b[0]
    with nogil:
        convolve(&s, &at, &W[0, 0, 0, 0], start, &x[0, 0, 0, 0], &y[0, 0, 0, 0], &work[0], work.shape[0])  # (1)


def backward(const floating[:, :, :, ::1] x, const floating[:, :, :, ::1] W,       # IN (N,H,W,C) (kh,kw,D,F)
             const floating[:, :, :, ::1] dy, floating[:, :, :, ::1] dx,           # IN (N,OH,OW,F), OUT as x or None
             floating[:, :, :, ::1] dW, floating[::1] db, floating[::1] work,      # OUT as W or None, (F) or None
             tuple strides, tuple pads, tuple dilation,
             Py_ssize_t groups):
    """Undo `forward`. What is None is not computed; there is no db without dW."""
    cdef Convolution c = convolution(x.shape, W.shape, dy.shape, strides, pads, dilation, groups)
    cdef Sliding s = windows_of_x(&c)
    if c.N == 0:
        if dW is not None:
            dW[:] = 0
        if db is not None:
            db[:] = 0
        return
    with nogil:
        if dW is not None:
            weight_gradients(&s, &x[0, 0, 0, 0], &dy[0, 0, 0, 0], &dW[0, 0, 0, 0], NULL if db is None else &db[0],
                             &work[0], work.shape[0])
        if dx is not None and has_few_channels(&c):
            scatter(&s, &W[0, 0, 0, 0], &dy[0, 0, 0, 0], &dx[0, 0, 0, 0], &work[0], work.shape[0])
        elif dx is not None:
            input_gradients(&c, &W[0, 0, 0, 0], &dy[0, 0, 0, 0], &dx[0, 0, 0, 0], &work[0], work.shape[0])


cdef void input_gradients(const Convolution *c, const floating *W, const floating *dy, floating *dx, floating *work,
                          Py_ssize_t room) noexcept nogil:
    """Phase by phase. Pixels of a phase without taps are 0."""
    cdef Py_ssize_t D = c.C // c.groups, image = c.H * c.W * c.C, down = phases(c.kh, c.sh, c.dh), n, i, j
    cdef Py_ssize_t along = phases(c.kw, c.sw, c.dw)
    cdef Taps at = Taps(line=c.kw * D * c.F, tap=D * c.F, group=c.F // c.groups, depth=1, col=c.F)
    cdef const floating *start = NULL  # dx has no bias
    cdef Sliding s
    if down < c.sh or along < c.sw:
        for n in prange(c.N, schedule="static", num_threads=threads_for(<double>c.N * image)):
            memset(dx + n * image, 0, image * sizeof(floating))
    for i in range(down):
        for j in range(along):
            s = windows_of_dy(c, i, j)
            if s.rows.count and s.cols.count:
                convolve(&s, &at, W, start, dy, dx, work, room)


cdef void weight_gradients(const Sliding *s, const floating *x, const floating *dy, floating *dW, floating *db,
                           floating *work, Py_ssize_t room) noexcept nogil:
    """Block 0 sums in dW and db, each other block in memory of its own, which is added to them at the end."""
    if takes_gradients(s, work):
        gradients_in_groups(s, x, dy, dW, db, work, room)
        return
    cdef Py_ssize_t F = s.groups * s.U, size = s.rows.taps * s.cols.taps * s.D * F
    cdef Py_ssize_t bands = s.N * band_count(s), blocks = block_count(bands, size + F)
    cdef Py_ssize_t partials = (blocks - 1) * (size + F), scratch = block_scratch(s, dW)
    # Fewer blocks than could share the work: then several threads take the same one, each some of its panels.
    cdef Py_ssize_t parts = ceil_div(BLOCKS, blocks), k, block
    cdef int threads = threads_for(<double>s.N * s.rows.count * s.cols.count * size)
    cdef floating *sums
    for k in prange(blocks * parts, schedule="dynamic",
                    num_threads=min(threads, threads_with_room(room - partials, scratch))):
        block = k // parts
        sums = work + (block - 1) * (size + F)
        block_gradients(s, x, dy, bands * block // blocks, bands * (block + 1) // blocks, k % parts, parts,
                        sums if block else dW, sums + size if block else db,
                        work + partials + omp_get_thread_num() * scratch)
    for k in prange(ceil_div(size, CHUNK), schedule="static", num_threads=threads_for(<double>size * blocks)):
        add_partials(min(<Py_ssize_t>CHUNK, size - k * CHUNK), blocks, size + F, work + k * CHUNK, dW + k * CHUNK)
    if db:
        add_partials(F, blocks, size + F, work + size, db)


cdef void add_partials(Py_ssize_t n, Py_ssize_t blocks, Py_ssize_t stride, const floating *partial,
                       floating *sums) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(blocks - 1):
        add_row(n, partial + k * stride, sums)


cdef void block_gradients(const Sliding *s, const floating *x, const floating *dy, Py_ssize_t band, Py_ssize_t end,
                          Py_ssize_t part, Py_ssize_t parts, floating *dW, floating *db,
                          floating *scratch) noexcept nogil:
    """The bands up to `end`; every parts-th panel of filters, the first being `part`."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t groups = s.groups, D = s.D, U = s.U, H = s.H, W = s.W, C = groups * D, F = groups * U
    cdef Py_ssize_t bands = band_count(s), blocks = block_count(s.N * bands, (rows.taps * cols.taps * D + 1) * F)
    cdef Py_ssize_t n, q, count, line = 0, piece, g, u, panel, b_row
    cdef const floating *start = NULL
    cdef floating *dy_panel = scratch + window_room(s)
    cdef const floating *a
    cdef const floating *b
    cdef int width
    while band < end:
        n = band // bands
        q = rows.count * (band % bands) // bands
        count = 0
        while band < end and band // bands == n and rows.count * (band % bands + 1) // bands - q <= rows_at_once(s):
            count = rows.count * (band % bands + 1) // bands - q
            band += 1
        a = window(s, x + n * H * W * C, q, count, scratch, &line)
        while count > 0:
            piece = min(count, max(<Py_ssize_t>1, NEAR // cols.count))
            panel = 0
            for g in range(groups):
                u = 0
                while u < U:
                    width = tile_width(U - u, dW)
                    if panel % parts == part:
                        b, b_row = dy + (n * rows.count + q) * cols.count * F + g * U + u, F
                        if U - u < width or (rows.taps * cols.taps * D >= MANY_TAPS and F > width):
                            pack_panel(piece * cols.count, U - u, b, plain(F), dy_panel, width)
                            b, b_row = dy_panel, width
                        panel_gradients(s, piece, <int>min(U - u, <Py_ssize_t>width), a + g * D, line, b, b_row,
                                        dW + g * U + u, db + g * U + u if db else NULL, start)
                    panel += 1
                    u += width
            start = <const floating *>APART if is_deep(s, blocks) else dW
            q += piece
            count -= piece
            a += piece * rows.step * line


cdef void panel_gradients(const Sliding *s, Py_ssize_t count, int width, const floating *a, Py_ssize_t line,
                          const floating *b, Py_ssize_t b_row, floating *dW, floating *db,
                          const floating *start) noexcept nogil:
    """The gradients of one panel's filters, from `count` rows of pixels. `start` is NULL, APART, or any other: then the
    sums go on from what is there."""
    cdef Axis rows = s.rows, cols = s.cols
    cdef Py_ssize_t D = s.D, C = s.groups * D, F = s.groups * s.U
    cdef bint joined = cols.gap == 1 and C == D  # then a row of taps is one piece of memory in x
    cdef Py_ssize_t pieces = 1 if joined else cols.taps, length = cols.taps * D if joined else D
    cdef Py_ssize_t tiles = ceil_div(length, tile_height(width, dW)), i, j, k, r
    cdef Tile t = Tile(rows=1, cols=width, runs=count, a_run=rows.step * line, depth=cols.count, a_row=1,
                       a_depth=cols.step * C, b_row=b_row, start_row=F, c_row=F)
    cdef floating one = 1
    cdef floating *c
    cdef const floating *sums
    cdef bint goes_on = start != NULL and start != APART
    for i in range(rows.taps):
        for j in range(pieces):
            for k in range(tiles):
                r = length * k // tiles
                t.rows = <int>(length * (k + 1) // tiles - r)
                c = dW + ((i * cols.taps + j) * D + r) * F
                sums = c if goes_on else <floating *>start
                tile(&t, a + i * rows.gap * line + j * cols.gap * C + r, b, sums, c)
    if db:  # a product with a row of ones
        t.rows, t.runs, t.depth, t.a_depth = 1, 1, count * cols.count, 0
        sums = db if goes_on else <floating *>start
        tile(&t, &one, b, sums, db)
