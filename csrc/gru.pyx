"""GRU over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T for return_sequences, else 1: the last).
Arrays are time-major, so that one step is one block of memory and all steps are one matrix; only y and dy, which
the layers beside see, are batch first. A column block of 3H holds the gates in the order z, r, h, and b (2,3H) a bias
for what comes from x, b0, and one for what comes from h, b1.

    forward, for t = 1 .. T
        (1) a_z, a_r = x_t Wx + b0 + h_{t-1} Wh + b1, the blocks z and r                           (N,H) each
            u = h_{t-1} Whh + b1h,  a_g = x_t Wxh + b0h, the block h
        (2) z, r = sigmoid(a_z, a_r)
        (3) g = tanh(a_g + r * u)
        (4) h_t = z * h_{t-1} + (1 - z) * g

    backward, for t = T .. 1, with dh = dy_t + what came from t + 1
        dz = dh (h_{t-1} - g);  dg = dh (1 - z);  dh = dh z                             undoes (4)
        da_g = dg (1-g^2);  dr = da_g u;  du = da_g r                                   undoes (3)
        da_z = dz z (1-z);  da_r = dr r (1-r)                                           undoes (2)
        dh += [da_z, da_r, du] Wh'                                                      undoes (1) for h_{t-1}
    and for all rows of several steps at once
        dx = [da_z, da_r, da_g] Wx';  dWx += x' [da_z, da_r, da_g];  db0 += sum of [da_z, da_r, da_g]
        dWh += h_{t-1}' [da_z, da_r, du];  db1 += sum of [da_z, da_r, du]               undo (1)

With lengths, row n has lengths[n] steps; the rest is padding, x finite there and ids in range. Its state stays as it
is, h_t = h_{t-1}, its gates are 0, and so is y_t where y holds all steps: S > 1, as S = 1 is the final state. In
backward dh passes through, and da = 0.

A one-hot vector x is given as its integer id: x_t Wx is then a row of Wx.

Design: as in lstm.pyx. A row of gates is [g, z, r, u], 4H numbers, and one of gradients [da_g, da_z, da_r, du]. So what
goes through Wh are the last three blocks, one product; what goes through Wx are the first three, in two parts as the
block h stands last in Wx; and the sum of the gradients' rows is db from its third block on.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport packed_size, product
from recurrent cimport (
    Block, Sequences, block_count, block_of, block_threads, is_padding, longest, sequences, steps_held, sums_so_far,
)
from repeated cimport Repeated, Team, dismiss, gather, help, laid_out, repeated, times
from rows cimport add_row, sum_rows
from tile cimport add_row_product, plain, prefetch, transposed
from vmath cimport sigmoid, tanh


def work_size(Py_ssize_t H):
    """Numbers of scratch memory that forward and backward need."""
    cdef float *dtype = NULL  # the wider panels of the two dtypes
    return max(packed_size(H, 3 * H, dtype), packed_size(3 * H, H, dtype))


def backward_steps(Py_ssize_t N, Py_ssize_t T):
    """How many time steps' da backward does best to hold."""
    return steps_held(N, T)


# ---------------------------------------------------------------------------------------------------- one row

cdef inline void start_row(Py_ssize_t H, const floating *xW, const floating *b, floating *row) noexcept nogil:
    """All of (1) but h Wh. x Wx may stand in the row itself, one block further on than in Wx."""
    cdef Py_ssize_t j
    for j in range(H):
        row[j] = xW[2 * H + j] + b[2 * H + j]
    for j in range(2 * H):
        row[H + j] = xW[j] + (b[j] + b[3 * H + j])
    for j in range(H):
        row[3 * H + j] = b[5 * H + j]


