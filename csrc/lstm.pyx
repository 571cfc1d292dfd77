"""LSTM over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T for return_sequences, else 1: the last).
Arrays are time-major, so that one step is one block of memory and all steps are one matrix; only y and dy, which the
neighbouring layers see, are batch first. A column block of 4H holds the gates in the order i, f, g, o.

    forward, for t = 1 .. T
        (1) z_t = x_t Wx + b + h_{t-1} Wh                       (N,4H)
        (2) i, f, o = sigmoid(z_i, z_f, z_o);  g = tanh(z_g)     (N,H) each
        (3) c_t = f * c_{t-1} + i * g
        (4) h_t = o * tanh(c_t)

    backward, for t = T .. 1, with dh = dy_t + what came from t + 1
        dc += dh * o * (1 - tanh(c_t)^2)                         undoes (4)
        do = dh * tanh(c_t);  di = dc * g;  df = dc * c_{t-1};  dg = dc * i;  dc = dc * f       undo (4), (3)
        dz = di i (1-i), df f (1-f), dg (1-g^2), do o (1-o)      undoes (2)
        dh = dz Wh'                                              undoes (1) for h_{t-1}
    and for all rows of several steps at once
        dx = dz Wx';  dWx += x' dz;  dWh += h_{t-1}' dz;  db += sum of dz                       undo (1)

A one-hot vector x is given as its integer id: x_t Wx is then a row of Wx.

With lengths, row n has lengths[n] steps; the rest is padding, with x finite and ids in range. The state stays as it is
there, h_t = h_{t-1} and c_t = c_{t-1}, the gates are 0, and so is y_t where y holds all steps: S > 1, as S = 1 is the
final state. In backward dh and dc pass through, and dz = 0.

Design: Wh is packed once into panels (tile.h). A block of batch rows goes through all T steps on its own. Where the
panels fit the second-level cache, it is as high as the register tile: its z_t stays in the first-level cache between
the tiles that compute it (1) and the loops that finish the cell (2-4). Larger weights meet many rows at a time. Threads
take whole blocks, so they never wait for each other between steps, and since a row's sums do not depend on its block,
nor does the result on the number of threads. (A single row: repeated.pxd.) Weight gradients are one product for some
hundred rows of dz instead of a small one for each step; dz is held for just that many steps, so it is still in the
core's cache when the weight gradients need it. If there is room for all T steps, all of dz is there at the end.
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
from vmath cimport sigmoid, tanh


def work_size(Py_ssize_t H):
    """Numbers of scratch memory that forward and backward need."""
    cdef float *dtype = NULL  # the wider panels of the two dtypes
    return max(packed_size(H, 4 * H, dtype), packed_size(4 * H, H, dtype))


def backward_steps(Py_ssize_t N, Py_ssize_t T):
    """How many time steps' dz backward does best to hold."""
    return steps_held(N, T)


# ---------------------------------------------------------------------------------------------------- one row

cdef inline void cell_forward(Py_ssize_t H, floating *z, const floating *c_prev,  # IN, and OUT the gates (4H) (H)
                              floating *c, floating *h) noexcept nogil:           # OUT (H) (H)
    cdef const floating *i = z
    cdef const floating *f = z + H
    cdef const floating *g = z + 2 * H
    cdef const floating *o = z + 3 * H
    cdef Py_ssize_t j
    for j in range(2 * H):  # (2)
        z[j] = sigmoid(z[j])
    for j in range(2 * H, 3 * H):
        z[j] = tanh(z[j])
    for j in range(3 * H, 4 * H):
        z[j] = sigmoid(z[j])
    for j in range(H):
        c[j] = f[j] * c_prev[j] + i[j] * g[j]  # (3)
        h[j] = o[j] * tanh(c[j])  # (4)


cdef inline void cell_backward(Py_ssize_t H, const floating *dh, const floating *gates,             # IN (H) (4H)
                               const floating *c_prev, const floating *c,                           # IN (H) (H)
                               floating *dz, floating *dc) noexcept nogil:          # OUT (4H); IN dc, OUT dc_prev
    cdef const floating *i = gates
    cdef const floating *f = gates + H
    cdef const floating *g = gates + 2 * H
    cdef const floating *o = gates + 3 * H
    cdef floating tanh_c, dcj, di, df, dg, do, one = 1  # a plain 1 is a C double here
    cdef Py_ssize_t j
    for j in range(H):
        tanh_c = tanh(c[j])
        dcj = dc[j] + dh[j] * o[j] * (one - tanh_c * tanh_c)  # undoes (4)
        do = dh[j] * tanh_c
        di = dcj * g[j]  # undoes (3)
        df = dcj * c_prev[j]
        dg = dcj * i[j]
        dc[j] = dcj * f[j]
        dz[j] = di * i[j] * (one - i[j])  # undoes (2)
        dz[H + j] = df * f[j] * (one - f[j])
        dz[2 * H + j] = dg * (one - g[j] * g[j])
        dz[3 * H + j] = do * o[j] * (one - o[j])


