"""What the recurrent kernels share: their sizes, how rows are cut into blocks, and which steps of a row are real.

A block of batch rows, as high as the register tile or, where the weights come from a distant cache, of many rows, goes
through all T steps on its own. Threads take whole blocks, so they never wait for each other between steps, and since a
row's sums do not depend on its block, nor does the result on the number of threads.
"""

from cython cimport floating
from cython.parallel cimport prange

from libc.string cimport memset

from product cimport ceil_div, pack_all, product, round_up
from rows cimport sum_rows
from tile cimport (
    APART, DEEP, L2_BYTES, PACKED, PANEL_DEPTH, ROW_VECTORS, TILE_ROWS, Strides, Tile, add_row_product, block_product,
    block_rows, lanes, panel_width, plain, prefetch, threads_for, tile, transposed, write_rows,
)

cdef enum:
    NEAR = L2_BYTES // 4  # numbers of a matrix that the second-level cache holds, about
    MANY_ROWS = 128  # in a block, where the weights are more than that
    MANY_STEPS = 16  # pay for a copy of them in strips


cdef struct Sequences:
    Py_ssize_t N  # batch
    Py_ssize_t T  # time
    Py_ssize_t F  # features in
    Py_ssize_t H  # units
    Py_ssize_t G  # columns of Wx: H for every gate
    Py_ssize_t S  # steps of the output: T, or 1 for the last
    const Py_ssize_t *ids  # (T,N), which one-hot x is given as; else NULL
    const Py_ssize_t *lengths  # (N), the steps of each row that are no padding; NULL where none is
    bint h0_is_zero  # then h_0 Wh is 0, for a Wh of numbers


cdef inline Sequences sequences(const Py_ssize_t[:, ::1] ids, const Py_ssize_t[::1] lengths,
                                const floating[:, :, ::1] h, Py_ssize_t F, Py_ssize_t G, Py_ssize_t S):
    """h (T+1,N,H) gives the sizes; ids and lengths may be None."""
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2]
    cdef Sequences s = Sequences(N=N, T=T, F=F, H=H, G=G, S=S, ids=NULL, lengths=NULL, h0_is_zero=False)
    if N and T and H:
        if ids is not None:
            s.ids = &ids[0, 0]
        if lengths is not None:
            s.lengths = &lengths[0]
        s.h0_is_zero = all_zero(N * H, &h[0, 0, 0])
    return s


cdef struct Block:
    Py_ssize_t first  # row of the batch,
    int rows  # and how many of them
    Py_ssize_t start, end  # their time steps, `start` to `end` - 1


cdef inline int block_threads(Py_ssize_t N, double work) noexcept nogil:
    """How many threads pay for N rows with this many multiplications: each takes at least a row."""
    return <int>max(<Py_ssize_t>1, min(N, <Py_ssize_t>threads_for(work)))


cdef inline Py_ssize_t block_count(Py_ssize_t N, int threads, Py_ssize_t weights, floating *dtype) noexcept nogil:
    """Blocks of at most TILE_ROWS rows, or many, the same number for every thread if there are enough rows.

    `weights` numbers are multiplied at every step. Where the second-level cache does not hold them, each is fetched for
    many rows at once.
    """
    cdef Py_ssize_t many = min(<Py_ssize_t>MANY_ROWS, block_rows(dtype))
    cdef Py_ssize_t blocks = ceil_div(N, many if weights > NEAR else <Py_ssize_t>TILE_ROWS)
    return min(N, round_up(blocks, threads))