cdef inline void cell_forward(Py_ssize_t H, floating *gates, const floating *h_prev,  # IN, and OUT the gates (4H), (H)
                              floating *h) noexcept nogil:                            # OUT (H)
    cdef floating *g = gates
    cdef floating *z = gates + H
    cdef const floating *r = gates + 2 * H
    cdef const floating *u = gates + 3 * H
    cdef floating one = 1  # a plain 1 is a C double here
    cdef Py_ssize_t j
    for j in range(2 * H):  # (2) for z and r
        z[j] = sigmoid(z[j])
    for j in range(H):
        g[j] = tanh(g[j] + r[j] * u[j])  # (3)
    for j in range(H):
        h[j] = z[j] * h_prev[j] + (one - z[j]) * g[j]  # (4)


cdef inline void cell_backward(Py_ssize_t H, const floating *gates, const floating *h_prev,  # IN (4H) (H)
                               floating *da, floating *dh) noexcept nogil:     # OUT (4H); IN dh, OUT its part by (3)
    cdef const floating *g = gates
    cdef const floating *z = gates + H
    cdef const floating *r = gates + 2 * H
    cdef const floating *u = gates + 3 * H
    cdef floating dz, da_g, one = 1
    cdef Py_ssize_t j
    for j in range(H):
        dz = dh[j] * (h_prev[j] - g[j])  # undoes (4)
        da_g = dh[j] * (one - z[j]) * (one - g[j] * g[j])  # and (3)
        dh[j] = dh[j] * z[j]
        da[j] = da_g
        da[H + j] = dz * z[j] * (one - z[j])
        da[2 * H + j] = da_g * u[j] * r[j] * (one - r[j])
        da[3 * H + j] = da_g * r[j]


# --------------------------------------------------------------------------- a block of rows, through all of time

cdef void rows_forward(const Sequences *s, Block block, const Repeated *hWh, const floating *Wx, const floating *Wh,
                       const floating *b, floating *h, floating *gates, floating *y) noexcept nogil:
    cdef Py_ssize_t N = s.N, T = s.T, H = s.H, S = s.S, first = block.first, last = first + block.rows
    cdef Py_ssize_t end = longest(s, &block), skipped = T - S, size = H * sizeof(floating), t, n
    cdef floating *before
    cdef floating *after
    cdef floating *gates_t
    cdef const floating *xW
    for t in range(T):
        before = h + t * N * H
        after = before + N * H
        gates_t = gates + t * N * 4 * H
        for n in range(first, last):  # (1): for ids a row of Wx, else x Wx is in place already
            xW = gates_t + (4 * n + 1) * H
            if s.ids != NULL:
                xW = Wx + s.ids[t * N + n] * 3 * H
            start_row(H, xW, b, gates_t + 4 * n * H)
        if t < end and (t > 0 or not s.h0_is_zero):
            times(hWh, block.rows, before + first * H, Wh, gates_t + (4 * first + 1) * H, True, t,
                  gates + (min(t + 1, T - 1) * N + first) * 4 * H, block.rows * 4 * H)
        for n in range(first, last):
            if is_padding(s, n, t):
                memset(gates_t + 4 * n * H, 0, 4 * size)
                memcpy(after + n * H, before + n * H, size)
            else:
                cell_forward(H, gates_t + 4 * n * H, before + n * H, after + n * H)
            if S > 1 and is_padding(s, n, t):
                memset(y + (n * S + t) * H, 0, size)
            elif t >= skipped:
                memcpy(y + (n * S + t - skipped) * H, after + n * H, size)