# --------------------------------------------------------------------------- a block of rows, through all of time

cdef void rows_forward(const Sequences *s, Block block, const Repeated *hWh, const floating *Wx, const floating *Wh,
                       const floating *b, floating *h, floating *c, floating *gates, floating *y) noexcept nogil:
    cdef Py_ssize_t N = s.N, T = s.T, H = s.H, S = s.S, first = block.first, last = first + block.rows
    cdef Py_ssize_t end = longest(s, &block), size = H * sizeof(floating), t, n, j
    cdef floating *z
    cdef const floating *xW
    for t in range(T):
        for n in range(first, last):  # (1): for ids a row of Wx, else x Wx is in z already
            z = gates + (t * N + n) * 4 * H
            xW = z
            if s.ids != NULL:
                xW = Wx + s.ids[t * N + n] * 4 * H
            for j in range(4 * H):
                z[j] = xW[j] + b[j]
        if t < end and (t > 0 or not s.h0_is_zero):
            times(hWh, block.rows, h + (t * N + first) * H, Wh, gates + (t * N + first) * 4 * H, True, t,
                  gates + (min(t + 1, T - 1) * N + first) * 4 * H, block.rows * 4 * H)
        for n in range(first, last):
            if not is_padding(s, n, t):
                cell_forward(H, gates + (t * N + n) * 4 * H, c + (t * N + n) * H,
                             c + ((t + 1) * N + n) * H, h + ((t + 1) * N + n) * H)
            else:
                memset(gates + (t * N + n) * 4 * H, 0, 4 * size)
                memcpy(c + ((t + 1) * N + n) * H, c + (t * N + n) * H, size)
                memcpy(h + ((t + 1) * N + n) * H, h + (t * N + n) * H, size)
            if S > 1 and is_padding(s, n, t):
                memset(y + (n * S + t) * H, 0, size)
            elif t >= T - S:
                memcpy(y + (n * S + t - (T - S)) * H, h + ((t + 1) * N + n) * H, size)


cdef void rows_backward(const Sequences *s, Block block, const Repeated *dzWhT, const floating *dy, const floating *WhT,
                        const floating *c, const floating *gates, floating *dz, floating *dh,
                        floating *dc) noexcept nogil:
    """The block's steps from the last to the first. y holds the S steps after those that are skipped."""
    cdef Py_ssize_t N = s.N, H = s.H, S = s.S, first = block.first, skipped = s.T - S
    cdef Py_ssize_t all_live = shortest(s, &block), none_live = longest(s, &block), t, n
    for t in range(block.end - 1, block.start - 1, -1):
        for n in range(first, first + block.rows):
            if t >= skipped and not (S > 1 and is_padding(s, n, t)):
                add_row(H, dy + (n * S + t - skipped) * H, dh + n * H)
            if t > skipped:
                prefetch(dy + (n * S + t - 1 - skipped) * H, H * sizeof(floating))
            if is_padding(s, n, t):
                memset(dz + ((t - block.start) * N + n) * 4 * H, 0, 4 * H * sizeof(floating))
                continue
            cell_backward(H, dh + n * H, gates + (t * N + n) * 4 * H, c + (t * N + n) * H, c + ((t + 1) * N + n) * H,
                          dz + ((t - block.start) * N + n) * 4 * H, dc + n * H)
            if t >= all_live:
                memset(dh + n * H, 0, H * sizeof(floating))
        if t < none_live:  # where a row is padding, dz Wh' = 0 is added to its dh
            times(dzWhT, block.rows, dz + ((t - block.start) * N + first) * 4 * H, WhT, dh + first * H,
                  t >= all_live, t,  # undoes (1)
                  gates + (max(t - 1, 0) * N + first) * 4 * H, block.rows * 4 * H)


# -------------------------------------------------------------------------------------------------- the doors

