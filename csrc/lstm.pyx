"""LSTM over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T for return_sequences, else 1: the last).
Arrays are time-major, so that one step is one block of memory and all steps are one matrix; only y and dy, which
the layers beside see, are batch first. A column block of 4H holds the gates in the order i, f, g, o.

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

Where x is a one-hot vector it is written as its integer id: x_t Wx is then a row of Wx.

With lengths, row n has lengths[n] steps; the rest is padding, with x finite and ids in range. The state stays as it is
there, h_t = h_{t-1} and c_t = c_{t-1}, the gates are 0, and so is y_t where y holds all steps: S > 1, as S = 1 is the
final state. In backward dh and dc pass through, and dz = 0.

Design: Wh is packed once into panels (tile.h) that fit the second-level cache. A block of batch rows as high as the
register tile goes through all T steps on its own: its z_t stays in the first-level cache between the tiles that
compute it (1) and the loops that finish the cell (2-4). Threads take whole blocks, so they never wait for each other
between steps, and since a row's sums do not depend on its block, nor does the result on the number of threads.
Weight gradients are one product for some hundred rows of dz instead of a small one for each step; dz is held for just
so many steps, so it is still in the cache of the core when the weight gradients want it. With room for all T steps it
leaves with all of them.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport packed_size, product
from recurrent cimport (
    all_zero, block_count, block_threads, is_padding, laid_out, longest, shortest, steps_held, steps_of, times,
)
from rows cimport add_row, sum_rows
from tile cimport add_row_product, prefetch
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

cdef void rows_forward(Py_ssize_t first, int rows, Py_ssize_t N, Py_ssize_t T, Py_ssize_t S, Py_ssize_t H,
                       const Py_ssize_t *ids, const Py_ssize_t *lengths, const floating *Wx,
                       const floating *Wh, const floating *b, bint h0_is_zero, floating *h, floating *c,
                       floating *gates, floating *y) noexcept nogil:
    cdef floating *z
    cdef const floating *xW
    cdef Py_ssize_t end = longest(first, rows, T, lengths), size = H * sizeof(floating), t, n, j
    for t in range(T):
        for n in range(first, first + rows):  # (1): for ids a row of Wx, else x Wx is in z already
            z = gates + (t * N + n) * 4 * H
            xW = z
            if ids != NULL:
                xW = Wx + ids[t * N + n] * 4 * H
            for j in range(4 * H):
                z[j] = xW[j] + b[j]
        if t < end and (t > 0 or not h0_is_zero):  # 0 Wh is 0, for a Wh of numbers
            times(N, rows, H, 4 * H, h + (t * N + first) * H, H, Wh, gates + (t * N + first) * 4 * H, 4 * H, True,
                  gates + (min(t + 1, T - 1) * N + first) * 4 * H, rows * 4 * H)
        for n in range(first, first + rows):
            if not is_padding(lengths, n, t):
                cell_forward(H, gates + (t * N + n) * 4 * H, c + (t * N + n) * H,
                             c + ((t + 1) * N + n) * H, h + ((t + 1) * N + n) * H)
            else:
                memset(gates + (t * N + n) * 4 * H, 0, 4 * size)
                memcpy(c + ((t + 1) * N + n) * H, c + (t * N + n) * H, size)
                memcpy(h + ((t + 1) * N + n) * H, h + (t * N + n) * H, size)
            if S > 1 and is_padding(lengths, n, t):
                memset(y + (n * S + t) * H, 0, size)
            elif t >= T - S:
                memcpy(y + (n * S + t - (T - S)) * H, h + ((t + 1) * N + n) * H, size)


cdef void rows_backward(Py_ssize_t first, int rows, Py_ssize_t N, Py_ssize_t start, Py_ssize_t end, Py_ssize_t skipped,
                        Py_ssize_t S, Py_ssize_t H, const Py_ssize_t *lengths, const floating *dy,
                        const floating *WhT, const floating *c, const floating *gates,
                        floating *dz, floating *dh, floating *dc) noexcept nogil:
    """Steps end - 1 .. start; y holds the S steps from `skipped` on."""
    cdef Py_ssize_t all_live = shortest(first, rows, end, lengths), none_live = longest(first, rows, end, lengths)
    cdef Py_ssize_t t, n
    for t in range(end - 1, start - 1, -1):
        for n in range(first, first + rows):
            if t >= skipped and not (S > 1 and is_padding(lengths, n, t)):
                add_row(H, dy + (n * S + t - skipped) * H, dh + n * H)
            if t > skipped:
                prefetch(dy + (n * S + t - 1 - skipped) * H, H * sizeof(floating))
            if is_padding(lengths, n, t):
                memset(dz + ((t - start) * N + n) * 4 * H, 0, 4 * H * sizeof(floating))
                continue
            cell_backward(H, dh + n * H, gates + (t * N + n) * 4 * H, c + (t * N + n) * H, c + ((t + 1) * N + n) * H,
                          dz + ((t - start) * N + n) * 4 * H, dc + n * H)
            if t >= all_live:
                memset(dh + n * H, 0, H * sizeof(floating))
        if t < none_live:  # where a row is padding, dz Wh' = 0 is added to its dh
            times(N, rows, 4 * H, H, dz + ((t - start) * N + first) * 4 * H, 4 * H, WhT,
                  dh + first * H, H, t >= all_live,  # undoes (1)
                  gates + (max(t - 1, 0) * N + first) * 4 * H, rows * 4 * H)


# -------------------------------------------------------------------------------------------------- all rows

cdef void all_forward(Py_ssize_t N, Py_ssize_t T, Py_ssize_t S, Py_ssize_t H, const Py_ssize_t *ids,
                      const Py_ssize_t *lengths, const floating *Wx, const floating *Wh, const floating *b, floating *h,
                      floating *c, floating *gates, floating *y, floating *work) noexcept nogil:
    cdef bint h0_is_zero = all_zero(N * H, h)
    cdef int threads = block_threads(N, 4.0 * N * T * H * H)
    cdef Py_ssize_t blocks = block_count(N, threads), k
    cdef const floating *Wh_laid_out = laid_out(N, H, 4 * H, Wh, 4 * H, 1, work)
    for k in prange(blocks, schedule="dynamic", num_threads=threads):
        rows_forward(N * k // blocks, <int>(N * (k + 1) // blocks - N * k // blocks), N, T, S, H,
                     ids, lengths, Wx, Wh_laid_out, b, h0_is_zero, h, c, gates, y)


cdef void all_backward(Py_ssize_t N, Py_ssize_t T, Py_ssize_t F, Py_ssize_t H, Py_ssize_t S, Py_ssize_t steps,
                       const floating *x, const Py_ssize_t *ids, const Py_ssize_t *lengths, const floating *Wx,
                       const floating *Wh, const floating *h, const floating *c, const floating *gates,
                       const floating *dy, floating *dh, floating *dc, floating *dz, floating *dx, floating *dWx,
                       floating *dWh, floating *db, floating *work) noexcept nogil:
    cdef bint h0_is_zero = all_zero(N * H, h), accumulate
    cdef int threads = block_threads(N, 4.0 * N * steps * H * H)
    cdef Py_ssize_t blocks = block_count(N, threads), k, start, end = T, rows, unused
    cdef const floating *WhT = laid_out(N, 4 * H, H, Wh, 1, 4 * H, work)
    memset(db, 0, 4 * H * sizeof(floating))
    while end > 0:
        start = max(<Py_ssize_t>0, end - steps)
        for k in prange(blocks, schedule="dynamic", num_threads=threads):
            rows_backward(N * k // blocks, <int>(N * (k + 1) // blocks - N * k // blocks), N, start, end, T - S, S, H,
                          lengths, dy, WhT, c, gates, dz, dh, dc)
        accumulate = end < T
        rows = (end - start) * N
        unused = N if start == 0 and h0_is_zero else 0  # h_0 = 0 adds nothing to dWh
        product(H, rows - unused, 4 * H, h + (start * N + unused) * H, 1, H, dz + unused * 4 * H, 4 * H, 1,
                dWh, accumulate)
        if ids == NULL:
            if dx != NULL:
                product(rows, 4 * H, F, dz, 4 * H, 1, Wx, 1, 4 * H, dx + start * N * F, False)
            product(F, rows, 4 * H, x + start * N * F, 1, F, dz, 4 * H, 1, dWx, accumulate)
            sum_rows(rows, 4 * H, dz, 4 * H, NULL, db, NULL, 0)
        else:
            sum_rows(rows, 4 * H, dz, 4 * H, ids + start * N, db, dWx, 4 * H)
        end = start


# -------------------------------------------------------------------------------------------- one step at a time

cdef void all_step(Py_ssize_t N, Py_ssize_t F, Py_ssize_t H, const floating *x, const Py_ssize_t *ids,
                   const floating *Wx, const floating *Wh, const floating *b, floating *h, floating *c,
                   floating *z) noexcept nogil:
    cdef Py_ssize_t n
    for n in range(N):
        if ids == NULL:  # (1), in the order of forward
            memset(z, 0, 4 * H * sizeof(floating))
            add_row_product(F, 4 * H, x + n * F, Wx, 4 * H, z)
        else:
            memcpy(z, Wx + ids[n] * 4 * H, 4 * H * sizeof(floating))
        add_row(4 * H, b, z)
        add_row_product(H, 4 * H, h + n * H, Wh, 4 * H, z)
        cell_forward(H, z, c + n * H, c + n * H, h + n * H)


# -------------------------------------------------------------------------------------------------- the doors

def step(const floating[:, ::1] x, const floating[:, ::1] Wx,        # IN (N,F) (F,4H)
         const floating[:, ::1] Wh, const floating[::1] b,           # IN (H,4H) (4H)
         floating[:, ::1] h, floating[:, ::1] c,                     # IN and OUT the state (N,H)
         floating[::1] z):                                           # scratch (4H)
    """One step of `forward` that keeps nothing for backward: for generating, where each input waits for an output."""
    cdef Py_ssize_t N = x.shape[0], F = x.shape[1], H = Wh.shape[0]
    if N == 0 or H == 0:
        return
    with nogil:
        all_step(N, F, H, &x[0, 0], NULL, &Wx[0, 0], &Wh[0, 0], &b[0], &h[0, 0], &c[0, 0], &z[0])


def step_ids(const Py_ssize_t[::1] ids, const floating[:, ::1] Wx,   # IN (N) (F,4H)
             const floating[:, ::1] Wh, const floating[::1] b,       # IN (H,4H) (4H)
             floating[:, ::1] h, floating[:, ::1] c,                 # IN and OUT the state (N,H)
             floating[::1] z):                                       # scratch (4H)
    """`step` for one-hot x, given as ids."""
    cdef Py_ssize_t N = ids.shape[0], F = Wx.shape[0], H = Wh.shape[0]
    if N == 0 or H == 0:
        return
    with nogil:
        all_step(N, F, H, NULL, &ids[0], &Wx[0, 0], &Wh[0, 0], &b[0], &h[0, 0], &c[0, 0], &z[0])


def forward(const floating[:, :, ::1] x, const Py_ssize_t[::1] lengths,      # IN (T,N,F), (N) or None
            const floating[:, ::1] Wx, const floating[:, ::1] Wh,            # IN (F,4H) (H,4H)
            const floating[::1] b,                                           # IN (4H)
            floating[:, :, ::1] h, floating[:, :, ::1] c,                    # IN [0], OUT [1:] (T+1,N,H)
            floating[:, :, ::1] gates, floating[:, :, ::1] y,                # OUT (T,N,4H) (N,S,H)
            floating[::1] work):
    """All T steps; h[0] and c[0] hold the initial state, h[T] and c[T] receive the final one."""
    cdef Py_ssize_t T = x.shape[0], N = x.shape[1], F = x.shape[2], H = Wh.shape[0], S = y.shape[1]
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        product(T * N, F, 4 * H, &x[0, 0, 0], F, 1, &Wx[0, 0], 4 * H, 1, &gates[0, 0, 0], False)
        all_forward(N, T, S, H, NULL, steps_of(lengths), &Wx[0, 0], &Wh[0, 0], &b[0],
                    &h[0, 0, 0], &c[0, 0, 0], &gates[0, 0, 0], &y[0, 0, 0], &work[0])


def forward_ids(const Py_ssize_t[:, ::1] ids, const Py_ssize_t[::1] lengths,  # IN (T,N), (N) or None
                const floating[:, ::1] Wx, const floating[:, ::1] Wh,        # IN (F,4H) (H,4H)
                const floating[::1] b,                                       # IN (4H)
                floating[:, :, ::1] h, floating[:, :, ::1] c,                # IN [0], OUT [1:] (T+1,N,H)
                floating[:, :, ::1] gates, floating[:, :, ::1] y,            # OUT (T,N,4H) (N,S,H)
                floating[::1] work):
    """`forward` for one-hot x, given as ids."""
    cdef Py_ssize_t T = ids.shape[0], N = ids.shape[1], H = Wh.shape[0], S = y.shape[1]
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        all_forward(N, T, S, H, &ids[0, 0], steps_of(lengths), &Wx[0, 0], &Wh[0, 0], &b[0],
                    &h[0, 0, 0], &c[0, 0, 0], &gates[0, 0, 0], &y[0, 0, 0], &work[0])


def backward(const floating[:, :, ::1] x, const Py_ssize_t[::1] lengths,     # IN (T,N,F), (N) or None
             const floating[:, ::1] Wx, const floating[:, ::1] Wh,           # IN (F,4H) (H,4H)
             const floating[:, :, ::1] h, const floating[:, :, ::1] c,       # IN (T+1,N,H)
             const floating[:, :, ::1] gates, const floating[:, :, ::1] dy,  # IN (T,N,4H) (N,S,H)
             floating[:, ::1] dh, floating[:, ::1] dc,                       # IN final, OUT initial state's (N,H)
             floating[:, :, ::1] dz, floating[:, :, ::1] dx,          # scratch (steps,N,4H), OUT (T,N,F) or None
             floating[:, ::1] dWx, floating[:, ::1] dWh, floating[::1] db,   # OUT (F,4H) (H,4H) (4H)
             floating[::1] work):
    """Undo `forward`; dh and dc bring the final state's gradients and leave with the initial state's."""
    cdef Py_ssize_t T = x.shape[0], N = x.shape[1], F = x.shape[2], H = Wh.shape[0], S = dy.shape[1]
    if N == 0 or T == 0 or H == 0:
        dWx[:] = 0
        dWh[:] = 0
        db[:] = 0
        return
    with nogil:
        all_backward(N, T, F, H, S, dz.shape[0], &x[0, 0, 0], NULL, steps_of(lengths),
                     &Wx[0, 0], &Wh[0, 0], &h[0, 0, 0], &c[0, 0, 0], &gates[0, 0, 0], &dy[0, 0, 0], &dh[0, 0],
                     &dc[0, 0], &dz[0, 0, 0],
                     NULL if dx is None else &dx[0, 0, 0], &dWx[0, 0], &dWh[0, 0], &db[0], &work[0])


def backward_ids(const Py_ssize_t[:, ::1] ids, const Py_ssize_t[::1] lengths,  # IN (T,N), (N) or None
                 const floating[:, ::1] Wh,                                  # IN (H,4H)
                 const floating[:, :, ::1] h, const floating[:, :, ::1] c,   # IN (T+1,N,H)
                 const floating[:, :, ::1] gates, const floating[:, :, ::1] dy,  # IN (T,N,4H) (N,S,H)
                 floating[:, ::1] dh, floating[:, ::1] dc,                   # IN final, OUT initial state's (N,H)
                 floating[:, :, ::1] dz,                                     # scratch (steps,N,4H)
                 floating[:, ::1] dWx, floating[:, ::1] dWh, floating[::1] db,  # OUT (F,4H) (H,4H) (4H)
                 floating[::1] work):
    """Undo `forward_ids`. An id has no gradient."""
    cdef Py_ssize_t T = ids.shape[0], N = ids.shape[1], H = Wh.shape[0], S = dy.shape[1]
    dWx[:] = 0
    if N == 0 or T == 0 or H == 0:
        dWh[:] = 0
        db[:] = 0
        return
    with nogil:
        all_backward(N, T, 0, H, S, dz.shape[0], NULL, &ids[0, 0], steps_of(lengths), NULL,
                     &Wh[0, 0], &h[0, 0, 0], &c[0, 0, 0], &gates[0, 0, 0], &dy[0, 0, 0], &dh[0, 0], &dc[0, 0],
                     &dz[0, 0, 0], NULL, &dWx[0, 0], &dWh[0, 0], &db[0], &work[0])
