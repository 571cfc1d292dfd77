"""The update rules of the optimizers: one pass over a parameter, its gradient and its running averages.

Letters: p parameter, g gradient, n numbers in each. Every rule first clips the gradient, in a register: the array is
not changed.

    g = min(max(scale g, -clip), clip)           scale = 1 and clip = infinity do nothing

    sgd           p -= lr g
    sgd_momentum  v = momentum v - lr g;                   p += v                         plain
                                                           p += momentum v - lr g         nesterov
    adagrad       a += g^2;                                p -= lr g / sqrt(a + epsilon)
    rmsprop       v = rho v + (1 - rho) g^2;               d = lr g / sqrt(v + epsilon);  p -= d
                  centered: mean = rho mean + (1 - rho) g, and v - mean^2 in the place of v in the root
                  momentum: m = momentum m + d, and m in the place of d
    adam          p -= decay p                             decay = 0, or lr weight_decay in AdamW
                  m += (1 - beta_1) (g - m);  v += (1 - beta_2) (g^2 - v)
                  p -= rate m / (sqrt(v) + epsilon)        rate = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)

These are the formulas of Keras 3. epsilon stands inside the root of adagrad and rmsprop and outside that of adam,
where it is the "epsilon hat" of the paper (Kingma and Ba, 2015, end of section 2).

Design: the loops wait for memory, square roots and divisions, so clipping and decay cost nothing in the same loop; a
loop of their own would. A loop reads all that it needs at index i before it writes there: large arrays begin at the
same offset of their pages, and a processor then takes the read of one array for what it has just written to another,
and waits (Adam: 0.8 instead of 0.3 ns per number). Threads share blocks of BLOCK numbers if the parameter has half a
million or more: 200,000 numbers take 60 microseconds on one thread, less than a second one costs if it is busy
elsewhere.
`sum_of_squares` sums each block by itself, in LANES sums in double precision, and then the blocks from first to last:
no result depends on the number of threads.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport sqrt, sqrtf

from tile cimport threads_for

cdef enum:
    BLOCK = 4096
    LANES = 32


cdef inline floating clipped(floating g, floating scale, floating clip) noexcept nogil:
    """NaN fails both comparisons and stays NaN."""
    g = scale * g
    g = clip if g > clip else g
    return -clip if g < -clip else g


cdef inline floating root(floating x) noexcept nogil:
    if floating is float:
        return sqrtf(x)
    else:
        return sqrt(x)


cdef inline Py_ssize_t block_count(Py_ssize_t n) noexcept nogil:
    return (n + BLOCK - 1) // BLOCK


cdef inline Py_ssize_t block_size(Py_ssize_t n, Py_ssize_t first) noexcept nogil:
    return min(n - first, <Py_ssize_t>BLOCK)


# ------------------------------------------------------------------------------------------------ sum of squares

cdef double block_sum(Py_ssize_t n, const floating *g) noexcept nogil:
    cdef double lanes[LANES]
    cdef Py_ssize_t i, whole = n - n % LANES
    cdef int j
    for j in range(LANES):
        lanes[j] = 0
    i = 0
    while i < whole:
        for j in range(LANES):
            lanes[j] += <double>g[i + j] * <double>g[i + j]
        i += LANES
    for i in range(whole, n):
        lanes[i - whole] += <double>g[i] * <double>g[i]
    for j in range(1, LANES):
        lanes[0] += lanes[j]
    return lanes[0]


def work_size(Py_ssize_t n):
    """Numbers of scratch memory that sum_of_squares needs, in float64 for either dtype."""
    return block_count(n)


def sum_of_squares(const floating[::1] g, double[::1] work):
    """The sum of g^2, in double precision."""
    cdef Py_ssize_t n = g.shape[0], blocks = block_count(n), block
    cdef int threads = threads_for(n)
    cdef double total = 0
    with nogil:
        for block in prange(blocks, schedule="static", num_threads=threads):
            work[block] = block_sum(block_size(n, block * BLOCK), &g[0] + block * BLOCK)
        for block in range(blocks):
            total = total + work[block]
    return total


# ----------------------------------------------------------------------------------------------------------- SGD

cdef void sgd_block(Py_ssize_t n, const floating *g, floating *p,
                    floating lr, floating scale, floating clip) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        p[i] -= lr * clipped(g[i], scale, clip)


def sgd(const floating[::1] g,  # IN (n)
        floating[::1] p,        # IN and OUT (n)
        double lr, double scale, double clip):
    cdef Py_ssize_t n = g.shape[0], first
    for first in prange(0, n, BLOCK, nogil=True, schedule="static", num_threads=threads_for(n)):
        sgd_block(block_size(n, first), &g[0] + first, &p[0] + first, <floating>lr, <floating>scale, <floating>clip)


cdef void sgd_momentum_block(Py_ssize_t n, const floating *g, floating *p, floating *v, floating lr,
                             floating momentum, bint nesterov, floating scale, floating clip) noexcept nogil:
    cdef floating step, vi, pi
    cdef Py_ssize_t i
    for i in range(n):
        vi, pi = v[i], p[i]
        step = lr * clipped(g[i], scale, clip)
        vi = momentum * vi - step
        v[i] = vi
        p[i] = pi + (momentum * vi - step if nesterov else vi)


def sgd_momentum(const floating[::1] g,                # IN (n)
                 floating[::1] p, floating[::1] v,     # IN and OUT (n) (n)
                 double lr, double momentum, bint nesterov, double scale, double clip):
    cdef Py_ssize_t n = g.shape[0], first
    for first in prange(0, n, BLOCK, nogil=True, schedule="static", num_threads=threads_for(n)):
        sgd_momentum_block(block_size(n, first), &g[0] + first, &p[0] + first, &v[0] + first, <floating>lr,
                           <floating>momentum, nesterov, <floating>scale, <floating>clip)


# ------------------------------------------------------------------------------------------- Adagrad and RMSprop

cdef void adagrad_block(Py_ssize_t n, const floating *g, floating *p, floating *a, floating lr, floating epsilon,
                        floating scale, floating clip) noexcept nogil:
    cdef floating gi, ai, pi
    cdef Py_ssize_t i
    for i in range(n):
        ai, pi = a[i], p[i]
        gi = clipped(g[i], scale, clip)
        ai = ai + gi * gi
        a[i] = ai
        p[i] = pi - lr * gi / root(ai + epsilon)


def adagrad(const floating[::1] g,                 # IN (n)
            floating[::1] p, floating[::1] a,      # IN and OUT (n) (n)
            double lr, double epsilon, double scale, double clip):
    cdef Py_ssize_t n = g.shape[0], first
    for first in prange(0, n, BLOCK, nogil=True, schedule="static", num_threads=threads_for(n)):
        adagrad_block(block_size(n, first), &g[0] + first, &p[0] + first, &a[0] + first, <floating>lr,
                      <floating>epsilon, <floating>scale, <floating>clip)


cdef struct RMSprop:
    double lr
    double rho, rest  # how much of v stays, and 1 - rho
    double momentum
    double epsilon
    double scale, clip


cdef inline void rmsprop_of(bint centered, bint has_momentum, const RMSprop *r, Py_ssize_t n, const floating *g,
                            floating *p, floating *v, floating *mean, floating *m) noexcept nogil:
    """Called with constants for the first two, so that a loop without branches is compiled for each case."""
    cdef floating lr = r.lr, rho = r.rho, rest = r.rest, momentum = r.momentum, epsilon = r.epsilon
    cdef floating scale = r.scale, clip = r.clip
    cdef floating gi, vi, pi, mean_i, mi, spread, step
    cdef Py_ssize_t i
    for i in range(n):
        vi, pi = v[i], p[i]
        mean_i = mean[i] if centered else 0
        mi = m[i] if has_momentum else 0
        gi = clipped(g[i], scale, clip)
        vi = rho * vi + rest * gi * gi
        spread = vi
        if centered:
            mean_i = rho * mean_i + rest * gi
            mean[i] = mean_i
            spread = spread - mean_i * mean_i
            spread = 0 if spread < 0 else spread  # rounding: a variance is not negative
        step = lr * gi / root(spread + epsilon)
        if has_momentum:
            step = momentum * mi + step
            m[i] = step
        v[i] = vi
        p[i] = pi - step


cdef void rmsprop_block(const RMSprop *r, Py_ssize_t n, const floating *g, floating *p, floating *v, floating *mean,
                        floating *m) noexcept nogil:
    if mean == NULL and m == NULL:
        rmsprop_of(False, False, r, n, g, p, v, mean, m)
    elif m == NULL:
        rmsprop_of(True, False, r, n, g, p, v, mean, m)
    elif mean == NULL:
        rmsprop_of(False, True, r, n, g, p, v, mean, m)
    else:
        rmsprop_of(True, True, r, n, g, p, v, mean, m)


def rmsprop(const floating[::1] g,                                                          # IN (n)
            floating[::1] p, floating[::1] v, floating[::1] mean, floating[::1] m,          # IN and OUT (n) each
            double lr, double rho, double momentum, double epsilon, double scale, double clip):
    """mean is None where not centered, m is None without momentum."""
    cdef RMSprop r = RMSprop(lr, rho, 1 - rho, momentum, epsilon, scale, clip)
    cdef Py_ssize_t n = g.shape[0], first
    cdef floating *mean_0 = NULL
    cdef floating *m_0 = NULL
    if n == 0:
        return
    if mean is not None:
        mean_0 = &mean[0]
    if m is not None:
        m_0 = &m[0]
    for first in prange(0, n, BLOCK, nogil=True, schedule="static", num_threads=threads_for(n)):
        rmsprop_block(&r, block_size(n, first), &g[0] + first, &p[0] + first, &v[0] + first,
                      NULL if mean_0 == NULL else mean_0 + first, NULL if m_0 == NULL else m_0 + first)


# ---------------------------------------------------------------------------------------------------------- Adam

cdef struct Adam:
    double rate  # the learning rate of step t
    double rest_1, rest_2  # 1 - beta
    double epsilon
    double decay
    double scale, clip


cdef void adam_block(const Adam *r, Py_ssize_t n, const floating *g, floating *p, floating *m,
                     floating *v) noexcept nogil:
    cdef floating rate = r.rate, rest_1 = r.rest_1, rest_2 = r.rest_2, epsilon = r.epsilon, decay = r.decay
    cdef floating scale = r.scale, clip = r.clip
    cdef floating gi, mi, vi, pi
    cdef Py_ssize_t i
    for i in range(n):
        mi, vi, pi = m[i], v[i], p[i]
        gi = clipped(g[i], scale, clip)
        mi = mi + rest_1 * (gi - mi)
        vi = vi + rest_2 * (gi * gi - vi)
        m[i] = mi
        v[i] = vi
        p[i] = pi - decay * pi - rate * mi / (root(vi) + epsilon)


def adam(const floating[::1] g,                                     # IN (n)
         floating[::1] p, floating[::1] m, floating[::1] v,         # IN and OUT (n) (n) (n)
         double lr, double beta_1, double beta_2, double epsilon, double decay, Py_ssize_t t,
         double scale, double clip):
    """t counts the steps from 1."""
    cdef Py_ssize_t n = g.shape[0], first
    cdef double rate = lr * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t)
    cdef Adam r = Adam(rate, 1 - beta_1, 1 - beta_2, epsilon, decay, scale, clip)
    for first in prange(0, n, BLOCK, nogil=True, schedule="static", num_threads=threads_for(n)):
        adam_block(&r, block_size(n, first), &g[0] + first, &p[0] + first, &m[0] + first, &v[0] + first)