cdef inline Block block_of(Py_ssize_t N, Py_ssize_t k, Py_ssize_t blocks, Py_ssize_t start,
                           Py_ssize_t end) noexcept nogil:
    """The k-th of so many blocks of N rows, in the steps from `start` to `end` - 1."""
    cdef Py_ssize_t first = N * k // blocks
    return Block(first, <int>(N * (k + 1) // blocks - first), start, end)


cdef inline Py_ssize_t steps_held(Py_ssize_t N, Py_ssize_t T) noexcept nogil:
    """How many steps of gradients to hold for N rows: as many rows as a panel of the weight gradients is deep."""
    return max(<Py_ssize_t>1, min(T, PANEL_DEPTH // max(<Py_ssize_t>1, N)))


cdef inline bint all_zero(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        if x[j] != 0:
            return False
    return True


# The recurrent weights are multiplied at every step. For blocks of rows they are packed in panels. A batch of one needs
# each number once per step, and rows are faster: 100 units take a quarter less.
# Rows begin at multiples of a vector: otherwise vectors would cross cache lines, and be read twice (100 units: 10 %).
# Where the second-level cache does not hold them, and steps are many, rows are cut into strips as wide as sums fit the
# registers, and each strip lies in memory as it is read: the processor fetches what follows by itself. Every other step
# reads the strips from last to first, as the cache still holds the last of the step before (GRU(512): 0.8 of the time,
# LSTM(512): 0.92). Threads do not share a step: beside another program, each would wait for the other at every step.

cdef struct Repeated:  # C (+)= A W, with the same W at every step
    Py_ssize_t steps
    Py_ssize_t depth, cols  # of W
    Py_ssize_t a_row, c_row  # how far apart the rows of A, and of C, begin
    bint in_rows  # how W is laid out, or else in panels


cdef inline Repeated repeated(Py_ssize_t N, Py_ssize_t steps, Py_ssize_t depth, Py_ssize_t cols, Py_ssize_t a_row,
                              Py_ssize_t c_row) noexcept nogil:
    """For N rows of A in all blocks."""
    return Repeated(steps, depth, cols, a_row, c_row, N == 1)


cdef inline Py_ssize_t strip_count(const Repeated *p, floating *dtype) noexcept nogil:
    """How many strips rows are cut into."""
    if p.steps < MANY_STEPS or p.depth * p.cols * <Py_ssize_t>sizeof(floating) <= L2_BYTES:
        return 1
    return ceil_div(p.cols, ROW_VECTORS * lanes(dtype))


cdef inline Py_ssize_t strip_start(const Repeated *p, Py_ssize_t k, Py_ssize_t strips,
                                   floating *dtype) noexcept nogil:
    """The first column of the k-th strip; p.cols or more for the end of the last."""
    return ceil_div(p.cols, lanes(dtype)) * k // strips * lanes(dtype)


cdef inline Py_ssize_t row_width(const Repeated *p, floating *dtype) noexcept nogil:
    """Of a single strip, how far apart its rows begin: whole vectors.

    What is left of each row lies behind all of them (tile.h): filled up, 100 columns would not fit a first-level cache
    of 48 KiB. Where there is not even one vector, or no near cache holds them, rows are filled up.
    """
    if p.cols < lanes(dtype) or p.depth * p.cols * <Py_ssize_t>sizeof(floating) > L2_BYTES:
        return round_up(p.cols, lanes(dtype))
    return p.cols - p.cols % lanes(dtype)


cdef inline const floating *laid_out(const Repeated *p, const floating *W, Strides at, floating *work) noexcept nogil:
    """W for `times`."""
    cdef Py_ssize_t strips = strip_count(p, work), width = row_width(p, work), rest, k, start, end
    if not p.in_rows:
        pack_all(p.depth, p.cols, W, at, work)
    elif strips == 1 and at.col == 1 and at.row == width:
        return W
    elif strips == 1:
        write_rows(p.depth, min(width, p.cols), W, at, work, width)
        rest = p.cols - width
        write_rows(p.depth, rest, W + width * at.col, at, work + p.depth * width, rest)
    else:
        for k in prange(strips, schedule="static", num_threads=threads_for(4.0 * p.depth * p.cols)):
            start = strip_start(p, k, strips, work)
            end = strip_start(p, k + 1, strips, work)
            write_rows(p.depth, min(end, p.cols) - start, W + start * at.col, at, work + start * p.depth, end - start)
    return work


cdef inline void add_strips(const Repeated *p, const floating *a, const floating *W, floating *c,
                            bint backwards) noexcept nogil:
    """C += A W for one row."""
    cdef Py_ssize_t strips = strip_count(p, c), n, k, start, end
    if strips == 1:
        add_row_product(p.depth, p.cols, a, W, row_width(p, c), c)
        return
    for n in range(strips):
        k = strips - 1 - n if backwards else n
        start = strip_start(p, k, strips, c)
        end = strip_start(p, k + 1, strips, c)
        add_row_product(p.depth, min(end, p.cols) - start, a, W + start * p.depth, end - start, c + start)


cdef inline void times(const Repeated *p, int rows, const floating *a, const floating *W, floating *c, bint accumulate,
                       Py_ssize_t t, const floating *next, Py_ssize_t next_size) noexcept nogil:
    """C (+)= A W for a block of rows at step t, with W `laid_out`.

    Meanwhile the memory that the caller will touch `next` is fetched, a part with each panel: all at once, the fetches
    would wait for each other.
    """
    cdef int width = panel_width(c)
    cdef Py_ssize_t k, panels = ceil_div(p.cols, width), share = ceil_div(next_size, panels)
    cdef Tile one = Tile(rows=rows, cols=width, runs=1, a_run=0, depth=p.depth, a_row=p.a_row, a_depth=1, b_row=width,
                         start_row=p.c_row, c_row=p.c_row)
    if p.in_rows:
        if not accumulate:
            memset(c, 0, p.cols * sizeof(floating))
        add_strips(p, a, W, c, t % 2)
        return
    if rows > TILE_ROWS:  # in a block of many; then the memory is more than would stay in a cache
        block_product(rows, p.depth, p.cols, a, plain(p.a_row), W, PACKED, c if accumulate else NULL, c, p.c_row)
        return
    for k in range(panels):
        prefetch(next + k * share, share * sizeof(floating))
        one.cols = <int>min(<Py_ssize_t>width, p.cols - k * width)
        tile(&one, a, W + k * width * p.depth, c + k * width if accumulate else NULL, c + k * width)


cdef inline const floating *sums_so_far(const Sequences *s, const Block *block, const floating *sums) noexcept nogil:
    """What the sums of these steps' products start from, after those of later steps."""
    if block.end == s.T:
        return NULL
    return <const floating *>APART if s.N * s.T >= DEEP else sums


cdef inline void weight_gradients(const Sequences *s, Block block, const floating *h, const floating *x,
                                  const floating *Wx, const floating *dz, floating *dx, floating *dWx, floating *dWh,
                                  floating *db) noexcept nogil:
    """Undo z = x Wx + b + h Wh for x and the weights, with all rows of the block at once. dz holds its steps alone."""
    cdef Py_ssize_t F = s.F, H = s.H, G = s.G, at = block.start * s.N, rows = (block.end - block.start) * s.N
    cdef Py_ssize_t unused = s.N if block.start == 0 and s.h0_is_zero else 0  # h_0 = 0 adds nothing to dWh
    product(H, rows - unused, G, h + (at + unused) * H, transposed(H), dz + unused * G, plain(G),
            sums_so_far(s, &block, dWh), dWh, G)
    if s.ids != NULL:
        sum_rows(rows, G, dz, G, s.ids + at, db, dWx, G, s.N * s.T)
        return
    if dx != NULL:
        product(rows, G, F, dz, plain(G), Wx, transposed(G), NULL, dx + at * F, F)
    product(F, rows, G, x + at * F, transposed(F), dz, plain(G), sums_so_far(s, &block, dWx), dWx, G)
    sum_rows(rows, G, dz, G, NULL, db, NULL, 0, s.N * s.T)


# Rows of unequal length: row n has lengths[n] steps, and the rest of its T is padding. Without lengths (NULL) none is.

cdef inline bint is_padding(const Sequences *s, Py_ssize_t n, Py_ssize_t t) noexcept nogil:
    return s.lengths != NULL and t >= s.lengths[n]


cdef inline Py_ssize_t shortest(const Sequences *s, const Block *block) noexcept nogil:
    """From this step on, some of the rows are padding."""
    cdef Py_ssize_t n, least = block.end
    if s.lengths != NULL:
        for n in range(block.first, block.first + block.rows):
            least = min(least, s.lengths[n])
    return least


cdef inline Py_ssize_t longest(const Sequences *s, const Block *block) noexcept nogil:
    """From this step on, all of them are: there is nothing to multiply."""
    cdef Py_ssize_t n, most = block.end if s.lengths == NULL else 0
    if s.lengths != NULL:
        for n in range(block.first, block.first + block.rows):
            most = max(most, s.lengths[n])
    return most
