"""A whole training step of the sonnet model: forward, loss, backward, clip by the global norm, Adam."""

from work import Work, on_reference, rng, time_work

V, H, T = 38, 200, 40


def nnlite_step(N):
    def prepare():
        import nnlite

        model = nnlite.Sequential([nnlite.LSTM(H, return_sequences=True, input_dim=V), nnlite.Dense(V)], seed=0)
        model.compile(nnlite.Adam(3e-3, global_clipnorm=5.0), nnlite.SparseCategoricalCrossentropy(from_logits=True))
        x, y = rng().integers(V, size=(2, N, T))
        return lambda: model.train_on_batch(x, y)

    return prepare


def pytorch_step(N):
    def prepare():
        import torch
        from torch.nn import functional

        lstm, dense = torch.nn.LSTM(V, H, batch_first=True), torch.nn.Linear(H, V)
        parameters = [*lstm.parameters(), *dense.parameters()]
        optimizer = torch.optim.Adam(parameters, 3e-3, fused=True)  # the fastest of its three
        x, y = torch.from_numpy(rng().integers(V, size=(2, N, T)))
        x, y = functional.one_hot(x, V).float(), y.reshape(-1)  # not timed

        def run():
            optimizer.zero_grad()
            loss = functional.cross_entropy(dense(lstm(x)[0]).reshape(-1, V), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
            return loss.item()

        return run

    return prepare


WORKS = [
    Work(
        f"training step, LSTM({H}), T {T}, V {V}, batch {N}",
        {"nnlite": nnlite_step(N), "pytorch": pytorch_step(N), "reference": on_reference(nnlite_step(N))},
        target=2.0,
    )
    for N in (32, 64, 128)
]


def test_train(benchmark, work, threads):
    time_work(benchmark, work, threads)