def forward(x, const Py_ssize_t[::1] lengths, weights,             # IN (T,N,F) or ids (T,N), (N) or None, (Wx, Wh, b)
            floating[:, :, ::1] h, floating[:, :, ::1] c,          # IN [0], OUT [1:] (T+1,N,H)
            floating[:, :, ::1] gates, floating[:, :, ::1] y,      # OUT (T,N,4H) (N,S,H)
            floating[::1] work):
    """All T steps; h[0] and c[0] hold the initial state, h[T] and c[T] receive the final one."""
    cdef const floating[:, :, ::1] floats = None if x.ndim == 2 else x
    cdef const Py_ssize_t[:, ::1] ids = x if x.ndim == 2 else None
    cdef const floating[:, ::1] Wx = weights[0], Wh = weights[1]  # (F,4H) (H,4H)
    cdef const floating[::1] b = weights[2]  # (4H)
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k
    cdef Sequences s = sequences(ids, lengths, h, F, 4 * H, y.shape[1])
    cdef Repeated hWh = repeated(N, T, H, 4 * H, H, 4 * H)
    cdef const floating *Wh_laid_out
    cdef Team team
    cdef int threads, helpers
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        if ids is None:
            product(T * N, F, 4 * H, &floats[0, 0, 0], plain(F), &Wx[0, 0], plain(4 * H), NULL, &gates[0, 0, 0], 4 * H)
        threads = block_threads(N, 4.0 * N * T * H * H)
        blocks = block_count(N, threads, 4 * H * H, &work[0])
        Wh_laid_out = laid_out(&hWh, &Wh[0, 0], plain(4 * H), &work[0])
        helpers = gather(&hWh, &team, &work[0])
        for k in prange(blocks + helpers, schedule="dynamic", num_threads=threads + helpers):
            if k < blocks:
                rows_forward(&s, block_of(N, k, blocks, 0, T), &hWh, &Wx[0, 0], Wh_laid_out, &b[0], &h[0, 0, 0],
                             &c[0, 0, 0], &gates[0, 0, 0], &y[0, 0, 0])
                dismiss(&hWh)
            else:
                help(&hWh, k - blocks + 1, Wh_laid_out)


def backward(x, const Py_ssize_t[::1] lengths, weights,                      # IN as in forward
             const floating[:, :, ::1] h, const floating[:, :, ::1] c,       # IN (T+1,N,H)
             const floating[:, :, ::1] gates, const floating[:, :, ::1] dy,  # IN (T,N,4H) (N,S,H)
             floating[:, ::1] dh, floating[:, ::1] dc,                       # IN final, OUT initial state's (N,H)
             floating[:, :, ::1] dx, gradients,                              # OUT (T,N,F) or None, (dWx, dWh, db)
             floating[:, :, ::1] dz, floating[::1] work):                    # scratch (steps,N,4H)
    """Undo `forward`; dh and dc bring the final state's gradients and leave with the initial state's. Ids have none."""
    cdef const floating[:, :, ::1] floats = None if x.ndim == 2 else x
    cdef const Py_ssize_t[:, ::1] ids = x if x.ndim == 2 else None
    cdef const floating[:, ::1] Wx = weights[0], Wh = weights[1]
    cdef floating[:, ::1] dWx = gradients[0], dWh = gradients[1]
    cdef floating[::1] db = gradients[2]
    cdef Py_ssize_t T = h.shape[0] - 1, N = h.shape[1], H = h.shape[2], F = Wx.shape[0], blocks, k, start, end = T
    cdef Sequences s = sequences(ids, lengths, h, F, 4 * H, dy.shape[1])
    cdef Repeated dzWhT = repeated(N, T, 4 * H, H, 4 * H, H)
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
        threads = block_threads(N, 4.0 * N * dz.shape[0] * H * H)
        blocks = block_count(N, threads, 4 * H * H, &work[0])
        WhT = laid_out(&dzWhT, &Wh[0, 0], transposed(4 * H), &work[0])
        memset(&db[0], 0, 4 * H * sizeof(floating))
        while end > 0:
            start = max(<Py_ssize_t>0, end - dz.shape[0])
            helpers = gather(&dzWhT, &team, &work[0])
            for k in prange(blocks + helpers, schedule="dynamic", num_threads=threads + helpers):
                if k < blocks:
                    rows_backward(&s, block_of(N, k, blocks, start, end), &dzWhT, &dy[0, 0, 0], WhT, &c[0, 0, 0],
                                  &gates[0, 0, 0], &dz[0, 0, 0], &dh[0, 0], &dc[0, 0])
                    dismiss(&dzWhT)
                else:
                    help(&dzWhT, k - blocks + 1, WhT)
            weight_gradients(&s, Block(0, <int>N, start, end), &h[0, 0, 0], x_0, Wx_0, &dz[0, 0, 0],
                             NULL if dx is None else &dx[0, 0, 0], &dWx[0, 0], &dWh[0, 0], &db[0])
            end = start


def step(x, weights,                                       # IN (N,F) or ids (N), (Wx, Wh, b)
         floating[:, ::1] h, floating[:, ::1] c,           # IN and OUT the state (N,H)
         floating[::1] z):                                 # scratch (4H)
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
                memset(&z[0], 0, 4 * H * sizeof(floating))
                add_row_product(F, 4 * H, &floats[n, 0], &Wx[0, 0], 4 * H, &z[0])
            else:
                memcpy(&z[0], &Wx[ids[n], 0], 4 * H * sizeof(floating))
            add_row(4 * H, &b[0], &z[0])
            add_row_product(H, 4 * H, &h[n, 0], &Wh[0, 0], 4 * H, &z[0])
            cell_forward(H, &z[0], &c[n, 0], &c[n, 0], &h[n, 0])
