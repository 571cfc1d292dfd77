"""GRU(reset_after=False) over whole sequences: the reset gate acts on the state, before the product with Wh.

Letters: N batch, T time, F features in, H units, S steps of the output (T for return_sequences, else 1: the last).
Arrays are time-major, so that one step is one block of memory and all steps are one matrix; only y and dy, which
the layers beside see, are batch first. A column block of 3H holds the gates in the order z, r, h.

    forward, for t = 1 .. T
        (1) a_z, a_r, a_g = x_t Wx + b                                                  (N,H) each
        (2) z, r = sigmoid([a_z, a_r] + h_{t-1} [Whz, Whr])
        (3) v = r * h_{t-1};  g = tanh(a_g + v Whh)
        (4) h_t = z * h_{t-1} + (1 - z) * g

    backward, for t = T .. 1, with dh = dy_t + what came from t + 1
        dz = dh (h_{t-1} - g);  dg = dh (1 - z);  dh = dh z                             undoes (4)
        da_g = dg (1-g^2);  dv = da_g Whh';  dr = dv h_{t-1};  dh += dv r               undoes (3)
        da_z = dz z (1-z);  da_r = dr r (1-r)                                           undoes (2)
        dh += [da_z, da_r] [Whz, Whr]'                                                  undoes (2) for h_{t-1}
    and for all rows of several steps at once
        dx = da Wx';  dWx += x' da;  db += sum of da                                    undo (1)
        d[Whz, Whr] += h_{t-1}' [da_z, da_r];  dWhh += v' da_g                          undo (2), (3)

With lengths, row n has lengths[n] steps; the rest is padding, x finite there and ids in range. Its state stays as it
is, h_t = h_{t-1}, its gates are 0, and so is y_t where y holds all steps: S > 1, as S = 1 is the final state. In
backward dh passes through, and da = 0.

Where x is a one-hot vector it is written as its integer id: x_t Wx is then a row of Wx.

Design: as in lstm.pyx, but each step has two products that wait for each other: the candidate's needs r. A row of gates
is [z, r, g, v], and one of gradients [da_z, da_r, da_g, dv], 4H numbers: the first three blocks stand as in Wx, so what
goes through Wx is one product.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport packed_size, product
from recurrent cimport (
    Block, Sequences, block_count, block_of, block_threads, is_padding, longest, sequences, steps_held, sums_so_far,
)
from repeated cimport Repeated, laid_out, repeated, times
from rows cimport add_row, sum_rows
from tile cimport add_row_product, plain, prefetch, transposed
from vmath cimport sigmoid, tanh


def work_size(Py_ssize_t H):
    """Numbers of scratch memory that forward and backward need."""
    cdef float *dtype = NULL  # the wider panels of the two dtypes
    return packed_size(H, H, dtype) + max(packed_size(H, 2 * H, dtype), packed_size(2 * H, H, dtype))


def backward_steps(Py_ssize_t N, Py_ssize_t T):
    """How many time steps' da backward does best to hold."""
    return steps_held(N, T)


# ---------------------------------------------------------------------------------------------------- one row

cdef inline void start_row(Py_ssize_t H, const floating *xW, const floating *b, floating *row) noexcept nogil:
    """x Wx + b of (1). x Wx may stand in the row itself."""
    cdef Py_ssize_t j
    for j in range(3 * H):
        row[j] = xW[j] + b[j]


cdef inline void reset_forward(Py_ssize_t H, const floating *h_prev, floating *gates) noexcept nogil:
    cdef const floating *r = gates + H
    cdef floating *v = gates + 3 * H
    cdef Py_ssize_t j
    for j in range(2 * H):
        gates[j] = sigmoid(gates[j])  # (2)
    for j in range(H):
        v[j] = r[j] * h_prev[j]  # (3)


cdef inline void state_forward(Py_ssize_t H, const floating *h_prev, floating *gates, floating *h) noexcept nogil:
    cdef const floating *z = gates
    cdef floating *g = gates + 2 * H
    cdef floating one = 1  # a plain 1 is a C double here
    cdef Py_ssize_t j
    for j in range(H):
        g[j] = tanh(g[j])  # (3)
    for j in range(H):
        h[j] = z[j] * h_prev[j] + (one - z[j]) * g[j]  # (4)


cdef inline void state_backward(Py_ssize_t H, const floating *gates, const floating *h_prev,  # IN (4H) (H)
                                floating *da, floating *dh) noexcept nogil:  # OUT a_z, a_g; IN dh, OUT its part by (4)
    cdef const floating *z = gates
    cdef const floating *g = gates + 2 * H
    cdef floating one = 1
    cdef Py_ssize_t j
    for j in range(H):
        da[j] = dh[j] * (h_prev[j] - g[j]) * z[j] * (one - z[j])  # undoes (4), (2)
        da[2 * H + j] = dh[j] * (one - z[j]) * (one - g[j] * g[j])  # and the tanh of (3)
        dh[j] = dh[j] * z[j]


