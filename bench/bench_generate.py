"""Generate a poem: 600 characters after a seed of 40, each the input of the next step."""

from work import Work

LENGTH, SEED = 600, "shall i compare thee to a summer's day?\n"
CHARACTERS = "\n !'(),-.:;?abcdefghijklmnopqrstuvwxyz"  # of the sonnets


def nnlite_generate(cell, H):
    def prepare():
        import nnlite
        from nnlite.text import Vocabulary, generate

        vocabulary, V = Vocabulary.from_text(CHARACTERS), len(CHARACTERS)
        layers = [getattr(nnlite, cell)(H, return_sequences=True, input_dim=V), nnlite.Dense(V)]
        model = nnlite.Sequential(layers, seed=0)
        model.build((40,))
        return lambda: generate(model, vocabulary, SEED, LENGTH, temperature=0.75, rng=0)

    return prepare


def pytorch_generate(cell, H):
    def prepare():
        import torch

        V = len(CHARACTERS)
        layer, one_hot = getattr(torch.nn, cell)(V, H, batch_first=True), torch.eye(V)
        dense, seed = torch.nn.Linear(H, V), torch.tensor([CHARACTERS.index(c) for c in SEED])

        @torch.inference_mode()
        def run():
            y, state = layer(one_hot[seed][None])
            ids = []
            for _ in range(LENGTH):
                probabilities = torch.softmax(dense(y[:, -1]) / 0.75, -1)
                ids.append(torch.multinomial(probabilities[0], 1).item())
                y, state = layer(one_hot[ids[-1]][None, None], state)
            return "".join(CHARACTERS[i] for i in ids)

        return run

    return prepare


def generation(cell, H):
    contestants = {"nnlite": nnlite_generate(cell, H), "PyTorch": pytorch_generate(cell, H)}
    # On two threads PyTorch is slower here.
    return Work(f"generate {LENGTH} characters, {cell}({H})", contestants, threads=(1,))


WORKS = [generation("LSTM", 200), generation("GRU", 200), generation("RNN", 100)]