cdef void rows_backward(const Sequences *s, Block block, const Repeated *daWhT, const floating *dy, const floating *WhT,
                        const floating *h, const floating *gates, floating *da, floating *dh) noexcept nogil:
    """The block's steps from the last to the first. y holds the S steps after those that are skipped."""
    cdef Py_ssize_t N = s.N, H = s.H, S = s.S, first = block.first, skipped = s.T - S
    cdef Py_ssize_t none_live = longest(s, &block), t, n
    cdef floating *da_t
    for t in range(block.end - 1, block.start - 1, -1):
        da_t = da + (t - block.start) * N * 4 * H
        for n in range(first, first + block.rows):
            if t >= skipped and not (S > 1 and is_padding(s, n, t)):
                add_row(H, dy + (n * S + t - skipped) * H, dh + n * H)
            if t > skipped:
                prefetch(dy + (n * S + t - 1 - skipped) * H, H * sizeof(floating))
            if is_padding(s, n, t):
                memset(da_t + 4 * n * H, 0, 4 * H * sizeof(floating))
            else:
                cell_backward(H, gates + (t * N + n) * 4 * H, h + (t * N + n) * H, da_t + 4 * n * H, dh + n * H)
        if t < none_live:  # where a row is padding, da Wh' = 0 is added to its dh
            times(daWhT, block.rows, da_t + (4 * first + 1) * H, WhT, dh + first * H, True, t,  # undoes (1)
                  gates + (max(t - 1, 0) * N + first) * 4 * H, block.rows * 4 * H)


cdef void weight_gradients(const Sequences *s, Block block, const floating *h, const floating *x, const floating *Wx,
                           const floating *da, floating *dx, floating *dWx, floating *dWh,
                           floating *db) noexcept nogil:
    """Undo (1) for x and the weights, with all rows of the block at once. da holds its steps alone."""
    cdef Py_ssize_t F = s.F, H = s.H, at = block.start * s.N, rows = (block.end - block.start) * s.N
    cdef Py_ssize_t unused = s.N if block.start == 0 and s.h0_is_zero else 0  # h_0 = 0 adds nothing to dWh
    product(H, rows - unused, 3 * H, h + (at + unused) * H, transposed(H), da + (4 * unused + 1) * H, plain(4 * H),
            sums_so_far(s, &block, dWh), dWh, 3 * H)
    sum_rows(rows, 4 * H, da, 4 * H, NULL, db + 2 * H, NULL, 0, s.N * s.T)
    if s.ids != NULL:  # the blocks z and r, and then the block h
        sum_rows(rows, 2 * H, da + H, 4 * H, s.ids + at, NULL, dWx, 3 * H, s.N * s.T)
        sum_rows(rows, H, da, 4 * H, s.ids + at, NULL, dWx + 2 * H, 3 * H, s.N * s.T)
        return
    if dx != NULL:
        product(rows, 2 * H, F, da + H, plain(4 * H), Wx, transposed(3 * H), NULL, dx + at * F, F)
        product(rows, H, F, da, plain(4 * H), Wx + 2 * H, transposed(3 * H), dx + at * F, dx + at * F, F)
    product(F, rows, 2 * H, x + at * F, transposed(F), da + H, plain(4 * H),
            sums_so_far(s, &block, dWx), dWx, 3 * H)
    product(F, rows, H, x + at * F, transposed(F), da, plain(4 * H),
            sums_so_far(s, &block, dWx + 2 * H), dWx + 2 * H, 3 * H)


# -------------------------------------------------------------------------------------------------- the doors

