"""GRU over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T for return_sequences, else 1: the last).
Arrays are time-major, so that one step is one block of memory and all steps are one matrix; only y and dy, which
the layers beside see, are batch first. A column block of 3H holds the gates in the order z, r, h, and b (2,3H) a bias
for what comes from x, b0, and one for what comes from h, b1.

    forward, for t = 1 .. T
        (1) a_z, a_r = x_t Wx + b0 + h_{t-1} Wh + b1, the blocks z and r                           (N,H) each
            u = h_{t-1} Whh + b1h,  a_g = x_t Wxh + b0h + r * u, the block h
        (2) z, r = sigmoid(a_z, a_r);  g = tanh(a_g)
        (3) h_t = z * h_{t-1} + (1 - z) * g

    backward, for t = T .. 1, with dh = dy_t + what came from t + 1
        dz = dh (h_{t-1} - g);  dg = dh (1 - z);  dh = dh z                             undoes (3)
        da_z = dz z (1-z);  da_g = dg (1-g^2);  dr = da_g u;  da_r = dr r (1-r)         undoes (2), (1)
        du = da_g r
        dh += [da_z, da_r, du] Wh'                                                      undoes (1) for h_{t-1}
    and for all rows of several steps at once
        dx = [da_z, da_r, da_g] Wx';  dWx += x' [da_z, da_r, da_g];  db0 += sum of [da_z, da_r, da_g]
        dWh += h_{t-1}' [da_z, da_r, du];  db1 += sum of [da_z, da_r, du]               undo (1)

With lengths, row n has lengths[n] steps; the rest is padding, x finite there and ids in range. Its state stays as it
is, h_t = h_{t-1}, its gates are 0, and so is y_t where y holds all steps: S > 1, as S = 1 is the final state. In
backward dh passes through, and da = 0.

Where x is a one-hot vector it is written as its integer id: x_t Wx is then a row of Wx.

Design: as in lstm.pyx. A row of gates is [g, z, r, u], 4H numbers, and one of gradients [da_g, da_z, da_r, du]. So what
goes through Wh are the last three blocks, one product; what goes through Wx are the first three, in two parts as the
block h stands last in Wx; and the sum of the gradients' rows is db from its third block on.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from product cimport packed_size, product, product_into
from recurrent cimport all_zero, block_count, block_threads, is_padding, laid_out, longest, steps_held, steps_of, times
from rows cimport add_row, sum_rows
from tile cimport add_row_product, prefetch
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
        g[j] = tanh(g[j] + r[j] * u[j])  # (1), (2)
    for j in range(H):
        h[j] = z[j] * h_prev[j] + (one - z[j]) * g[j]  # (3)


cdef inline void cell_backward(Py_ssize_t H, const floating *gates, const floating *h_prev,  # IN (4H) (H)
                               floating *da, floating *dh) noexcept nogil:     # OUT (4H); IN dh, OUT its part by (3)
    cdef const floating *g = gates
    cdef const floating *z = gates + H
    cdef const floating *r = gates + 2 * H
    cdef const floating *u = gates + 3 * H
    cdef floating dz, da_g, one = 1
    cdef Py_ssize_t j
    for j in range(H):
        dz = dh[j] * (h_prev[j] - g[j])  # undoes (3)
        da_g = dh[j] * (one - z[j]) * (one - g[j] * g[j])  # and (2)
        dh[j] = dh[j] * z[j]
        da[j] = da_g
        da[H + j] = dz * z[j] * (one - z[j])
        da[2 * H + j] = da_g * u[j] * r[j] * (one - r[j])
        da[3 * H + j] = da_g * r[j]


# --------------------------------------------------------------------------- a block of rows, through all of time

cdef void rows_forward(Py_ssize_t first, int rows, Py_ssize_t N, Py_ssize_t T, Py_ssize_t S, Py_ssize_t H,
                       const Py_ssize_t *ids, const Py_ssize_t *lengths, const floating *Wx, const floating *Wh,
                       const floating *b, bint h0_is_zero, floating *h, floating *gates, floating *y) noexcept nogil:
    cdef floating *before
    cdef floating *after
    cdef floating *gates_t
    cdef const floating *xW
    cdef Py_ssize_t end = longest(first, rows, T, lengths), skipped = T - S, size = H * sizeof(floating), t, n
    for t in range(T):
        before = h + t * N * H
        after = before + N * H
        gates_t = gates + t * N * 4 * H
        for n in range(first, first + rows):  # (1): for ids a row of Wx, else x Wx is in place already
            xW = gates_t + (4 * n + 1) * H
            if ids != NULL:
                xW = Wx + ids[t * N + n] * 3 * H
            start_row(H, xW, b, gates_t + 4 * n * H)
        if t < end and (t > 0 or not h0_is_zero):  # 0 Wh is 0, for a Wh of numbers
            times(N, rows, H, 3 * H, before + first * H, H, Wh, gates_t + (4 * first + 1) * H, 4 * H, True,
                  gates + (min(t + 1, T - 1) * N + first) * 4 * H, rows * 4 * H)
        for n in range(first, first + rows):
            if is_padding(lengths, n, t):
                memset(gates_t + 4 * n * H, 0, 4 * size)
                memcpy(after + n * H, before + n * H, size)
            else:
                cell_forward(H, gates_t + 4 * n * H, before + n * H, after + n * H)
            if S > 1 and is_padding(lengths, n, t):
                memset(y + (n * S + t) * H, 0, size)
            elif t >= skipped:
                memcpy(y + (n * S + t - skipped) * H, after + n * H, size)


cdef void rows_backward(Py_ssize_t first, int rows, Py_ssize_t N, Py_ssize_t start, Py_ssize_t end, Py_ssize_t skipped,
                        Py_ssize_t S, Py_ssize_t H, const Py_ssize_t *lengths, const floating *dy,
                        const floating *WhT, const floating *h, const floating *gates, floating *da,
                        floating *dh) noexcept nogil:
    """Steps end - 1 .. start; y holds the S steps from `skipped` on."""
    cdef floating *da_t
    cdef Py_ssize_t none_live = longest(first, rows, end, lengths), t, n
    for t in range(end - 1, start - 1, -1):
        da_t = da + (t - start) * N * 4 * H
        for n in range(first, first + rows):
            if t >= skipped and not (S > 1 and is_padding(lengths, n, t)):
                add_row(H, dy + (n * S + t - skipped) * H, dh + n * H)
            if t > skipped:
                prefetch(dy + (n * S + t - 1 - skipped) * H, H * sizeof(floating))
            if is_padding(lengths, n, t):
                memset(da_t + 4 * n * H, 0, 4 * H * sizeof(floating))
            else:
                cell_backward(H, gates + (t * N + n) * 4 * H, h + (t * N + n) * H, da_t + 4 * n * H, dh + n * H)
        if t < none_live:  # where a row is padding, da Wh' = 0 is added to its dh
            times(N, rows, 3 * H, H, da_t + (4 * first + 1) * H, 4 * H, WhT, dh + first * H, H, True,  # undoes (1)
                  gates + (max(t - 1, 0) * N + first) * 4 * H, rows * 4 * H)


# -------------------------------------------------------------------------------------------------- all rows

cdef void all_forward(Py_ssize_t N, Py_ssize_t T, Py_ssize_t S, Py_ssize_t H, const Py_ssize_t *ids,
                      const Py_ssize_t *lengths, const floating *Wx, const floating *Wh, const floating *b,
                      floating *h, floating *gates, floating *y, floating *work) noexcept nogil:
    cdef bint h0_is_zero = all_zero(N * H, h)
    cdef int threads = block_threads(N, 3.0 * N * T * H * H)
    cdef Py_ssize_t blocks = block_count(N, threads), k
    cdef const floating *Wh_laid_out = laid_out(N, H, 3 * H, Wh, 3 * H, 1, work)
    for k in prange(blocks, schedule="dynamic", num_threads=threads):
        rows_forward(N * k // blocks, <int>(N * (k + 1) // blocks - N * k // blocks), N, T, S, H,
                     ids, lengths, Wx, Wh_laid_out, b, h0_is_zero, h, gates, y)


cdef void all_backward(Py_ssize_t N, Py_ssize_t T, Py_ssize_t F, Py_ssize_t H, Py_ssize_t S, Py_ssize_t steps,
                       const floating *x, const Py_ssize_t *ids, const Py_ssize_t *lengths, const floating *Wx,
                       const floating *Wh, const floating *h, const floating *gates, const floating *dy,
                       floating *dh, floating *da, floating *dx, floating *dWx, floating *dWh, floating *db,
                       floating *work) noexcept nogil:
    cdef bint h0_is_zero = all_zero(N * H, h), accumulate
    cdef int threads = block_threads(N, 3.0 * N * steps * H * H)
    cdef Py_ssize_t blocks = block_count(N, threads), k, start, end = T, rows, unused
    cdef const floating *WhT = laid_out(N, 3 * H, H, Wh, 1, 3 * H, work)
    memset(db, 0, 6 * H * sizeof(floating))
    while end > 0:
        start = max(<Py_ssize_t>0, end - steps)
        for k in prange(blocks, schedule="dynamic", num_threads=threads):
            rows_backward(N * k // blocks, <int>(N * (k + 1) // blocks - N * k // blocks), N, start, end, T - S, S, H,
                          lengths, dy, WhT, h, gates, da, dh)
        accumulate = end < T
        rows = (end - start) * N
        unused = N if start == 0 and h0_is_zero else 0  # h_0 = 0 adds nothing to dWh
        product(H, rows - unused, 3 * H, h + (start * N + unused) * H, 1, H, da + (4 * unused + 1) * H, 4 * H, 1,
                dWh, accumulate)
        sum_rows(rows, 4 * H, da, 4 * H, NULL, db + 2 * H, NULL, 0)
        if ids == NULL:  # the blocks z and r, and then the block h
            if dx != NULL:
                product(rows, 2 * H, F, da + H, 4 * H, 1, Wx, 1, 3 * H, dx + start * N * F, False)
                product(rows, H, F, da, 4 * H, 1, Wx + 2 * H, 1, 3 * H, dx + start * N * F, True)
            product_into(F, rows, 2 * H, x + start * N * F, 1, F, da + H, 4 * H, 1, dWx, 3 * H, accumulate)
            product_into(F, rows, H, x + start * N * F, 1, F, da, 4 * H, 1, dWx + 2 * H, 3 * H, accumulate)
        else:
            sum_rows(rows, 2 * H, da + H, 4 * H, ids + start * N, NULL, dWx, 3 * H)
            sum_rows(rows, H, da, 4 * H, ids + start * N, NULL, dWx + 2 * H, 3 * H)
        end = start
    memcpy(db, db + 3 * H, 2 * H * sizeof(floating))  # a_z and a_r have both biases


# -------------------------------------------------------------------------------------------- one step at a time

cdef void all_step(Py_ssize_t N, Py_ssize_t F, Py_ssize_t H, const floating *x, const Py_ssize_t *ids,
                   const floating *Wx, const floating *Wh, const floating *b, floating *h,
                   floating *gates) noexcept nogil:
    cdef Py_ssize_t n
    for n in range(N):
        if ids == NULL:  # (1), in the order of forward
            memset(gates + H, 0, 3 * H * sizeof(floating))
            add_row_product(F, 3 * H, x + n * F, Wx, 3 * H, gates + H)
            start_row(H, gates + H, b, gates)
        else:
            start_row(H, Wx + ids[n] * 3 * H, b, gates)
        add_row_product(H, 3 * H, h + n * H, Wh, 3 * H, gates + H)
        cell_forward(H, gates, h + n * H, h + n * H)


# -------------------------------------------------------------------------------------------------- the doors

def step(const floating[:, ::1] x, const floating[:, ::1] Wx,        # IN (N,F) (F,3H)
         const floating[:, ::1] Wh, const floating[:, ::1] b,        # IN (H,3H) (2,3H)
         floating[:, ::1] h, floating[::1] z):                       # IN and OUT the state (N,H), scratch (4H)
    """One step of `forward` that keeps nothing for backward: for generating, where each input waits for an output."""
    cdef Py_ssize_t N = x.shape[0], F = x.shape[1], H = Wh.shape[0]
    if N == 0 or H == 0:
        return
    with nogil:
        all_step(N, F, H, &x[0, 0], NULL, &Wx[0, 0], &Wh[0, 0], &b[0, 0], &h[0, 0], &z[0])


def step_ids(const Py_ssize_t[::1] ids, const floating[:, ::1] Wx,   # IN (N) (F,3H)
             const floating[:, ::1] Wh, const floating[:, ::1] b,    # IN (H,3H) (2,3H)
             floating[:, ::1] h, floating[::1] z):                   # IN and OUT the state (N,H), scratch (4H)
    """`step` for one-hot x, given as ids."""
    cdef Py_ssize_t N = ids.shape[0], F = Wx.shape[0], H = Wh.shape[0]
    if N == 0 or H == 0:
        return
    with nogil:
        all_step(N, F, H, NULL, &ids[0], &Wx[0, 0], &Wh[0, 0], &b[0, 0], &h[0, 0], &z[0])


def forward(const floating[:, :, ::1] x, const Py_ssize_t[::1] lengths,      # IN (T,N,F), (N) or None
            const floating[:, ::1] Wx, const floating[:, ::1] Wh,            # IN (F,3H) (H,3H)
            const floating[:, ::1] b,                                        # IN (2,3H)
            floating[:, :, ::1] h, floating[:, :, ::1] gates,                # IN [0], OUT [1:] (T+1,N,H), OUT (T,N,4H)
            floating[:, :, ::1] y, floating[::1] work):                      # OUT (N,S,H)
    """All T steps; h[0] holds the initial state, h[T] receives the final one."""
    cdef Py_ssize_t T = x.shape[0], N = x.shape[1], F = x.shape[2], H = Wh.shape[0], S = y.shape[1]
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        product_into(T * N, F, 3 * H, &x[0, 0, 0], F, 1, &Wx[0, 0], 3 * H, 1, &gates[0, 0, H], 4 * H, False)
        all_forward(N, T, S, H, NULL, steps_of(lengths), &Wx[0, 0], &Wh[0, 0], &b[0, 0], &h[0, 0, 0],
                    &gates[0, 0, 0], &y[0, 0, 0], &work[0])


def forward_ids(const Py_ssize_t[:, ::1] ids, const Py_ssize_t[::1] lengths,  # IN (T,N), (N) or None
                const floating[:, ::1] Wx, const floating[:, ::1] Wh,        # IN (F,3H) (H,3H)
                const floating[:, ::1] b,                                    # IN (2,3H)
                floating[:, :, ::1] h, floating[:, :, ::1] gates,        # IN [0], OUT [1:] (T+1,N,H), OUT (T,N,4H)
                floating[:, :, ::1] y, floating[::1] work):                  # OUT (N,S,H)
    """`forward` for one-hot x, given as ids."""
    cdef Py_ssize_t T = ids.shape[0], N = ids.shape[1], H = Wh.shape[0], S = y.shape[1]
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        all_forward(N, T, S, H, &ids[0, 0], steps_of(lengths), &Wx[0, 0], &Wh[0, 0], &b[0, 0], &h[0, 0, 0],
                    &gates[0, 0, 0], &y[0, 0, 0], &work[0])


def backward(const floating[:, :, ::1] x, const Py_ssize_t[::1] lengths,     # IN (T,N,F), (N) or None
             const floating[:, ::1] Wx, const floating[:, ::1] Wh,           # IN (F,3H) (H,3H)
             const floating[:, :, ::1] h, const floating[:, :, ::1] gates,   # IN (T+1,N,H) (T,N,4H)
             const floating[:, :, ::1] dy, floating[:, ::1] dh,      # IN (N,S,H), IN final, OUT initial state's (N,H)
             floating[:, :, ::1] da, floating[:, :, ::1] dx,         # scratch (steps,N,4H), OUT (T,N,F) or None
             floating[:, ::1] dWx, floating[:, ::1] dWh,                     # OUT (F,3H) (H,3H)
             floating[:, ::1] db, floating[::1] work):                       # OUT (2,3H)
    """Undo `forward`; dh brings the final state's gradient and leaves with the initial state's."""
    cdef Py_ssize_t T = x.shape[0], N = x.shape[1], F = x.shape[2], H = Wh.shape[0], S = dy.shape[1]
    if N == 0 or T == 0 or H == 0:
        dWx[:] = 0
        dWh[:] = 0
        db[:] = 0
        return
    with nogil:
        all_backward(N, T, F, H, S, da.shape[0], &x[0, 0, 0], NULL, steps_of(lengths), &Wx[0, 0], &Wh[0, 0],
                     &h[0, 0, 0], &gates[0, 0, 0], &dy[0, 0, 0], &dh[0, 0], &da[0, 0, 0],
                     NULL if dx is None else &dx[0, 0, 0], &dWx[0, 0], &dWh[0, 0], &db[0, 0], &work[0])


def backward_ids(const Py_ssize_t[:, ::1] ids, const Py_ssize_t[::1] lengths,  # IN (T,N), (N) or None
                 const floating[:, ::1] Wh,                                  # IN (H,3H)
                 const floating[:, :, ::1] h, const floating[:, :, ::1] gates,  # IN (T+1,N,H) (T,N,4H)
                 const floating[:, :, ::1] dy, floating[:, ::1] dh,  # IN (N,S,H), IN final, OUT initial state's (N,H)
                 floating[:, :, ::1] da,                                     # scratch (steps,N,4H)
                 floating[:, ::1] dWx, floating[:, ::1] dWh,                 # OUT (F,3H) (H,3H)
                 floating[:, ::1] db, floating[::1] work):                   # OUT (2,3H)
    """Undo `forward_ids`. An id has no gradient."""
    cdef Py_ssize_t T = ids.shape[0], N = ids.shape[1], H = Wh.shape[0], S = dy.shape[1]
    dWx[:] = 0
    if N == 0 or T == 0 or H == 0:
        dWh[:] = 0
        db[:] = 0
        return
    with nogil:
        all_backward(N, T, 0, H, S, da.shape[0], NULL, &ids[0, 0], steps_of(lengths), NULL, &Wh[0, 0],
                     &h[0, 0, 0], &gates[0, 0, 0], &dy[0, 0, 0], &dh[0, 0], &da[0, 0, 0], NULL,
                     &dWx[0, 0], &dWh[0, 0], &db[0, 0], &work[0])
