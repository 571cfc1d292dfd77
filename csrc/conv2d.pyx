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
with the taps of W from last to first. So a stride of s is s * s convolutions of stride 1, and no product with a zero.
Images of few channels have their own way to dx: scatter.pxd. Windows of 3 x 3 that move by one pixel, those of y or of
a phase of dx, have theirs with less than half of the multiplications, where filters, channels and pixels are many:
winograd.pxd.

dW is made of register tiles, too: a row of taps is a piece of memory in x, which read down the pixels is the left
factor, and dy lies as the right factor wants it. The sums run over a band of an image without leaving the registers.
Threads take blocks of bands. How many there are follows from the shapes alone, and their sums are added in order.

Depthwise (D = U = 1) has nothing to multiply but pixels with pixels: plain loops along the channels.

Memory: the packed weights; for each thread one band of an image with its zeros, where windows reach over the edge, and
a panel of dy, where the filters do not fill one; for quads 16 / 9 of the packed weights, and for each thread four rows
of pixels and 16 numbers for each channel of a row of quads (32 where the channels do not fill a vector); for dW its
sums, at most BLOCKS times and PARTIALS numbers; for dx of few channels a panel of dy and a band of dx.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from nnlite.kernels.host cimport num_threads
from product cimport ceil_div
from scatter cimport scatter, scatter_size
from slide cimport Axis, band_count, depthwise, pack, packed_size, slide, threads_with_room, window, window_size
from tile cimport TILE_ROWS, omp_get_thread_num, pack_panel, panel_width, threads_for, tile, tile_width
from winograd cimport takes_winograd, winograd_pack, winograd_packed_size, winograd_room, winograd_slide


cdef enum:
    FEW = 4  # channels of an image, at most, of which dx is scattered and not gathered
    BLOCKS = 16  # of bands, at most, that dW is summed up for one by one
    PARTIALS = 4194304  # numbers of their sums, at most
    CHUNK = 4096  # numbers that one thread adds up


cdef Axis outputs(Py_ssize_t count, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t pad,
                  Py_ssize_t dilation) noexcept nogil:
    """The windows that forward computes y from."""
    cdef Axis axis
    axis.count, axis.out, axis.out_step = count, 0, 1
    axis.first, axis.step = -pad, stride
    axis.taps, axis.gap = kernel, dilation
    axis.w, axis.w_step = 0, 1
    return axis


cdef Axis inputs(Py_ssize_t count, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t pad, Py_ssize_t dilation,
                 Py_ssize_t phase) noexcept nogil:
    """The windows of dy that backward computes one phase of dx from: the inputs with (ih + pad) % stride = phase."""
    cdef Axis axis
    cdef Py_ssize_t divisor = stride, rest = dilation, every, tap = 0
    while rest:
        divisor, rest = rest, divisor % rest
    every = stride // divisor  # of its taps, the first being
    while tap < every and (tap * dilation - phase) % stride:
        tap += 1
    axis.taps = ceil_div(kernel - tap, every) if tap < min(every, kernel) else 0
    axis.gap = dilation // divisor
    axis.w, axis.w_step = tap + (axis.taps - 1) * every, -every
    axis.out, axis.out_step = ((phase - pad) % stride + stride) % stride, stride
    axis.count = ceil_div(count - axis.out, stride) if count > axis.out else 0
    axis.first, axis.step = (axis.out + pad - tap * dilation) // stride - (axis.taps - 1) * axis.gap, 1
    return axis