cdef inline void reset_backward(Py_ssize_t H, const floating *gates, const floating *h_prev,  # IN (4H) (H)
                                floating *da, floating *dh) noexcept nogil:  # IN dv, OUT a_r; dh += its part by (3)
    cdef const floating *r = gates + H
    cdef const floating *dv = da + 3 * H
    cdef floating one = 1
    cdef Py_ssize_t j
    for j in range(H):
        da[H + j] = dv[j] * h_prev[j] * r[j] * (one - r[j])  # undoes (3), (2)
        dh[j] += dv[j] * r[j]


# --------------------------------------------------------------------------- a block of rows, through all of time

cdef void rows_forward(const Sequences *s, Block block, const Repeated *by, const floating *Wx,  # by: Whzr, and Whh
                       const floating *Whzr, const floating *Whh, const floating *b, floating *h, floating *gates,
                       floating *y) noexcept nogil:
    cdef Py_ssize_t N = s.N, T = s.T, H = s.H, S = s.S, first = block.first, last = first + block.rows
    cdef Py_ssize_t end = longest(s, &block), skipped = T - S, size = H * sizeof(floating), t, n
    cdef floating *before
    cdef floating *after
    cdef floating *gates_t
    cdef const floating *xW
    cdef bint has_state
    for t in range(T):
        before = h + t * N * H
        after = before + N * H
        gates_t = gates + t * N * 4 * H
        has_state = t < end and (t > 0 or not s.h0_is_zero)
        for n in range(first, last):  # (1): for ids a row of Wx, else x Wx is in place already
            xW = gates_t + 4 * n * H
            if s.ids != NULL:
                xW = Wx + s.ids[t * N + n] * 3 * H
            start_row(H, xW, b, gates_t + 4 * n * H)
        if has_state:
            times(&by[0], block.rows, before + first * H, Whzr, gates_t + 4 * first * H, True, t,
                  gates + (min(t + 1, T - 1) * N + first) * 4 * H, block.rows * 4 * H)
        for n in range(first, last):
            reset_forward(H, before + n * H, gates_t + 4 * n * H)
        if has_state:
            times(&by[1], block.rows, gates_t + (4 * first + 3) * H, Whh, gates_t + (4 * first + 2) * H, True, t,
                  after + first * H, block.rows * H)
        for n in range(first, last):
            if is_padding(s, n, t):
                memset(gates_t + 4 * n * H, 0, 4 * size)
                memcpy(after + n * H, before + n * H, size)
            else:
                state_forward(H, before + n * H, gates_t + 4 * n * H, after + n * H)
            if S > 1 and is_padding(s, n, t):
                memset(y + (n * S + t) * H, 0, size)
            elif t >= skipped:
                memcpy(y + (n * S + t - skipped) * H, after + n * H, size)


cdef void rows_backward(const Sequences *s, Block block, const Repeated *by, const floating *dy,  # by: Whh', and Whzr'
                        const floating *WhhT, const floating *WhzrT, const floating *h, const floating *gates,
                        floating *da, floating *dh) noexcept nogil:
    """The block's steps from the last to the first. y holds the S steps after those that are skipped."""
    cdef Py_ssize_t N = s.N, H = s.H, S = s.S, first = block.first, skipped = s.T - S
    cdef Py_ssize_t none_live = longest(s, &block), t, n
    cdef const floating *gates_t
    cdef const floating *h_prev
    cdef floating *da_t
    for t in range(block.end - 1, block.start - 1, -1):
        h_prev = h + t * N * H
        gates_t = gates + t * N * 4 * H
        da_t = da + (t - block.start) * N * 4 * H
        for n in range(first, first + block.rows):
            if t >= skipped and not (S > 1 and is_padding(s, n, t)):
                add_row(H, dy + (n * S + t - skipped) * H, dh + n * H)
            if t > skipped:
                prefetch(dy + (n * S + t - 1 - skipped) * H, H * sizeof(floating))
            if is_padding(s, n, t):
                memset(da_t + 4 * n * H, 0, 4 * H * sizeof(floating))
            else:
                state_backward(H, gates_t + 4 * n * H, h_prev + n * H, da_t + 4 * n * H, dh + n * H)
        if t >= none_live:
            continue
        times(&by[0], block.rows, da_t + (4 * first + 2) * H, WhhT, da_t + (4 * first + 3) * H, False, t,  # undoes (3)
              h_prev + first * H, block.rows * H)
        for n in range(first, first + block.rows):
            if not is_padding(s, n, t):
                reset_backward(H, gates_t + 4 * n * H, h_prev + n * H, da_t + 4 * n * H, dh + n * H)
        times(&by[1], block.rows, da_t + 4 * first * H, WhzrT, dh + first * H, True, t,  # undoes (2); in padding da = 0
              gates + (max(t - 1, 0) * N + first) * 4 * H, block.rows * 4 * H)


