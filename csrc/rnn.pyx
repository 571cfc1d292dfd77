"""RNN over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T for return_sequences, else 1: the last).
Arrays are time-major, so that one step is one block of memory and all steps are one matrix; only y and dy, which the
neighbouring layers see, are batch first.

    forward, for t = 1 .. T
        (1) z_t = x_t Wx + b + h_{t-1} Wh            (N,H)
        (2) h_t = f(z_t),  f = tanh or ReLU          y_t = h_t

    backward, for t = T .. 1, with dh = dy_t + what came from t + 1
        dz = dh (1 - h_t^2), or dh where h_t > 0     undoes (2): f' can be written with h_t
        dh = dz Wh'                                  undoes (1) for h_{t-1}
    and for all rows of several steps at once
        dx = dz Wx';  dWx += x' dz;  dWh += h_{t-1}' dz;  db += sum of dz                       undo (1)

With lengths, row n has lengths[n] steps; the rest is padding, x finite there and ids in range. Its state stays as it
is, h_t = h_{t-1}, and y_t is 0 where y holds all steps: S > 1, as S = 1 is the final state. In backward dh passes
through, and dz = 0.

A one-hot vector x is given as its integer id: x_t Wx is then a row of Wx.

Design: as in lstm.pyx, with less to keep: z_t is computed in the place of h_t, and h_t is all that backward needs. The
packed Wh is read from the cache once for each block of rows and step. For a batch of one, most of the time goes into
this, 40 KB per step for 100 units; the weight gradients are one product over all steps, and cost half as much.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport packed_size, product
from recurrent cimport (
    Block, Sequences, block_count, block_of, block_threads, is_padding, longest, sequences, shortest, steps_held,
    weight_gradients,
)
from repeated cimport Repeated, Team, dismiss, gather, help, laid_out, repeated, times
from rows cimport add_row
from tile cimport add_row_product, plain, prefetch, transposed
from vmath cimport tanh


def work_size(Py_ssize_t H):
    """Numbers of scratch memory that forward and backward need."""
    cdef float *dtype = NULL  # the wider panels of the two dtypes
    return packed_size(H, H, dtype)


def backward_steps(Py_ssize_t N, Py_ssize_t T):
    """How many time steps' dz backward does best to hold."""
    return steps_held(N, T)


# ---------------------------------------------------------------------------------------------------- one row

cdef inline void cell_forward(Py_ssize_t H, bint relu, floating *z) noexcept nogil:  # IN z, OUT h
    cdef Py_ssize_t j
    if relu:
        for j in range(H):
            z[j] = 0 if z[j] < 0 else z[j]  # (2), in the form that lets NaN through
    else:
        for j in range(H):
            z[j] = tanh(z[j])  # (2)


cdef inline void cell_backward(Py_ssize_t H, bint relu, const floating *dh, const floating *h,
                               floating *dz) noexcept nogil:
    cdef floating one = 1  # a plain 1 is a C double here
    cdef Py_ssize_t j
    if relu:
        for j in range(H):
            dz[j] = 0 if h[j] <= 0 else dh[j]  # undoes (2)
    else:
        for j in range(H):
            dz[j] = dh[j] * (one - h[j] * h[j])  # undoes (2)


# --------------------------------------------------------------------------- a block of rows, through all of time

cdef void rows_forward(const Sequences *s, Block block, const Repeated *hWh, bint relu, const floating *Wx,
                       const floating *Wh, const floating *b, floating *h, floating *y) noexcept nogil:
    cdef Py_ssize_t N = s.N, T = s.T, H = s.H, S = s.S, first = block.first, last = first + block.rows
    cdef Py_ssize_t end = longest(s, &block), skipped = T - S, size = H * sizeof(floating), t, n, j
    cdef floating *before
    cdef floating *after
    cdef const floating *xW
    for t in range(T):
        before = h + t * N * H
        after = before + N * H
        for n in range(first, last):  # (1): for ids a row of Wx, else x Wx is in place already
            xW = after + n * H
            if s.ids != NULL:
                xW = Wx + s.ids[t * N + n] * H
            for j in range(H):
                after[n * H + j] = xW[j] + b[j]
        if t < end and (t > 0 or not s.h0_is_zero):
            times(hWh, block.rows, before + first * H, Wh, after + first * H, True, t,
                  h + (min(t + 2, T) * N + first) * H, block.rows * H)
        for n in range(first, last):
            if is_padding(s, n, t):
                memcpy(after + n * H, before + n * H, size)
            else:
                cell_forward(H, relu, after + n * H)
            if S > 1 and is_padding(s, n, t):
                memset(y + (n * S + t) * H, 0, size)
            elif t >= skipped:
                memcpy(y + (n * S + t - skipped) * H, after + n * H, size)


cdef void rows_backward(const Sequences *s, Block block, const Repeated *dzWhT, bint relu, const floating *dy,
                        const floating *WhT, const floating *h, floating *dz, floating *dh) noexcept nogil:
    """The block's steps from the last to the first. y holds the S steps after those that are skipped."""
    cdef Py_ssize_t N = s.N, H = s.H, S = s.S, first = block.first, skipped = s.T - S
    cdef Py_ssize_t all_live = shortest(s, &block), none_live = longest(s, &block), t, n
    cdef floating *dz_t
    for t in range(block.end - 1, block.start - 1, -1):
        dz_t = dz + (t - block.start) * N * H
        for n in range(first, first + block.rows):
            if t >= skipped and not (S > 1 and is_padding(s, n, t)):
                add_row(H, dy + (n * S + t - skipped) * H, dh + n * H)
            if t > skipped:
                prefetch(dy + (n * S + t - 1 - skipped) * H, H * sizeof(floating))
            if is_padding(s, n, t):
                memset(dz_t + n * H, 0, H * sizeof(floating))
                continue
            cell_backward(H, relu, dh + n * H, h + ((t + 1) * N + n) * H, dz_t + n * H)
            if t >= all_live:
                memset(dh + n * H, 0, H * sizeof(floating))
        if t < none_live:  # where a row is padding, dz Wh' = 0 is added to its dh
            times(dzWhT, block.rows, dz_t + first * H, WhT, dh + first * H, t >= all_live, t,  # undoes (1)
                  h + (t * N + first) * H, block.rows * H)


