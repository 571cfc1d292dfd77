"""RNN over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T for return_sequences, else 1: the last).
Arrays are time-major, so that one step is one block of memory and all steps are one matrix; only y and dy, which
the layers beside see, are batch first.

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

Where x is a one-hot vector it is written as its integer id: x_t Wx is then a row of Wx.

Design: as in lstm.pyx. There is less to remember: z_t is computed where h_t will stand, and h_t is all that backward
needs. Wh, packed, is read from the cache once for a block of rows and a step. For a batch of one that is what the time
goes into, 40 KB a step for 100 units; the weight gradients are one product over all steps, and cost half as much.
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

cdef void rows_forward(Py_ssize_t first, int rows, Py_ssize_t N, Py_ssize_t T, Py_ssize_t S, Py_ssize_t H, bint relu,
                       const Py_ssize_t *ids, const Py_ssize_t *lengths, const floating *Wx,
                       const floating *Wh, const floating *b, bint h0_is_zero, floating *h,
                       floating *y) noexcept nogil:
    cdef floating *before
    cdef floating *after
    cdef const floating *xW
    cdef Py_ssize_t end = longest(first, rows, T, lengths), skipped = T - S, size = H * sizeof(floating), t, n, j
    for t in range(T):
        before = h + t * N * H
        after = before + N * H
        for n in range(first, first + rows):  # (1): for ids a row of Wx, else x Wx is in place already
            xW = after + n * H
            if ids != NULL:
                xW = Wx + ids[t * N + n] * H
            for j in range(H):
                after[n * H + j] = xW[j] + b[j]
        if t < end and (t > 0 or not h0_is_zero):  # 0 Wh is 0, for a Wh of numbers
            times(N, rows, H, H, before + first * H, H, Wh, after + first * H, H, True,
                  h + (min(t + 2, T) * N + first) * H, rows * H)
        for n in range(first, first + rows):
            if is_padding(lengths, n, t):
                memcpy(after + n * H, before + n * H, size)
            else:
                cell_forward(H, relu, after + n * H)
            if S > 1 and is_padding(lengths, n, t):
                memset(y + (n * S + t) * H, 0, size)
            elif t >= skipped:
                memcpy(y + (n * S + t - skipped) * H, after + n * H, size)


cdef void rows_backward(Py_ssize_t first, int rows, Py_ssize_t N, Py_ssize_t start, Py_ssize_t end, Py_ssize_t skipped,
                        Py_ssize_t S, Py_ssize_t H, bint relu, const Py_ssize_t *lengths, const floating *dy,
                        const floating *WhT, const floating *h, floating *dz, floating *dh) noexcept nogil:
    """Steps end - 1 .. start; y holds the S steps from `skipped` on."""
    cdef floating *dz_t
    cdef Py_ssize_t all_live = shortest(first, rows, end, lengths), none_live = longest(first, rows, end, lengths), t, n
    for t in range(end - 1, start - 1, -1):
        dz_t = dz + (t - start) * N * H
        for n in range(first, first + rows):
            if t >= skipped and not (S > 1 and is_padding(lengths, n, t)):
                add_row(H, dy + (n * S + t - skipped) * H, dh + n * H)
            if t > skipped:
                prefetch(dy + (n * S + t - 1 - skipped) * H, H * sizeof(floating))
            if is_padding(lengths, n, t):
                memset(dz_t + n * H, 0, H * sizeof(floating))
                continue
            cell_backward(H, relu, dh + n * H, h + ((t + 1) * N + n) * H, dz_t + n * H)
            if t >= all_live:
                memset(dh + n * H, 0, H * sizeof(floating))
        if t < none_live:  # where a row is padding, dz Wh' = 0 is added to its dh
            times(N, rows, H, H, dz_t + first * H, H, WhT, dh + first * H, H, t >= all_live,  # undoes (1)
                  h + (t * N + first) * H, rows * H)


# -------------------------------------------------------------------------------------------------- all rows

cdef void all_forward(Py_ssize_t N, Py_ssize_t T, Py_ssize_t S, Py_ssize_t H, bint relu, const Py_ssize_t *ids,
                      const Py_ssize_t *lengths, const floating *Wx, const floating *Wh, const floating *b,
                      floating *h, floating *y, floating *work) noexcept nogil:
    cdef bint h0_is_zero = all_zero(N * H, h)
    cdef int threads = block_threads(N, <double>N * T * H * H)
    cdef Py_ssize_t blocks = block_count(N, threads), k
    cdef const floating *Wh_laid_out = laid_out(N, H, H, Wh, H, 1, work)
    for k in prange(blocks, schedule="dynamic", num_threads=threads):
        rows_forward(N * k // blocks, <int>(N * (k + 1) // blocks - N * k // blocks), N, T, S, H, relu,
                     ids, lengths, Wx, Wh_laid_out, b, h0_is_zero, h, y)


cdef void all_backward(Py_ssize_t N, Py_ssize_t T, Py_ssize_t F, Py_ssize_t H, Py_ssize_t S, Py_ssize_t steps,
                       bint relu, const floating *x, const Py_ssize_t *ids, const Py_ssize_t *lengths,
                       const floating *Wx, const floating *Wh, const floating *h, const floating *dy, floating *dh,
                       floating *dz, floating *dx, floating *dWx, floating *dWh, floating *db,
                       floating *work) noexcept nogil:
    cdef bint h0_is_zero = all_zero(N * H, h), accumulate
    cdef int threads = block_threads(N, <double>N * steps * H * H)
    cdef Py_ssize_t blocks = block_count(N, threads), k, start, end = T, rows, unused
    cdef const floating *WhT = laid_out(N, H, H, Wh, 1, H, work)
    memset(db, 0, H * sizeof(floating))
    while end > 0:
        start = max(<Py_ssize_t>0, end - steps)
        for k in prange(blocks, schedule="dynamic", num_threads=threads):
            rows_backward(N * k // blocks, <int>(N * (k + 1) // blocks - N * k // blocks), N, start, end, T - S, S, H,
                          relu, lengths, dy, WhT, h, dz, dh)
        accumulate = end < T
        rows = (end - start) * N
        unused = N if start == 0 and h0_is_zero else 0  # h_0 = 0 adds nothing to dWh
        product(H, rows - unused, H, h + (start * N + unused) * H, 1, H, dz + unused * H, H, 1, dWh, accumulate)
        if ids == NULL:
            if dx != NULL:
                product(rows, H, F, dz, H, 1, Wx, 1, H, dx + start * N * F, False)
            product(F, rows, H, x + start * N * F, 1, F, dz, H, 1, dWx, accumulate)
            sum_rows(rows, H, dz, H, NULL, db, NULL, 0)
        else:
            sum_rows(rows, H, dz, H, ids + start * N, db, dWx, H)
        end = start


# -------------------------------------------------------------------------------------------- one step at a time

cdef void all_step(Py_ssize_t N, Py_ssize_t F, Py_ssize_t H, bint relu, const floating *x, const Py_ssize_t *ids,
                   const floating *Wx, const floating *Wh, const floating *b, floating *h, floating *z) noexcept nogil:
    cdef Py_ssize_t n
    for n in range(N):
        if ids == NULL:  # (1), in the order of forward
            memset(z, 0, H * sizeof(floating))
            add_row_product(F, H, x + n * F, Wx, H, z)
        else:
            memcpy(z, Wx + ids[n] * H, H * sizeof(floating))
        add_row(H, b, z)
        add_row_product(H, H, h + n * H, Wh, H, z)
        cell_forward(H, relu, z)
        memcpy(h + n * H, z, H * sizeof(floating))


# -------------------------------------------------------------------------------------------------- the doors

def step(const floating[:, ::1] x, const floating[:, ::1] Wx,        # IN (N,F) (F,H)
         const floating[:, ::1] Wh, const floating[::1] b,           # IN (H,H) (H)
         floating[:, ::1] h, floating[::1] z, bint relu):            # IN and OUT the state (N,H), scratch (H)
    """One step of `forward` that keeps nothing for backward: for generating, where each input waits for an output."""
    cdef Py_ssize_t N = x.shape[0], F = x.shape[1], H = Wh.shape[0]
    if N == 0 or H == 0:
        return
    with nogil:
        all_step(N, F, H, relu, &x[0, 0], NULL, &Wx[0, 0], &Wh[0, 0], &b[0], &h[0, 0], &z[0])


def step_ids(const Py_ssize_t[::1] ids, const floating[:, ::1] Wx,   # IN (N) (F,H)
             const floating[:, ::1] Wh, const floating[::1] b,       # IN (H,H) (H)
             floating[:, ::1] h, floating[::1] z, bint relu):        # IN and OUT the state (N,H), scratch (H)
    """`step` for one-hot x, given as ids."""
    cdef Py_ssize_t N = ids.shape[0], F = Wx.shape[0], H = Wh.shape[0]
    if N == 0 or H == 0:
        return
    with nogil:
        all_step(N, F, H, relu, NULL, &ids[0], &Wx[0, 0], &Wh[0, 0], &b[0], &h[0, 0], &z[0])


def forward(const floating[:, :, ::1] x, const Py_ssize_t[::1] lengths,      # IN (T,N,F), (N) or None
            const floating[:, ::1] Wx, const floating[:, ::1] Wh,            # IN (F,H) (H,H)
            const floating[::1] b,                                           # IN (H)
            floating[:, :, ::1] h, floating[:, :, ::1] y,                    # IN [0], OUT [1:] (T+1,N,H), OUT (N,S,H)
            floating[::1] work, bint relu):
    """All T steps; h[0] holds the initial state, h[T] receives the final one."""
    cdef Py_ssize_t T = x.shape[0], N = x.shape[1], F = x.shape[2], H = Wh.shape[0], S = y.shape[1]
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        product(T * N, F, H, &x[0, 0, 0], F, 1, &Wx[0, 0], H, 1, &h[1, 0, 0], False)
        all_forward(N, T, S, H, relu, NULL, steps_of(lengths), &Wx[0, 0], &Wh[0, 0], &b[0],
                    &h[0, 0, 0], &y[0, 0, 0], &work[0])


def forward_ids(const Py_ssize_t[:, ::1] ids, const Py_ssize_t[::1] lengths,  # IN (T,N), (N) or None
                const floating[:, ::1] Wx, const floating[:, ::1] Wh,        # IN (F,H) (H,H)
                const floating[::1] b,                                       # IN (H)
                floating[:, :, ::1] h, floating[:, :, ::1] y,                # IN [0], OUT [1:] (T+1,N,H), OUT (N,S,H)
                floating[::1] work, bint relu):
    """`forward` for one-hot x, given as ids."""
    cdef Py_ssize_t T = ids.shape[0], N = ids.shape[1], H = Wh.shape[0], S = y.shape[1]
    if N == 0 or T == 0 or H == 0:
        return
    with nogil:
        all_forward(N, T, S, H, relu, &ids[0, 0], steps_of(lengths), &Wx[0, 0], &Wh[0, 0], &b[0],
                    &h[0, 0, 0], &y[0, 0, 0], &work[0])


def backward(const floating[:, :, ::1] x, const Py_ssize_t[::1] lengths,     # IN (T,N,F), (N) or None
             const floating[:, ::1] Wx, const floating[:, ::1] Wh,           # IN (F,H) (H,H)
             const floating[:, :, ::1] h, const floating[:, :, ::1] dy,      # IN (T+1,N,H) (N,S,H)
             floating[:, ::1] dh,                                            # IN final, OUT initial state's (N,H)
             floating[:, :, ::1] dz, floating[:, :, ::1] dx,                 # scratch (steps,N,H), OUT (T,N,F) or None
             floating[:, ::1] dWx, floating[:, ::1] dWh, floating[::1] db,   # OUT (F,H) (H,H) (H)
             floating[::1] work, bint relu):
    """Undo `forward`; dh brings the final state's gradient and leaves with the initial state's."""
    cdef Py_ssize_t T = x.shape[0], N = x.shape[1], F = x.shape[2], H = Wh.shape[0], S = dy.shape[1]
    if N == 0 or T == 0 or H == 0:
        dWx[:] = 0
        dWh[:] = 0
        db[:] = 0
        return
    with nogil:
        all_backward(N, T, F, H, S, dz.shape[0], relu, &x[0, 0, 0], NULL, steps_of(lengths),
                     &Wx[0, 0], &Wh[0, 0], &h[0, 0, 0], &dy[0, 0, 0], &dh[0, 0],
                     &dz[0, 0, 0], NULL if dx is None else &dx[0, 0, 0], &dWx[0, 0], &dWh[0, 0], &db[0], &work[0])


def backward_ids(const Py_ssize_t[:, ::1] ids, const Py_ssize_t[::1] lengths,  # IN (T,N), (N) or None
                 const floating[:, ::1] Wh,                                  # IN (H,H)
                 const floating[:, :, ::1] h, const floating[:, :, ::1] dy,  # IN (T+1,N,H) (N,S,H)
                 floating[:, ::1] dh,                                        # IN final, OUT initial state's (N,H)
                 floating[:, :, ::1] dz,                                     # scratch (steps,N,H)
                 floating[:, ::1] dWx, floating[:, ::1] dWh, floating[::1] db,  # OUT (F,H) (H,H) (H)
                 floating[::1] work, bint relu):
    """Undo `forward_ids`. An id has no gradient."""
    cdef Py_ssize_t T = ids.shape[0], N = ids.shape[1], H = Wh.shape[0], S = dy.shape[1]
    dWx[:] = 0
    if N == 0 or T == 0 or H == 0:
        dWh[:] = 0
        db[:] = 0
        return
    with nogil:
        all_backward(N, T, 0, H, S, dz.shape[0], relu, NULL, &ids[0, 0], steps_of(lengths),
                     NULL, &Wh[0, 0], &h[0, 0, 0], &dy[0, 0, 0], &dh[0, 0],
                     &dz[0, 0, 0], NULL, &dWx[0, 0], &dWh[0, 0], &db[0], &work[0])