def forward(x, const Py_ssize_t[::1] lengths, weights,             # IN (T,N,F) or ids (T,N), (N) or None, (Wx, Wh, b)
            floating[:, :, ::1] h,                                 # IN [0], OUT [1:] (T+1,N,H)
            floating[:, :, ::1] gates, floating[:, :, ::1] y,      # OUT (T,N,4H) (N,S,H)
            floating[::1] work):
    """All T steps; h[0] holds the initial state, h[T] receives the final one."""
    cdef const floating[:, :, ::1] floats = None if x.ndim == 2 else x
    cdef const Py_ssize_t[:, ::1] ids = x if x.ndim == 2 else None
    cdef const floating[:, ::1] Wx = weights[0], Wh = weights[1], b = weights[2]  # (F,3H) (H,3H) (2,3H)
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k
    cdef Sequences s = sequences(ids, lengths, h, F, 3 * H, y.shape[1])
    cdef Repeated hWh = repeated(N, T, H, 3 * H, H, 4 * H)
    cdef const floating *Wh_laid_out
    cdef Team team
    cdef int threads, helpers
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        if ids is None:
            product(T * N, F, 3 * H, &floats[0, 0, 0], plain(F), &Wx[0, 0], plain(3 * H), NULL, &gates[0, 0, H], 4 * H)
        threads = block_threads(N, 3.0 * N * T * H * H)
        blocks = block_count(N, threads, 3 * H * H, &work[0])
        Wh_laid_out = laid_out(&hWh, &Wh[0, 0], plain(3 * H), &work[0])
        helpers = gather(&hWh, &team, &work[0])
        for k in prange(blocks + helpers, schedule="dynamic", num_threads=threads + helpers):
            if k < blocks:
                rows_forward(&s, block_of(N, k, blocks, 0, T), &hWh, &Wx[0, 0], Wh_laid_out, &b[0, 0], &h[0, 0, 0],
                             &gates[0, 0, 0], &y[0, 0, 0])
                dismiss(&hWh)
            else:
                help(&hWh, k - blocks + 1, Wh_laid_out)


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
    cdef floating[:, ::1] dWx = gradients[0], dWh = gradients[1], db = gradients[2]
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k, start, end = T
    cdef Sequences s = sequences(ids, lengths, h, F, 3 * H, dy.shape[1])
    cdef Repeated daWhT = repeated(N, T, 3 * H, H, 4 * H, H)
    cdef const floating *WhT
    cdef const floating *x_0 = NULL, *Wx_0 = NULL  # their first numbers; ids have none, and need no Wx
    cdef Team team
    cdef int threads, helpers
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
        WhT = laid_out(&daWhT, &Wh[0, 0], transposed(3 * H), &work[0])
        memset(&db[0, 0], 0, 6 * H * sizeof(floating))
        while end > 0:
            start = max(<Py_ssize_t>0, end - da.shape[0])
            helpers = gather(&daWhT, &team, &work[0])
            for k in prange(blocks + helpers, schedule="dynamic", num_threads=threads + helpers):
                if k < blocks:
                    rows_backward(&s, block_of(N, k, blocks, start, end), &daWhT, &dy[0, 0, 0], WhT, &h[0, 0, 0],
                                  &gates[0, 0, 0], &da[0, 0, 0], &dh[0, 0])
                    dismiss(&daWhT)
                else:
                    help(&daWhT, k - blocks + 1, WhT)
            weight_gradients(&s, Block(0, <int>N, start, end), &h[0, 0, 0], x_0, Wx_0, &da[0, 0, 0],
                             NULL if dx is None else &dx[0, 0, 0], &dWx[0, 0], &dWh[0, 0], &db[0, 0])
            end = start
        memcpy(&db[0, 0], &db[1, 0], 2 * H * sizeof(floating))  # a_z and a_r have both biases


def step(x, weights,                                       # IN (N,F) or ids (N), (Wx, Wh, b)
         floating[:, ::1] h, floating[::1] z):             # IN and OUT the state (N,H), scratch (4H)
    """One step of `forward` that keeps nothing for backward: for generating, where each input waits for an output."""
    cdef const floating[:, ::1] floats = None, Wx = weights[0], Wh = weights[1], b = weights[2]
    cdef const Py_ssize_t[::1] ids = None
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
                memset(&z[H], 0, 3 * H * sizeof(floating))
                add_row_product(F, 3 * H, &floats[n, 0], &Wx[0, 0], 3 * H, &z[H])
                start_row(H, &z[H], &b[0, 0], &z[0])
            else:
                start_row(H, &Wx[ids[n], 0], &b[0, 0], &z[0])
            add_row_product(H, 3 * H, &h[n, 0], &Wh[0, 0], 3 * H, &z[H])
            cell_forward(H, &z[0], &h[n, 0], &h[n, 0])