cdef Py_ssize_t block_count(Py_ssize_t bands, Py_ssize_t size) noexcept nogil:
    """Blocks of all the bands of a batch, for `size` sums in each."""
    return max(<Py_ssize_t>1, min(bands, min(<Py_ssize_t>BLOCKS, PARTIALS // size)))


cdef Py_ssize_t block_scratch(Py_ssize_t N, Axis rows, Axis cols, Py_ssize_t C, floating *dtype) noexcept nogil:
    """Numbers that a thread needs for dW: a band of x, and a panel of dy."""
    cdef Py_ssize_t band = ceil_div(rows.count, band_count(N, rows, cols, C))
    return window_size(N, rows, cols, C) + band * cols.count * panel_width(dtype)


cdef Py_ssize_t convolve_size(Py_ssize_t N, Axis rows, Axis cols, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                              floating *dtype) noexcept nogil:
    """Numbers of scratch memory that `convolve` needs for all threads."""
    cdef Py_ssize_t threads = num_threads
    if takes_winograd(rows, cols, D, U, dtype):
        return (winograd_packed_size(groups, D, U, dtype)
                + threads * winograd_room(N, rows, cols, groups * D, dtype))
    return packed_size(rows, cols, groups, D, U, dtype) + threads * window_size(N, rows, cols, groups * D)


cdef void convolve(Axis rows, Axis cols, Py_ssize_t N, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                   const floating *W, Py_ssize_t w_line, Py_ssize_t w_tap, Py_ssize_t w_group, Py_ssize_t w_depth,
                   Py_ssize_t w_col, const floating *start, const floating *source, Py_ssize_t H, Py_ssize_t width,
                   floating *out, Py_ssize_t OH, Py_ssize_t OW, floating *work, Py_ssize_t room) noexcept nogil:
    """out (N,OH,OW,groups*U) from source (N,H,width,groups*D), by the way that takes fewer multiplications."""
    cdef Py_ssize_t packed
    if takes_winograd(rows, cols, D, U, work):
        packed = winograd_packed_size(groups, D, U, work)
        winograd_pack(rows, cols, groups, D, U, W, w_line, w_tap, w_group, w_depth, w_col, start, work)
        winograd_slide(rows, cols, N, groups, D, U, source, H, width, work, out, OH, OW, work + packed, room - packed)
        return
    packed = packed_size(rows, cols, groups, D, U, work)
    pack(rows, cols, groups, D, U, W, w_line, w_tap, w_group, w_depth, w_col, start, work)
    slide(rows, cols, N, groups, D, U, source, H, width, work, out, OH, OW, work + packed, room - packed)


cdef Py_ssize_t scratch_size(Py_ssize_t N, Py_ssize_t H, Py_ssize_t W, Py_ssize_t C, Py_ssize_t kh, Py_ssize_t kw,
                             Py_ssize_t F, Py_ssize_t OH, Py_ssize_t OW, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top,
                             Py_ssize_t left, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t groups,
                             floating *dtype) noexcept nogil:
    cdef Py_ssize_t threads = num_threads, D = C // groups, U = F // groups, size = kh * kw * D * F + F
    cdef Py_ssize_t work, i, j
    cdef Axis rows = outputs(OH, kh, sh, top, dh), cols = outputs(OW, kw, sw, left, dw)
    work = max(convolve_size(N, rows, cols, groups, D, U, dtype),
               (block_count(N * band_count(N, rows, cols, C), size) - 1) * size
               + threads * block_scratch(N, rows, cols, C, dtype))
    if groups == 1 and C <= FEW:
        return max(work, threads * scatter_size(N, H, cols, C, F, dtype))
    for i in range(sh):
        for j in range(sw):
            rows, cols = inputs(H, kh, sh, top, dh, i), inputs(W, kw, sw, left, dw, j)
            if rows.count and cols.count:
                work = max(work, convolve_size(N, rows, cols, groups, U, D, dtype))
    return work


def work_size(Py_ssize_t N, Py_ssize_t H, Py_ssize_t W, Py_ssize_t C, Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t F,
              Py_ssize_t OH, Py_ssize_t OW, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left,
              Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t groups):
    """Numbers of scratch memory that forward and backward need, in the one dtype or the other."""
    if N == 0:
        return 0
    return max(
        scratch_size(N, H, W, C, kh, kw, F, OH, OW, sh, sw, top, left, dh, dw, groups, <float *>NULL),
        scratch_size(N, H, W, C, kh, kw, F, OH, OW, sh, sw, top, left, dh, dw, groups, <double *>NULL),
    )


def forward(const floating[:, :, :, ::1] x, const floating[:, :, :, ::1] W, const floating[::1] b,  # IN; b may be None
            floating[:, :, :, ::1] y, floating[::1] work,                                             # OUT
            Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left, Py_ssize_t dh, Py_ssize_t dw,
            Py_ssize_t groups):
    """x (N,H,W,C), W (kh,kw,D,F), b (F), y (N,OH,OW,F)."""
    cdef Py_ssize_t kw = W.shape[1], D = W.shape[2], F = W.shape[3], U = F // groups
    cdef Axis rows = outputs(y.shape[1], W.shape[0], sh, top, dh), cols = outputs(y.shape[2], kw, sw, left, dw)
    cdef const floating *start = NULL
    if y.size == 0:
        return
    if b is not None:
        start = &b[0]
    with nogil:
        convolve(rows, cols, x.shape[0], groups, D, U, &W[0, 0, 0, 0], kw * D * F, D * F, U, F, 1, start,  # (1)
                 &x[0, 0, 0, 0], x.shape[1], x.shape[2], &y[0, 0, 0, 0], y.shape[1], y.shape[2], &work[0],
                 work.shape[0])


def backward(const floating[:, :, :, ::1] x, const floating[:, :, :, ::1] W, const floating[:, :, :, ::1] dy,  # IN
             floating[:, :, :, ::1] dx, floating[:, :, :, ::1] dW, floating[::1] db, floating[::1] work,       # OUT
             Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left, Py_ssize_t dh, Py_ssize_t dw,
             Py_ssize_t groups):
    """The shapes of forward. dx and db may be None: then they are not computed."""
    cdef Py_ssize_t N = x.shape[0], kh = W.shape[0], kw = W.shape[1], i, j
    cdef floating *db_or_null = NULL
    cdef Axis rows = outputs(dy.shape[1], kh, sh, top, dh), cols = outputs(dy.shape[2], kw, sw, left, dw)
    if N == 0:
        dW[:] = 0
        if db is not None:
            db[:] = 0
        return
    if db is not None:
        db_or_null = &db[0]
    with nogil:
        weight_gradients(rows, cols, N, groups, W.shape[2], W.shape[3] // groups, &x[0, 0, 0, 0], x.shape[1],
                         x.shape[2], &dy[0, 0, 0, 0], &dW[0, 0, 0, 0], db_or_null, &work[0], work.shape[0])
        if dx is not None and groups == 1 and x.shape[3] <= FEW:
            scatter(rows, cols, N, x.shape[3], W.shape[3], &W[0, 0, 0, 0], &dy[0, 0, 0, 0], &dx[0, 0, 0, 0], x.shape[1],
                    x.shape[2], &work[0], work.shape[0])
        elif dx is not None:
            for i in range(sh):
                for j in range(sw):
                    rows = inputs(x.shape[1], kh, sh, top, dh, i)
                    cols = inputs(x.shape[2], kw, sw, left, dw, j)
                    if rows.count and cols.count:
                        input_gradient(rows, cols, N, groups, W.shape[2], W.shape[3] // groups, kw, &W[0, 0, 0, 0],
                                       &dy[0, 0, 0, 0], dy.shape[1], dy.shape[2], &dx[0, 0, 0, 0], x.shape[1],
                                       x.shape[2], &work[0], work.shape[0])


cdef void input_gradient(Axis rows, Axis cols, Py_ssize_t N, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                         Py_ssize_t kw, const floating *W, const floating *dy, Py_ssize_t OH, Py_ssize_t OW,
                         floating *dx, Py_ssize_t H, Py_ssize_t width, floating *work, Py_ssize_t room) noexcept nogil:
    """One phase of dx: U filters are what is summed over, and D channels what comes out."""
    cdef Py_ssize_t F = groups * U
    convolve(rows, cols, N, groups, U, D, W, kw * D * F, D * F, U, 1, F, NULL, dy, OH, OW, dx, H, width, work, room)


cdef void weight_gradients(Axis rows, Axis cols, Py_ssize_t N, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                           const floating *x, Py_ssize_t H, Py_ssize_t W, const floating *dy,
                           floating *dW, floating *db, floating *work, Py_ssize_t room) noexcept nogil:
    """Block 0 sums up in dW and db, each further one in numbers of its own, which are added to them at the end."""
    cdef Py_ssize_t C = groups * D, F = groups * U, size = rows.taps * cols.taps * D * F
    cdef Py_ssize_t bands = N * band_count(N, rows, cols, C), blocks = block_count(bands, size + F)
    cdef Py_ssize_t partials = (blocks - 1) * (size + F), scratch = block_scratch(N, rows, cols, C, dW)
    # Fewer blocks than could share the work: then several threads take the same one, each some of its panels.
    cdef Py_ssize_t parts = ceil_div(BLOCKS, blocks), k, block
    cdef int threads = threads_for(<double>N * rows.count * cols.count * size)
    cdef floating *sums
    for k in prange(blocks * parts, schedule="dynamic",
                    num_threads=min(threads, threads_with_room(room - partials, scratch))):
        block = k // parts
        sums = work + (block - 1) * (size + F)
        block_gradients(rows, cols, N, groups, D, U, x, H, W, dy, bands * block // blocks,
                        bands * (block + 1) // blocks, k % parts, parts, sums if block else dW,
                        sums + size if block else db, work + partials + omp_get_thread_num() * scratch)
    for k in prange(ceil_div(size, CHUNK), schedule="static", num_threads=threads_for(<double>size * blocks)):
        add_partials(min(<Py_ssize_t>CHUNK, size - k * CHUNK), blocks, size + F, work + k * CHUNK, dW + k * CHUNK)
    if db:
        add_partials(F, blocks, size + F, work + size, db)


cdef void add_partials(Py_ssize_t n, Py_ssize_t blocks, Py_ssize_t stride, const floating *partial,
                       floating *sums) noexcept nogil:
    cdef Py_ssize_t _, j
    for _ in range(1, blocks):
        for j in range(n):
            sums[j] += partial[j]
        partial += stride


cdef void block_gradients(Axis rows, Axis cols, Py_ssize_t N, Py_ssize_t groups, Py_ssize_t D, Py_ssize_t U,
                          const floating *x, Py_ssize_t H, Py_ssize_t W, const floating *dy, Py_ssize_t band,
                          Py_ssize_t end, Py_ssize_t part, Py_ssize_t parts, floating *dW, floating *db,
                          floating *scratch) noexcept nogil:
    """The bands up to `end`; every parts-th panel of filters, the first being `part`."""
    cdef Py_ssize_t C = groups * D, F = groups * U, bands = band_count(N, rows, cols, C), first = band
    cdef Py_ssize_t n, q, count, line = 0, g, u, panel, b_row
    cdef floating *dy_panel = scratch + window_size(N, rows, cols, C)
    cdef const floating *a
    cdef const floating *b
    cdef int width
    while band < end:
        n = band // bands
        q = rows.count * (band % bands) // bands
        count = rows.count * (band % bands + 1) // bands - q
        a = window(x + n * H * W * C, H, W, C, rows, cols, q, count, scratch, &line)
        panel = 0
        if depthwise(groups, D, U):
            depthwise_gradients(rows, cols, C, count, a, line, dy + (n * rows.count + q) * cols.count * C, part, parts,
                                dW, db, band > first)
        for g in range(0 if depthwise(groups, D, U) else groups):
            u = 0
            while u < U:
                width = tile_width(U - u, dW)
                if panel % parts == part:
                    b, b_row = dy + (n * rows.count + q) * cols.count * F + g * U + u, F
                    if U - u < width:
                        pack_panel(count * cols.count, U - u, b, F, 1, dy_panel, width)
                        b, b_row = dy_panel, width
                    panel_gradients(rows, cols, C, D, F, count, <int>min(U - u, <Py_ssize_t>width), a + g * D, line,
                                    b, b_row, dW + g * U + u, db + g * U + u if db else NULL, band > first)
                panel += 1
                u += width
        band += 1


cdef void panel_gradients(Axis rows, Axis cols, Py_ssize_t C, Py_ssize_t D, Py_ssize_t F, Py_ssize_t count, int width,
                          const floating *a, Py_ssize_t line, const floating *b, Py_ssize_t b_row,
                          floating *dW, floating *db, bint accumulate) noexcept nogil:
    """The gradients of one panel's filters, from `count` rows of pixels."""
    cdef bint joined = cols.gap == 1 and C == D  # then a row of taps is one piece of memory in x
    cdef Py_ssize_t pieces = 1 if joined else cols.taps, length = cols.taps * D if joined else D
    cdef Py_ssize_t tiles = ceil_div(length, TILE_ROWS), i, j, t, r
    cdef floating one = 1
    cdef floating *c
    for i in range(rows.taps):
        for j in range(pieces):
            for t in range(tiles):
                r = length * t // tiles
                c = dW + ((i * cols.taps + j) * D + r) * F
                tile(<int>(length * (t + 1) // tiles - r), width, count, rows.step * line, cols.count,
                     a + i * rows.gap * line + j * cols.gap * C + r, 1, cols.step * C, b, b_row,
                     c if accumulate else NULL, F, c, F)
    if db:  # a product with a row of ones
        tile(1, width, 1, 0, count * cols.count, &one, 0, 0, b, b_row, db if accumulate else NULL, F, db, F)


cdef void depthwise_gradients(Axis rows, Axis cols, Py_ssize_t C, Py_ssize_t count, const floating *a, Py_ssize_t line,
                              const floating *dy, Py_ssize_t part, Py_ssize_t parts, floating *dW, floating *db,
                              bint accumulate) noexcept nogil:
    """The same where every channel has a filter of its own; of the channels, the part-th part."""
    cdef Py_ssize_t begin = C * part // parts, end = C * (part + 1) // parts, q, i, j, k, c
    cdef const floating *x
    cdef floating *sums
    if not accumulate:
        for k in range(rows.taps * cols.taps):
            memset(dW + k * C + begin, 0, (end - begin) * sizeof(floating))
        if db:
            memset(db + begin, 0, (end - begin) * sizeof(floating))
    for q in range(count):
        for k in range(cols.count):
            for i in range(rows.taps):
                for j in range(cols.taps):
                    x = a + (q * rows.step + i * rows.gap) * line + (k * cols.step + j * cols.gap) * C
                    sums = dW + (i * cols.taps + j) * C
                    for c in range(begin, end):
                        sums[c] += x[c] * dy[c]
            if db:
                for c in range(begin, end):
                    db[c] += dy[c]
            dy += C
