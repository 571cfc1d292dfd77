"""The LSTM kernel: whole sequences of ids, forward and backward."""

from work import Work, normal, on_reference, rng, time_work

V, H, T = 38, 200, 40


def nnlite_lstm(N):
    from nnlite import LSTM

    def prepare():
        layer = LSTM(H, return_sequences=True, input_dim=V, seed=0)
        ids, dy = rng().integers(V, size=(N, T)), normal(N, T, H)

        def run():
            layer.forward(ids)
            layer.backward(dy)

        return run

    return prepare


def pytorch_lstm(N):
    def prepare():
        import torch

        layer = torch.nn.LSTM(V, H, batch_first=True)
        x = torch.nn.functional.one_hot(torch.from_numpy(rng().integers(V, size=(N, T))), V).float()
        dy = torch.from_numpy(normal(N, T, H))

        def run():
            layer.zero_grad()
            layer(x)[0].backward(dy)

        return run

    return prepare


WORKS = [
    Work(
        f"LSTM({H}) on ids, T {T}, batch {N}: forward and backward",
        {"nnlite": nnlite_lstm(N), "pytorch": pytorch_lstm(N), "reference": on_reference(nnlite_lstm(N))},
    )
    for N in (1, 32, 128)
]


def test_lstm(benchmark, work, threads):
    time_work(benchmark, work, threads)
