"""Writing one poem: 600 characters after a seed of 40, each the input of the next step."""

from work import Work, on_reference, time_work

H, LENGTH, SEED = 200, 600, "shall i compare thee to a summer's day?\n"


def nnlite_generate():
    import nnlite
    from nnlite.text import Vocabulary, clean_sonnets, generate

    vocabulary = Vocabulary.from_text(clean_sonnets())
    V = len(vocabulary)
    model = nnlite.Sequential([nnlite.LSTM(H, return_sequences=True, input_dim=V), nnlite.Dense(V)], seed=0)
    model.build((40,))
    return lambda: generate(model, vocabulary, SEED, LENGTH, temperature=0.75, rng=0)


def pytorch_generate():
    import torch

    from nnlite.text import Vocabulary, clean_sonnets

    vocabulary = Vocabulary.from_text(clean_sonnets())
    V = len(vocabulary)
    lstm, dense, one_hot = torch.nn.LSTM(V, H, batch_first=True), torch.nn.Linear(H, V), torch.eye(V)
    seed = torch.from_numpy(vocabulary.encode(SEED))

    @torch.inference_mode()
    def run():
        y, state = lstm(one_hot[seed][None])
        ids = []
        for _ in range(LENGTH):
            probabilities = torch.softmax(dense(y[:, -1]) / 0.75, -1)
            ids.append(torch.multinomial(probabilities[0], 1).item())
            y, state = lstm(one_hot[ids[-1]][None, None], state)
        return vocabulary.decode(ids)

    return run


WORKS = [
    Work(
        f"generate {LENGTH} characters, LSTM({H})",
        {"nnlite": nnlite_generate, "pytorch": pytorch_generate, "reference": on_reference(nnlite_generate)},
        target=10.0,
        threads=(1,),  # PyTorch is slower on two here
    )
]


def test_generate(benchmark, work, threads):
    time_work(benchmark, work, threads)