cdef void input_gradients(const Sequences *s, Block block, const floating *x, const floating *Wx, const floating *da,
                          floating *dx, floating *dWx, floating *db) noexcept nogil:
    """Undo (1) for x, Wx and b, with all rows of the block at once. da holds its steps alone."""
    cdef Py_ssize_t F = s.F, H = s.H, at = block.start * s.N, rows = (block.end - block.start) * s.N
    if s.ids != NULL:
        sum_rows(rows, 3 * H, da, 4 * H, s.ids + at, db, dWx, 3 * H, s.N * s.T)
        return
    if dx != NULL:
        product(rows, 3 * H, F, da, plain(4 * H), Wx, transposed(3 * H), NULL, dx + at * F, F)
    product(F, rows, 3 * H, x + at * F, transposed(F), da, plain(4 * H),
            sums_so_far(s, &block, dWx), dWx, 3 * H)
    sum_rows(rows, 3 * H, da, 4 * H, NULL, db, NULL, 0, s.N * s.T)


cdef void state_gradients(const Sequences *s, Block block, const floating *h, const floating *gates,
                          const floating *da, floating *dWh) noexcept nogil:
    """Undo (2) and (3) for Wh, with all rows of the block at once."""
    cdef Py_ssize_t H = s.H, at = block.start * s.N, rows = (block.end - block.start) * s.N
    cdef Py_ssize_t unused = s.N if block.start == 0 and s.h0_is_zero else 0  # h_0 = 0 adds nothing to dWh
    product(H, rows - unused, 2 * H, h + (at + unused) * H, transposed(H), da + 4 * unused * H, plain(4 * H),
            sums_so_far(s, &block, dWh), dWh, 3 * H)
    product(H, rows - unused, H, gates + (4 * (at + unused) + 3) * H, transposed(4 * H), da + (4 * unused + 2) * H,
            plain(4 * H), sums_so_far(s, &block, dWh + 2 * H), dWh + 2 * H, 3 * H)


# -------------------------------------------------------------------------------------------------- the doors

def forward(x, const Py_ssize_t[::1] lengths, weights,             # IN (T,N,F) or ids (T,N), (N) or None, (Wx, Wh, b)
            floating[:, :, ::1] h,                                 # IN [0], OUT [1:] (T+1,N,H)
            floating[:, :, ::1] gates, floating[:, :, ::1] y,      # OUT (T,N,4H) (N,S,H)
            floating[::1] work):
    """All T steps; h[0] holds the initial state, h[T] receives the final one."""
    cdef const floating[:, :, ::1] floats = None if x.ndim == 2 else x
    cdef const Py_ssize_t[:, ::1] ids = x if x.ndim == 2 else None
    cdef const floating[:, ::1] Wx = weights[0], Wh = weights[1]  # (F,3H) (H,3H)
    cdef const floating[::1] b = weights[2]  # (3H)
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k
    cdef Sequences s = sequences(ids, lengths, h, F, 3 * H, y.shape[1])
    cdef Repeated[2] by
    cdef const floating *Whzr
    cdef const floating *Whh
    cdef int threads
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        if ids is None:
            product(T * N, F, 3 * H, &floats[0, 0, 0], plain(F), &Wx[0, 0], plain(3 * H), NULL, &gates[0, 0, 0], 4 * H)
        threads = block_threads(N, 3.0 * N * T * H * H)
        blocks = block_count(N, threads, 3 * H * H, &work[0])
        by[0], by[1] = repeated(N, T, H, 2 * H, H, 4 * H), repeated(N, T, H, H, 4 * H, 4 * H)
        Whzr = laid_out(&by[0], &Wh[0, 0], plain(3 * H), &work[0])
        Whh = laid_out(&by[1], &Wh[0, 2 * H], plain(3 * H), &work[packed_size(H, 2 * H, &work[0])])
        for k in prange(blocks, schedule="dynamic", num_threads=threads):
            rows_forward(&s, block_of(N, k, blocks, 0, T), by, &Wx[0, 0], Whzr, Whh, &b[0], &h[0, 0, 0],
                         &gates[0, 0, 0], &y[0, 0, 0])


