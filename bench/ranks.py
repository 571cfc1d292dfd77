"""What a step costs on two ranks, and from where on more of them are faster.

    mpiexec -n 2 python -m mpi4py -m bench.ranks

Times are of the training step of bench/README.md: forward, loss, backward, clip, Adam, for the LSTM of `nnlite train`,
one thread on each rank. Alone: what one process needs for a whole batch and for half of it. The rest is arithmetic.
"""

import math
import time

import numpy as np

import nnlite
from nnlite.distributed import DataParallel, mpi

T, V, UNITS = 40, 38, 200
BATCHES = 8, 16, 32, 64
ROUNDS = 2000  # of a batch of one row; larger ones take as long with fewer
NETWORKS = {  # what it takes to reach another machine, in seconds, and bytes a second
    "Ethernet, 1 Gbit/s": (50e-6, 0.117e9),
    "Ethernet, 10 Gbit/s": (20e-6, 1.17e9),
    "InfiniBand, 100 Gbit/s": (2e-6, 12e9),
}


def model(optimizer):
    layers = [nnlite.LSTM(UNITS, return_sequences=True, input_dim=V), nnlite.Dense(V)]
    made = nnlite.Sequential(layers, input_shape=(T,), seed=0)
    made.compile(optimizer, nnlite.SparseCategoricalCrossentropy(from_logits=True))
    return made


def adam():
    return nnlite.Adam(1e-3, global_clipnorm=5)


def batch(rows):
    ids = np.random.default_rng(0).integers(0, V, (rows, T + 1))
    return ids[:, :-1], ids[:, 1:]


def milliseconds(call, rounds):
    """The least that it takes: nothing but other programs makes it longer."""
    times = []
    for number in range(rounds + 3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
        if number < 3:
            times.clear()  # the first ones allocate
    return 1e3 * float(np.min(times))


def alone(comm, measure):
    """What rank 0 measures while the others sleep."""
    found = measure() if comm.rank == 0 else None
    request = comm.Ibarrier()
    while not request.Test():
        time.sleep(0.01)
    return comm.bcast(found)


def exchange(bytes_, ranks, latency, bandwidth):
    """Seconds of an Allreduce: each byte is sent to be added, and again as a sum, to all but oneself."""
    return 2 * math.ceil(math.log2(ranks)) * latency + 2 * (ranks - 1) / ranks * bytes_ / bandwidth


def main():
    nnlite.set_num_threads(1)
    together = DataParallel(adam())
    comm, divided, single = together.comm, model(together), model(adam())
    sent = 4 * divided.parameter_count

    def steps(one, rows):
        return lambda: one.train_on_batch(*batch_of[rows])

    batch_of = {rows: batch(rows) for rows in (BATCHES[0] // 2, *BATCHES)}
    two = {rows: milliseconds(steps(divided, rows), ROUNDS // rows) for rows in BATCHES}
    whole = {}
    for rows in batch_of:
        whole[rows] = alone(comm, lambda rows=rows: milliseconds(steps(single, rows), ROUNDS // rows))

    # What an exchange itself takes: of 8 bytes, and of the gradients. Both ranks begin together.
    sums = {}
    for size in (1, divided.parameter_count):
        array = np.zeros(size, np.float32)
        sums[size] = milliseconds(lambda array=array: together.sum(array), 200)
    latency = sums[1] / 1e3
    bandwidth = sent / max(1e-9, sums[divided.parameter_count] / 1e3 - latency)
    # And the copies into one array and back, which no network changes.
    grads = [(grad, 1.0) for grad in single.learned()[0].values()]
    copies = alone(comm, lambda: milliseconds(lambda: copy_out_and_back(grads), 200))

    if comm.rank:
        return
    print(f"{divided.parameter_count:,} parameters: {sent / 1e3:,.0f} kB of gradients a step, and 32 bytes of numbers")
    print(f"an exchange between two ranks here: {1e6 * latency:.0f} us, then {bandwidth / 1e9:.2f} GB/s")
    print(f"copies into one array and back: {1e3 * copies:.0f} us\n")
    print("| rows | one rank, ms | half of them, ms | two ranks, ms | overhead, ms | times as fast |")
    print("|---|---|---|---|---|---|")
    for rows in BATCHES:
        half = whole[rows // 2]
        print(f"| {rows} | {whole[rows]:.1f} | {half:.1f} | {two[rows]:.1f} | {two[rows] - half:.1f} | "
              f"{whole[rows] / two[rows]:.2f} |")  # fmt: skip

    # A step of n rows takes fixed + each * n: the first is what every rank does, such as Adam.
    fixed, each = np.polynomial.Polynomial.fit(list(whole), list(whole.values()), 1).convert().coef
    print(f"\na step alone: {fixed:.2f} ms, and {each:.3f} ms for each row\n")
    print("| network | exchange on 2, 4, 16 ranks, ms | 2 ranks are faster from | 4 ranks of 64 rows each | 16 |")
    print("|---|---|---|---|---|")
    for name, (wait, speed) in {"this machine": (latency, bandwidth), **NETWORKS}.items():
        times = {ranks: 1e3 * exchange(sent, ranks, wait, speed) + copies for ranks in (2, 4, 16)}
        rows = math.ceil(times[2] / each * 2)
        gains = [(fixed + each * 64 * ranks) / (fixed + each * 64 + times[ranks]) for ranks in (4, 16)]
        shown = ", ".join(f"{value:.1f}" for value in times.values())
        print(f"| {name} | {shown} | {rows} rows | {gains[0]:.1f} times as fast | {gains[1]:.1f} |")


def copy_out_and_back(grads):
    flat = np.empty(sum(grad.size for grad, _ in grads), np.float32)
    end = 0
    for grad, factor in grads:
        start, end = end, end + grad.size
        np.multiply(grad, factor, out=flat[start:end].reshape(grad.shape))
        grad[...] = flat[start:end].reshape(grad.shape)


if __name__ == "__main__":
    main()
    if mpi.world():
        mpi.leave(0, lambda: None)