# -------------------------------------------------------------------------------------------------- the doors

def forward(x, const Py_ssize_t[::1] lengths, weights,             # IN (T,N,F) or ids (T,N), (N) or None, (Wx, Wh, b)
            floating[:, :, ::1] h, floating[:, :, ::1] y,          # IN [0], OUT [1:] (T+1,N,H), OUT (N,S,H)
            floating[::1] work, bint relu):
    """All T steps; h[0] holds the initial state, h[T] receives the final one."""
    cdef const floating[:, :, ::1] floats = None if x.ndim == 2 else x
    cdef const Py_ssize_t[:, ::1] ids = x if x.ndim == 2 else None
    cdef const floating[:, ::1] Wx = weights[0], Wh = weights[1]  # (F,H) (H,H)
    cdef const floating[::1] b = weights[2]  # (H)
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k
    cdef Sequences s = sequences(ids, lengths, h, F, H, y.shape[1])
    cdef Repeated hWh = repeated(N, T, H, H, H, H)
    cdef const floating *Wh_laid_out
    cdef Team team
    cdef int threads, helpers
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        if ids is None:
            product(T * N, F, H, &floats[0, 0, 0], plain(F), &Wx[0, 0], plain(H), NULL, &h[1, 0, 0], H)
        threads = block_threads(N, <double>N * T * H * H)
        blocks = block_count(N, threads, H * H, &work[0])
        Wh_laid_out = laid_out(&hWh, &Wh[0, 0], plain(H), &work[0])
        helpers = gather(&hWh, &team, &work[0])
        for k in prange(blocks + helpers, schedule="dynamic", num_threads=threads + helpers):
            if k < blocks:
                rows_forward(&s, block_of(N, k, blocks, 0, T), &hWh, relu, &Wx[0, 0], Wh_laid_out, &b[0], &h[0, 0, 0],
                             &y[0, 0, 0])
                dismiss(&hWh)
            else:
                help(&hWh, k - blocks + 1, Wh_laid_out)


def backward(x, const Py_ssize_t[::1] lengths, weights,                      # IN as in forward
             const floating[:, :, ::1] h, const floating[:, :, ::1] dy,      # IN (T+1,N,H) (N,S,H)
             floating[:, ::1] dh,                                            # IN final, OUT initial state's (N,H)
             floating[:, :, ::1] dx, gradients,                              # OUT (T,N,F) or None, (dWx, dWh, db)
             floating[:, :, ::1] dz, floating[::1] work, bint relu):         # scratch (steps,N,H)
    """Undo `forward`; dh brings the final state's gradient and leaves with the initial state's. Ids have none."""
    cdef const floating[:, :, ::1] floats = None if x.ndim == 2 else x
    cdef const Py_ssize_t[:, ::1] ids = x if x.ndim == 2 else None
    cdef const floating[:, ::1] Wx = weights[0], Wh = weights[1]
    cdef floating[:, ::1] dWx = gradients[0], dWh = gradients[1]
    cdef floating[::1] db = gradients[2]
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k, start, end = T
    cdef Sequences s = sequences(ids, lengths, h, F, H, dy.shape[1])
    cdef Repeated dzWhT = repeated(N, T, H, H, H, H)
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
        threads = block_threads(N, <double>N * dz.shape[0] * H * H)
        blocks = block_count(N, threads, H * H, &work[0])
        WhT = laid_out(&dzWhT, &Wh[0, 0], transposed(H), &work[0])
        memset(&db[0], 0, H * sizeof(floating))
        while end > 0:
            start = max(<Py_ssize_t>0, end - dz.shape[0])
            helpers = gather(&dzWhT, &team, &work[0])
            for k in prange(blocks + helpers, schedule="dynamic", num_threads=threads + helpers):
                if k < blocks:
                    rows_backward(&s, block_of(N, k, blocks, start, end), &dzWhT, relu, &dy[0, 0, 0], WhT, &h[0, 0, 0],
                                  &dz[0, 0, 0], &dh[0, 0])
                    dismiss(&dzWhT)
                else:
                    help(&dzWhT, k - blocks + 1, WhT)
            weight_gradients(&s, Block(0, <int>N, start, end), &h[0, 0, 0], x_0, Wx_0, &dz[0, 0, 0],
                             NULL if dx is None else &dx[0, 0, 0], &dWx[0, 0], &dWh[0, 0], &db[0])
            end = start


def step(x, weights,                                       # IN (N,F) or ids (N), (Wx, Wh, b)
         floating[:, ::1] h, floating[::1] z, bint relu):  # IN and OUT the state (N,H), scratch (H)
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
                memset(&z[0], 0, H * sizeof(floating))
                add_row_product(F, H, &floats[n, 0], &Wx[0, 0], H, &z[0])
            else:
                memcpy(&z[0], &Wx[ids[n], 0], H * sizeof(floating))
            add_row(H, &b[0], &z[0])
            add_row_product(H, H, &h[n, 0], &Wh[0, 0], H, &z[0])
            cell_forward(H, relu, &z[0])
            memcpy(&h[n, 0], &z[0], H * sizeof(floating))