def backward(x, const Py_ssize_t[::1] lengths, weights,                         # IN as in forward
             const floating[:, :, ::1] h, const floating[:, :, ::1] gates,      # IN (T+1,N,H) (T,N,4H)
             const floating[:, :, ::1] dy,                                      # IN (N,S,H)
             floating[:, ::1] dh,                                               # IN final, OUT initial state's (N,H)
             floating[:, :, ::1] dx, gradients,                                 # OUT (T,N,F) or None, (dWx, dWh, db)
             floating[:, :, ::1] da, floating[::1] work):                       # scratch (steps,N,4H)
    """Undo `forward`; dh brings the final state's gradient and leaves with the initial state's. Ids have none."""
    cdef const floating[:, :, ::1] floats = None if x.ndim == 2 else x
    cdef const Py_ssize_t[:, ::1] ids = x if x.ndim == 2 else None
    cdef const floating[:, ::1] Wx = weights[0], Wh = weights[1]
    cdef floating[:, ::1] dWx = gradients[0], dWh = gradients[1]
    cdef floating[::1] db = gradients[2]
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k, start, end = T
    cdef Sequences s = sequences(ids, lengths, h, F, 3 * H, dy.shape[1])
    cdef Repeated[2] by
    cdef const floating *WhhT
    cdef const floating *WhzrT
    cdef const floating *x_0 = NULL, *Wx_0 = NULL  # their first numbers; ids have none, and need no Wx
    cdef int threads
    if ids is not None or N == 0 or T == 0 or H == 0:
        dWx[:] = 0
    if N == 0 or T == 0 or H == 0:
        dWh[:] = 0
        db[:] = 0
        return
    with nogil:
        if ids is None:
            x_0, Wx_0 = &floats[0, 0, 0], &Wx[0, 0]
        threads = block_threads(N, 3.0 * N * da.shape[0] * H * H)
        blocks = block_count(N, threads, 3 * H * H, &work[0])
        by[0], by[1] = repeated(N, T, H, H, 4 * H, 4 * H), repeated(N, T, 2 * H, H, 4 * H, H)
        WhhT = laid_out(&by[0], &Wh[0, 2 * H], transposed(3 * H), &work[0])
        WhzrT = laid_out(&by[1], &Wh[0, 0], transposed(3 * H), &work[packed_size(H, H, &work[0])])
        memset(&db[0], 0, 3 * H * sizeof(floating))
        while end > 0:
            start = max(<Py_ssize_t>0, end - da.shape[0])
            for k in prange(blocks, schedule="dynamic", num_threads=threads):
                rows_backward(&s, block_of(N, k, blocks, start, end), by, &dy[0, 0, 0], WhhT, WhzrT, &h[0, 0, 0],
                              &gates[0, 0, 0], &da[0, 0, 0], &dh[0, 0])
            input_gradients(&s, Block(0, <int>N, start, end), x_0, Wx_0, &da[0, 0, 0],
                            NULL if dx is None else &dx[0, 0, 0], &dWx[0, 0], &db[0])
            state_gradients(&s, Block(0, <int>N, start, end), &h[0, 0, 0], &gates[0, 0, 0], &da[0, 0, 0], &dWh[0, 0])
            end = start


def step(x, weights,                                       # IN (N,F) or ids (N), (Wx, Wh, b)
         floating[:, ::1] h, floating[::1] z):             # IN and OUT the state (N,H), scratch (4H)
    """One step of `forward` that keeps nothing for backward: for generating, where each input waits for an output."""
    cdef const floating[:, ::1] floats = None, Wx = weights[0], Wh = weights[1]
    cdef const Py_ssize_t[::1] ids = None
    cdef const floating[::1] b = weights[2]
    cdef Py_ssize_t N = h.shape[0], H = h.shape[1], F = Wx.shape[0], n
    if N == 0 or H == 0:
        return
    if x.ndim == 1:
        ids = x
    else:
        floats = x
    with nogil:
        for n in range(N):
            if ids is None:  # (1), in the order of forward
                memset(&z[0], 0, 3 * H * sizeof(floating))
                add_row_product(F, 3 * H, &floats[n, 0], &Wx[0, 0], 3 * H, &z[0])
                start_row(H, &z[0], &b[0], &z[0])
            else:
                start_row(H, &Wx[ids[n], 0], &b[0], &z[0])
            add_row_product(H, 2 * H, &h[n, 0], &Wh[0, 0], 3 * H, &z[0])
            reset_forward(H, &h[n, 0], &z[0])
            add_row_product(H, H, &z[3 * H], &Wh[0, 2 * H], 3 * H, &z[2 * H])
            state_forward(H, &h[n, 0], &z[0], &h[n, 0])
