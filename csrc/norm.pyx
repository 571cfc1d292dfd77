"""Normalisation: numbers of mean 0 and variance 1, then scaled and shifted. Letters: N rows, C channels.

    batch norm: of each channel, over the rows

    statistics     (1) m_c = sum over n of x_nc / N
                   (2) v_c = sum over n of (x_nc - m_c)^2 / N
    forward        (3) u_nc = (x_nc - m_c) / sqrt(v_c + epsilon)
                   (4) y_nc = gamma_c u_nc + beta_c
    backward       dbeta_c = sum over n of dy_nc,  dgamma_c = sum over n of dy_nc u_nc             undoes (4)
                   dx_nc = gamma_c (dy_nc - (dbeta_c + u_nc dgamma_c) / N) / sqrt(v_c + epsilon)   undoes (3) to (1)
                   dx_nc = gamma_c dy_nc / sqrt(v_c + epsilon)                   where m and v do not come from x

    layer norm: of each row, over the channels: (1) to (4) with the sums over c

    backward       g_c = gamma_c dy_c
                   dx_c = (g_c - mean of g - u_c mean of (g u)) / sqrt(v + epsilon)

Design: m needs more digits than x has: with a mean of 10000 and a deviation of 1, a float32 m would be wrong by a
thousandth of the deviation. So the sums are of differences from a number near m (batch norm: one of x itself; layer
norm: the rounded mean). Only `high`, the rounded m, is subtracted from x; the remainder of m, `low`, is small beside
the deviation, and goes into the shift: u sqrt(v + epsilon) = (x - high) - low.

Rows of 8 channels would not fill vectors. So `rows_of_line` neighbouring rows form one line of W numbers, and every
loop runs over W: place w belongs to channel w mod C. Lines are grouped into blocks that fit in the second-level cache,
with sizes that depend on C alone, and threads share the blocks. Each block leaves a sum for each place in `work`, and
these are added in double precision in the order of the blocks.

Source: Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift,
2015; Ba, Kiros and Hinton, Layer normalization, 2016.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport sqrt
from libc.string cimport memset

from row cimport BESIDE, row_gradients, row_moments, row_outputs, row_products, row_sums
from tile cimport threads_for

cdef enum:
    LINE = 256      # numbers in a line, about
    BLOCK = 32768   # numbers in a block, about
    LINES = 16      # lines in a block, at least: with fewer there would be as many sums as numbers
    ROWS = 64       # rows in a block of layer norm
    NEAR = 16384    # bytes in those of them that go through each step together, about
    PLACES = 4      # numbers that every place of a line needs
    MOVE = 4        # the cost of a number, in multiplications, from which the number of threads follows


cdef inline Py_ssize_t rows_of_line(Py_ssize_t C) noexcept nogil:
    return max(<Py_ssize_t>1, LINE // C)


cdef inline Py_ssize_t rows_of_block(Py_ssize_t C) noexcept nogil:
    """A whole number of lines."""
    cdef Py_ssize_t rows = rows_of_line(C)
    return rows * max(<Py_ssize_t>LINES, BLOCK // (rows * C))


def batch_work_size(Py_ssize_t N, Py_ssize_t C):
    """How many numbers `work` of the functions for batches has to hold."""
    if N == 0 or C == 0:
        return 0
    return (PLACES + 2 * (1 + (N - 1) // rows_of_block(C))) * rows_of_line(C) * C


def layer_work_size(Py_ssize_t N, Py_ssize_t C):
    """How many numbers `work` of `layer_backward` has to hold."""
    return 2 * ((N + ROWS - 1) // ROWS) * C


# Batch norm. `lines` is a constant where these are called, so that the loop over it is unrolled: a sum that is loaded
# and stored once for four lines costs little.

cdef inline void add_offsets(int lines, Py_ssize_t width, Py_ssize_t W, const floating *x, const floating *first,
                             floating *sums) noexcept nogil:
    """Add x - first of some lines, at the first `width` places."""
    cdef Py_ssize_t w
    cdef int k
    cdef floating s
    for w in range(width):
        s = 0
        for k in range(lines):
            s += x[k * W + w] - first[w]
        sums[w] += s


cdef inline void add_squares(int lines, Py_ssize_t width, Py_ssize_t W, const floating *x, const floating *first,
                             const floating *means, floating *squares) noexcept nogil:
    """Add (x - first - mean)^2 of some lines."""
    cdef Py_ssize_t w
    cdef int k
    cdef floating s, d
    for w in range(width):
        s = 0
        for k in range(lines):
            d = (x[k * W + w] - first[w]) - means[w]
            s += d * d
        squares[w] += s


cdef inline void block_statistics(Py_ssize_t n, Py_ssize_t W, const floating *x, floating *means,
                                  floating *squares) noexcept nogil:
    """For each place, over the n numbers of a block: the mean of x - first line, and the squares around it."""
    cdef Py_ssize_t lines = n // W, left = n % W, line, w
    cdef Py_ssize_t fours = lines - lines % 4
    for w in range(W):
        means[w] = squares[w] = 0
    for line in range(lines // 4):
        add_offsets(4, W, W, x + 4 * line * W, x, means)
    for line in range(fours, lines):
        add_offsets(1, W, W, x + line * W, x, means)
    add_offsets(1, left, W, x + lines * W, x, means)
    for w in range(left):
        means[w] /= <floating>(lines + 1)
    if lines == 0:
        return  # a single line, shorter than others: the squares are 0
    for w in range(left, W):
        means[w] /= <floating>lines
    for line in range(lines // 4):
        add_squares(4, W, W, x + 4 * line * W, x, means, squares)
    for line in range(fours, lines):
        add_squares(1, W, W, x + line * W, x, means, squares)
    add_squares(1, left, W, x + lines * W, x, means, squares)


cdef inline void join_statistics(Py_ssize_t N, Py_ssize_t C, const floating *x, const floating *sums,
                                 double *mean, double *variance) noexcept nogil:
    """(1) and (2) from the sums of the blocks."""
    cdef Py_ssize_t line = rows_of_line(C), block = rows_of_block(C), blocks = 1 + (N - 1) // block, b, k, c, rows
    cdef const floating *first
    cdef const floating *means
    cdef const floating *squares
    cdef double count, d
    for c in range(C):
        mean[c] = variance[c] = 0
    for b in range(blocks):
        rows = min(block, N - b * block)
        for k in range(min(line, rows)):  # the k-th row of each line
            count = rows // line + (k < rows % line)
            first = x + (b * block + k) * C
            means = sums + (2 * b * line + k) * C
            for c in range(C):
                mean[c] += count * (<double>first[c] + <double>means[c])
    for c in range(C):
        mean[c] /= N
    for b in range(blocks):
        rows = min(block, N - b * block)
        for k in range(min(line, rows)):
            count = rows // line + (k < rows % line)
            first = x + (b * block + k) * C
            means = sums + (2 * b * line + k) * C
            squares = means + line * C
            for c in range(C):
                d = <double>first[c] + <double>means[c] - mean[c]
                variance[c] += <double>squares[c] + count * d * d
    for c in range(C):
        variance[c] /= N


def batch_statistics(const floating[:, ::1] x, double[::1] mean, double[::1] variance,  # IN (N,C) OUT (C) (C)
                     floating[::1] work):
    """The mean and the variance of each channel. Without rows nothing is written."""
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], block, W, start
    cdef floating *sums
    if N == 0 or C == 0:
        return
    block, W = rows_of_block(C) * C, rows_of_line(C) * C
    sums = &work[0]
    for start in prange(0, N * C, block, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * C)):
        block_statistics(min(block, N * C - start), W, &x[0, 0] + start, sums + 2 * W * (start // block),
                         sums + 2 * W * (start // block) + W)
    with nogil:
        join_statistics(N, C, &x[0, 0], sums, &mean[0], &variance[0])


cdef inline void normalise(Py_ssize_t n, Py_ssize_t W, const floating *x, const floating *places,
                           floating *y) noexcept nogil:
    """(3) and (4) for the n numbers of a block."""
    cdef const floating *high = places
    cdef const floating *scale = places + W
    cdef const floating *shift = places + 2 * W
    cdef Py_ssize_t line, at, w
    for line in range((n + W - 1) // W):
        at = line * W
        for w in range(min(W, n - at)):
            y[at + w] = (x[at + w] - high[w]) * scale[w] + shift[w]


def batch_forward(const floating[:, ::1] x, const double[::1] mean, const double[::1] variance,  # IN (N,C) (C) (C)
                  const floating[::1] gamma, const floating[::1] beta,                           # (C) (C)
                  floating[:, ::1] y, floating[::1] work, double epsilon):                       # OUT (N,C)
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], block, W, start, w, c
    cdef floating *places
    cdef double scale
    if N == 0 or C == 0:
        return
    block, W = rows_of_block(C) * C, rows_of_line(C) * C
    places = &work[0]
    for w in range(W):
        c = w % C
        scale = gamma[c] / sqrt(variance[c] + epsilon)
        places[w] = <floating>mean[c]
        places[W + w] = <floating>scale
        places[2 * W + w] = <floating>(beta[c] - (mean[c] - <double>places[w]) * scale)
    for start in prange(0, N * C, block, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * C)):
        normalise(min(block, N * C - start), W, &x[0, 0] + start, places, &y[0, 0] + start)


cdef inline void add_products(int lines, Py_ssize_t width, Py_ssize_t W, const floating *x, const floating *dy,
                              const floating *high, floating *sums) noexcept nogil:
    """Add dy, and dy (x - high), of some lines."""
    cdef Py_ssize_t w
    cdef int k
    cdef floating s, t
    for w in range(width):
        s = t = 0
        for k in range(lines):
            s += dy[k * W + w]
            t += dy[k * W + w] * (x[k * W + w] - high[w])
        sums[w] += s
        sums[W + w] += t


cdef inline void block_products(Py_ssize_t n, Py_ssize_t W, const floating *x, const floating *dy,
                                const floating *high, floating *sums) noexcept nogil:
    cdef Py_ssize_t lines = n // W, line, w
    cdef Py_ssize_t fours = lines - lines % 4
    for w in range(2 * W):
        sums[w] = 0
    for line in range(lines // 4):
        add_products(4, W, W, x + 4 * line * W, dy + 4 * line * W, high, sums)
    for line in range(fours, lines):
        add_products(1, W, W, x + line * W, dy + line * W, high, sums)
    add_products(1, n % W, W, x + lines * W, dy + lines * W, high, sums)


cdef inline double total(Py_ssize_t blocks, Py_ssize_t W, Py_ssize_t C, const floating *sums) noexcept nogil:
    """The sum over all blocks for one channel."""
    cdef Py_ssize_t b, k
    cdef double s = 0
    for b in range(blocks):
        for k in range(W // C):
            s += sums[2 * W * b + k * C]
    return s


cdef inline void block_backward(Py_ssize_t n, Py_ssize_t W, const floating *x, const floating *dy,
                                const floating *places, bint from_x, floating *dx) noexcept nogil:
    cdef const floating *high = places
    cdef const floating *scale = places + W
    cdef const floating *shift = places + 2 * W
    cdef const floating *slope = places + 3 * W
    cdef Py_ssize_t line, at, w
    for line in range((n + W - 1) // W):
        at = line * W
        if from_x:
            for w in range(min(W, n - at)):
                dx[at + w] = scale[w] * ((dy[at + w] - shift[w]) - (x[at + w] - high[w]) * slope[w])
        else:
            for w in range(min(W, n - at)):
                dx[at + w] = scale[w] * dy[at + w]


def batch_backward(const floating[:, ::1] x, const floating[:, ::1] dy,                           # IN (N,C) (N,C)
                   const double[::1] mean, const double[::1] variance, const floating[::1] gamma,  # (C) (C) (C)
                   floating[:, ::1] dx, floating[::1] dgamma, floating[::1] dbeta,                 # OUT (N,C) (C) (C)
                   floating[::1] work, double epsilon, bint from_x):
    """from_x: m and v are the statistics of x. Else they are constants."""
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], block, W, blocks, start, w, c
    cdef floating *places
    cdef floating *sums
    cdef double low, r, s, t
    if N == 0 or C == 0:
        dgamma[:] = 0
        dbeta[:] = 0
        return
    block, W = rows_of_block(C) * C, rows_of_line(C) * C
    blocks = 1 + (N * C - 1) // block
    places = &work[0]
    sums = places + PLACES * W
    for w in range(W):
        places[w] = <floating>mean[w % C]
    for start in prange(0, N * C, block, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * C)):
        block_products(min(block, N * C - start), W, &x[0, 0] + start, &dy[0, 0] + start, places,
                       sums + 2 * W * (start // block))
    with nogil:
        for c in range(C):
            low = mean[c] - <double>places[c]
            r = 1 / sqrt(variance[c] + epsilon)
            s = total(blocks, W, C, sums + c)
            t = r * (total(blocks, W, C, sums + W + c) - low * s)
            dbeta[c] = <floating>s
            dgamma[c] = <floating>t
            for w in range(W // C):
                places[W + w * C + c] = <floating>(gamma[c] * r)
                places[2 * W + w * C + c] = <floating>((s - low * r * t) / N)
                places[3 * W + w * C + c] = <floating>(r * t / N)
    for start in prange(0, N * C, block, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * C)):
        block_backward(min(block, N * C - start), W, &x[0, 0] + start, &dy[0, 0] + start, places, from_x,
                       &dx[0, 0] + start)


# Layer norm: a few rows go through each step together, and stay in the first-level cache from step to step. A row's
# additions, root and divisions wait for each other; those of its neighbours do not, and fill the time (4,096 rows of
# 64: half of the time). While their results are written, the rows that come next are fetched (4,096 of 512: a seventh,
# backward a quarter).

cdef inline Py_ssize_t near_rows(Py_ssize_t row) noexcept nogil:
    return BESIDE * max(<Py_ssize_t>1, min(<Py_ssize_t>ROWS, NEAR // row) // BESIDE)  # at least one loop full


cdef inline void rows_statistics(Py_ssize_t rows, Py_ssize_t C, const floating *x, double epsilon, floating *high,
                                 floating *low, floating *r) noexcept nogil:
    """(1) and (2) of each row: m = high + low, and r = 1 / sqrt(v + epsilon)."""
    cdef floating squares[ROWS]
    cdef floating first
    cdef Py_ssize_t n
    row_sums(rows, C, x, high)
    for n in range(rows):  # a loop of its own: vectors of roots and divisions take as long as one of each
        high[n] = high[n] / <floating>C
    row_moments(rows, C, x, high, low, squares)
    for n in range(rows):
        first = low[n]
        low[n] = first / <floating>C  # the rounding error of a large m: small beside the deviation
        r[n] = <floating>(1 / sqrt((<double>squares[n] - <double>first * <double>low[n]) / <double>C + epsilon))


cdef inline void rows_forward(Py_ssize_t rows, Py_ssize_t C, const floating *x, const floating *gamma,
                              const floating *beta, floating *y, double epsilon) noexcept nogil:
    cdef floating high[ROWS]
    cdef floating low[ROWS]
    cdef floating r[ROWS]
    rows_statistics(rows, C, x, epsilon, high, low, r)
    row_outputs(rows, C, x, gamma, beta, high, low, r, y)  # (3), (4)


cdef inline void rows_backward(Py_ssize_t rows, Py_ssize_t C, const floating *x, const floating *gamma,
                               const floating *dy, floating *dx, floating *work, double epsilon) noexcept nogil:
    """dx, and added to work the sums of dy u and of dy over the rows."""
    cdef floating high[ROWS]
    cdef floating low[ROWS]
    cdef floating r[ROWS]
    cdef floating means[2 * ROWS]
    cdef Py_ssize_t n
    rows_statistics(rows, C, x, epsilon, high, low, r)
    row_products(rows, C, x, dy, gamma, high, low, r, work, means)
    for n in range(2 * rows):
        means[n] = means[n] / <floating>C
    row_gradients(rows, C, x, dy, gamma, high, low, r, means, dx)


cdef inline void block_backward_of_rows(Py_ssize_t rows, Py_ssize_t C, const floating *x, const floating *gamma,
                                        const floating *dy, floating *dx, floating *work,
                                        double epsilon) noexcept nogil:
    """dx, and in work the sums of dy u and of dy over the rows."""
    cdef Py_ssize_t near = near_rows(C * sizeof(floating)), n = 0
    memset(work, 0, 2 * C * sizeof(floating))
    while n < rows:
        rows_backward(min(near, rows - n), C, x + n * C, gamma, dy + n * C, dx + n * C, work, epsilon)
        n += near


def layer_forward(const floating[:, ::1] x, const floating[::1] gamma, const floating[::1] beta,  # IN (N,C) (C) (C)
                  floating[:, ::1] y, double epsilon):                                            # OUT (N,C)
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], n, rows
    if N == 0 or C == 0:
        return
    rows = near_rows(C * sizeof(floating))
    for n in prange(0, N, rows, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * C)):
        rows_forward(min(rows, N - n), C, &x[n, 0], &gamma[0], &beta[0], &y[n, 0], epsilon)


def layer_backward(const floating[:, ::1] x, const floating[::1] gamma, const floating[:, ::1] dy,  # IN (N,C) (C) (N,C)
                   floating[:, ::1] dx, floating[::1] dgamma, floating[::1] dbeta,                  # OUT (N,C) (C) (C)
                   floating[::1] work, double epsilon):
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], n, c
    cdef double s, t
    if N == 0 or C == 0:
        dgamma[:] = 0
        dbeta[:] = 0
        return
    for n in prange(0, N, ROWS, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * C)):
        block_backward_of_rows(min(<Py_ssize_t>ROWS, N - n), C, &x[n, 0], &gamma[0], &dy[n, 0], &dx[n, 0],
                               &work[n // ROWS * 2 * C], epsilon)
    with nogil:
        for c in range(C):
            s = t = 0
            for n in range((N + ROWS - 1) // ROWS):
                s += work[2 * n * C + c]
                t += work[2 * n * C + C + c]
            dgamma[c] = <floating>s
            dbeta[c] = <floating>t
