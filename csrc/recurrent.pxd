"""What the recurrent kernels share: their sizes, how rows are cut into blocks, and which steps of a row are real.

A block of batch rows, as high as the register tile or, where the weights come from a distant cache, of many rows, goes
through all T steps on its own. Threads take whole blocks, so they never wait for each other between steps, and since a
row's sums do not depend on its block, nor does the result on the number of threads. (A single row has one block: where
its weights are many, threads share the product of each step: repeated.pxd.)
"""

from cython cimport floating

from product cimport ceil_div, product, round_up
from rows cimport sum_rows
from tile cimport APART, DEEP, L2_BYTES, PANEL_DEPTH, TILE_ROWS, block_rows, plain, threads_for, transposed

cdef enum:
    NEAR = L2_BYTES // 4  # numbers of a matrix that the second-level cache holds, about
    MANY_ROWS = 128  # in a block, where the weights are more than that


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
