"""C (+)= A W with the same W at every step: the recurrent weights.

For blocks of rows W is packed in panels. A batch of one needs each number once per step, and rows are faster: 100 units
take a quarter less. They begin at multiples of a vector: otherwise vectors would cross cache lines, and be read twice
(100 units: 10 %).

Where the second-level cache does not hold W, and steps are many, rows are cut into strips as wide as sums fit the
registers, and each strip lies in memory as it is read: the processor fetches what follows by itself. Every other step
reads the strips from last to first, as the cache still holds the last of the step before (GRU(512): 0.8 of the time,
LSTM(512): 0.92).

Such steps are the only ones that threads share: of one row, the steps have to wait for each other. Each thread of the
team has strips of its own, so that its cache keeps some of them, and the one that computes the rest of the step takes
what no other has begun. So it never waits for a thread that has no core at the moment, as another program runs there,
unless that happens in the microseconds of a strip. Columns are summed alone: no thread changes a bit of another's.
"""

from cython cimport floating
from cython.parallel cimport prange

from libc.string cimport memset

from product cimport ceil_div, pack_all, round_up
from tile cimport (
    L2_BYTES, PACKED, ROW_VECTORS, TILE_ROWS, Strides, Tile, add_row_product, block_product, lanes, panel_width, plain,
    prefetch, threads_for, tile, write_rows,
)


cdef extern from "team.h" nogil:
    bint take(long *piece, long turn) noexcept
    void tell(long *at, long turn) noexcept
    long wait_for_change(const long *at, long old) noexcept


cdef enum:
    MANY_STEPS = 16  # pay for a copy of the weights in strips
    MOST_STRIPS = 256  # that a team shares
    MOST_PARTS = 8  # and its threads
    OVER = -1


cdef struct Team:  # threads that share the products of one row
    int parts  # how many
    long turn  # the number of the product that is being computed, from 1, or OVER
    const void *a  # its row of A,
    void *c  # and of C
    long taken[MOST_STRIPS]  # the last product for which a thread has taken each strip,
    long ready[MOST_STRIPS]  # and the last in whose sums it is


cdef struct Repeated:
    Py_ssize_t steps
    Py_ssize_t depth, cols  # of W
    Py_ssize_t a_row, c_row  # how far apart the rows of A, and of C, begin
    bint in_rows  # how W is laid out, or else in panels
    Team *team  # NULL where threads do not share a step


cdef inline Repeated repeated(Py_ssize_t N, Py_ssize_t steps, Py_ssize_t depth, Py_ssize_t cols, Py_ssize_t a_row,
                              Py_ssize_t c_row) noexcept nogil:
    """For N rows of A in all blocks."""
    return Repeated(steps, depth, cols, a_row, c_row, N == 1, NULL)


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


cdef inline void add_strip(const Repeated *p, Py_ssize_t k, const floating *a, const floating *W,
                           floating *c) noexcept nogil:
    """The columns of the k-th strip of C += A W, for one row."""
    cdef Py_ssize_t strips = strip_count(p, c), start = strip_start(p, k, strips, c)
    cdef Py_ssize_t end = strip_start(p, k + 1, strips, c)
    add_row_product(p.depth, min(end, p.cols) - start, a, W + start * p.depth, end - start, c + start)


cdef inline int gather(Repeated *p, Team *team, floating *dtype) noexcept nogil:
    """Let threads share each step of `p`, if that pays: how many have to `help`, beside the one that calls `times`.

    That one does the loop's first piece: OpenMP hands it out first, and where it gives a single thread, that thread
    finds the team dismissed when it comes to help.
    """
    cdef Py_ssize_t strips = strip_count(p, dtype)
    cdef int parts = <int>min(strips, min(threads_for(<double>p.depth * p.cols), <int>MOST_PARTS))
    p.team = team if p.in_rows and parts > 1 and strips <= MOST_STRIPS else NULL
    if p.team == NULL:
        return 0
    memset(team, 0, sizeof(Team))
    team.parts = parts
    return parts - 1


cdef inline void add_untaken(const Repeated *p, Py_ssize_t first, Py_ssize_t end, long turn, bint backwards,
                             const floating *W) noexcept nogil:
    """Those of the strips first .. end - 1 that no other thread has begun."""
    cdef Py_ssize_t n, k
    for n in range(first, end):
        k = first + end - 1 - n if backwards else n
        if take(&p.team.taken[k], turn):  # from here on until it is ready, `a` and `c` are those of this turn
            add_strip(p, k, <const floating *>p.team.a, W, <floating *>p.team.c)
            tell(&p.team.ready[k], turn)


cdef inline void help(const Repeated *p, Py_ssize_t who, const floating *W) noexcept nogil:
    """Compute the strips of the thread `who`, 1 .. parts - 1, of each product, until the team is dismissed."""
    cdef Py_ssize_t strips = strip_count(p, <floating *>NULL), parts = p.team.parts
    cdef long turn = wait_for_change(&p.team.turn, 0)
    while turn != OVER:
        add_untaken(p, strips * who // parts, strips * (who + 1) // parts, turn, turn % 2, W)
        turn = wait_for_change(&p.team.turn, turn)


cdef inline void dismiss(const Repeated *p) noexcept nogil:
    if p.team != NULL:
        tell(&p.team.turn, OVER)


cdef inline void add_in_team(const Repeated *p, const floating *a, const floating *W, floating *c) noexcept nogil:
    """C += A W for one row, with those that help."""
    cdef Py_ssize_t strips = strip_count(p, c), own = strips // p.team.parts, k
    cdef long turn = p.team.turn + 1
    p.team.a, p.team.c = a, c
    tell(&p.team.turn, turn)
    add_untaken(p, 0, own, turn, turn % 2, W)
    add_untaken(p, own, strips, turn, not turn % 2, W)  # beginning where a helper would end
    for k in range(strips):
        wait_for_change(&p.team.ready[k], turn - 1)


cdef inline void add_alone(const Repeated *p, const floating *a, const floating *W, floating *c,
                           bint backwards) noexcept nogil:
    """C += A W for one row."""
    cdef Py_ssize_t strips = strip_count(p, c), k
    if strips == 1:
        add_row_product(p.depth, p.cols, a, W, row_width(p, c), c)
        return
    for k in range(strips):
        add_strip(p, strips - 1 - k if backwards else k, a, W, c)


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
        if p.team != NULL:
            add_in_team(p, a, W, c)
        else:
            add_alone(p, a, W, c, t % 2)
        return
    if rows > TILE_ROWS:  # in a block of many; then the memory is more than would stay in a cache
        block_product(rows, p.depth, p.cols, a, plain(p.a_row), W, PACKED, c if accumulate else NULL, c, p.c_row)
        return
    for k in range(panels):
        prefetch(next + k * share, share * sizeof(floating))
        one.cols = <int>min(<Py_ssize_t>width, p.cols - k * width)
        tile(&one, a, W + k * width * p.depth, c + k * width if accumulate else NULL, c + k * width)
