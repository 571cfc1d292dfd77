"""Report of a sonnets run: poems, learning curves, and statistics beside those of the corpus."""

import dataclasses
import math

from nnlite import machine, plot
from nnlite.report import Figure, Picture, Poem, Poems, Report, Section, Table
from nnlite.text import character_frequencies, compare_temperatures, text_statistics

from .folder import plain
from .sonnets import Outcome, Sonnets

POEM = 600  # characters, about a sonnet
MEASURED = 10_000  # characters for the statistics: those of 600 would be too noisy


def sonnets_report(run: Sonnets, outcome: Outcome) -> Report:
    """The `Report` of a finished run.

    Args:
        run: a `Sonnets` whose training is complete.
        outcome: of that training.
    """
    s, start, corpus = run.settings, run.seed_text, run.corpus.text
    training, held_out = run.parts
    samples = compare_temperatures(outcome.model, run.vocabulary, start, MEASURED, s.temperatures, rng=s.seed)
    statistics = [text_statistics(sample.text, corpus, source=training) for sample in samples]
    # The sample that is shown where there is room for only one.
    middle = min(range(len(samples)), key=lambda i: abs(samples[i].temperature - 0.75)) if samples else None
    sections = [_how_it_learned(run, outcome)]
    if samples:
        sections = [
            _poems(start, samples, statistics),
            *sections,
            _characters(corpus, samples, statistics),
            _likeness(text_statistics(held_out, training), samples, statistics, middle),
        ]
    return Report(
        title=run.corpus.title,
        kicker=f"nnlite · {run.folder.name}",
        lead=_lead(run, outcome),
        figures=list(_figures(outcome, samples, statistics, middle)),
        sections=[
            *sections,
            _making(run, outcome.model),
            Section("The machine", [Table(list(machine.describe().items()))]),
        ],
    )


def _lead(run, outcome):
    s = run.settings
    layers, data = f"{s.layers} LSTMs" if s.layers > 1 else "An LSTM", run.description
    return (
        f"{layers} of {s.units} units learned to write like this text, one character at a time: {data}. The model of "
        f"epoch {outcome.best_epoch}, the best of {len(outcome.history['val_loss'])}, wrote what you see below."
    )


def _figures(outcome, samples, statistics, middle):
    best = outcome.best_loss
    yield Figure(f"{best:.3f}", "nats per character: the validation loss")
    yield Figure(f"{math.exp(min(best, 700)):.3g}", "perplexity: as uncertain as a choice between so many characters")
    if samples:
        temperature = f"at temperature {samples[middle].temperature:g}"
        known, copied = statistics[middle].known_words, statistics[middle].copied.text
        if not math.isnan(known):  # it is in a script without spaces, and in a model that writes no letters
            yield Figure(_percent(known), f"of the words it writes {temperature} occur in the corpus")
        yield Figure(f"{len(copied)}", f"characters: the longest passage it copies {temperature}")


def _poems(start, samples, statistics):
    poems = []
    for (temperature, text, entropy), numbers in zip(samples, statistics, strict=True):
        known = "" if not numbers.words else f"{_percent(numbers.known_words)} of its words occur in the corpus. "
        remark = (
            f"{known}Choosing a character was about as uncertain as choosing between {math.exp(entropy):.1f} equally "
            f"likely ones."
        )
        poems.append(Poem(f"temperature {temperature:g}", start + text[:POEM], remark, given=start))
    return Section(
        "What it writes",
        [
            "The temperature sets how freely the model chooses. At low temperatures it repeats common words; at 1 it "
            "follows the probabilities it has learned; at high temperatures it chooses unlikely characters, until the "
            "words fall apart. All texts begin with the same line, in italics, and use the same random numbers: only "
            "the temperature makes them differ.",
            Poems(poems),
        ],
    )


def _how_it_learned(run, outcome):
    history, best, epoch, landmarks = outcome.history, outcome.best_loss, outcome.best_epoch, run.landmarks
    text = (
        f"The loss measures how uncertain the model is about the next character, in nats. For comparison: guessing has "
        f"a loss of {landmarks.uniform:.3f}; a model that knows only how often each character occurs, "
        f"{landmarks.unigram:.3f}; one that also knows the previous character, {landmarks.bigram:.3f}. "
    )
    if best >= landmarks.bigram:
        text += "This model has not learned to use more than the previous character. "
    else:
        text += "The loss of this model is lower: it uses earlier characters, too. "
    if epoch < len(history["val_loss"]):
        text += (
            f"After epoch {epoch} the validation loss rises while the training loss keeps falling: from then on the "
            f"model memorizes its training text."
        )
    else:
        text += "The last epoch was the best: more epochs may help."
    names = [name for name in ("loss", "val_loss", "perplexity", "val_perplexity", "learning_rate") if name in history]
    epochs = zip(*(history[name] for name in names), strict=True)
    rows = [(f"{number}", *(f"{value:.4g}" for value in values)) for number, values in enumerate(epochs, 1)]
    header = ("epoch", *(name.replace("_", " ").replace("val ", "validation ") for name in names))
    picture = plot.svg(plot.loss_curves, history, landmarks=landmarks, size=(7.5, 4.2))
    return Section(
        "How it learned",
        [
            text,
            _what_it_remembered(run.settings, outcome),
            Picture(picture, f"Loss while training: the lowest validation loss, {best:.3f}, is that of epoch {epoch}"),
            Table(rows, header, folded="All numbers"),
        ],
    )


def _what_it_remembered(s, outcome):
    if s.carry > 1:
        text = (
            f"In training, the state was carried through {s.carry} windows of {s.length} characters before it was "
            f"reset to zeros. So the model could learn what is longer than a window, such as the length of a line. "
        )
    else:
        text = (
            f"In training, the state was reset to zeros before each window of {s.length} characters: the model could "
            f"not learn anything longer. "
        )
    return text + (
        f"For the validation loss, the state is reset before each window. When the model reads the same text from "
        f"beginning to end without a reset, its loss is {outcome.loss_in_one_go:.3f}."
    )


def _characters(corpus, samples, statistics):
    expected, pictures = character_frequencies(corpus), []
    for sample, numbers in zip(samples, statistics, strict=True):
        name = f"temperature {sample.temperature:g}"
        picture = plot.svg(
            plot.character_frequencies, numbers.frequencies, expected, labels=(name, "corpus"), size=(10, 3.6)
        )
        caption = (
            f"At {name}, {numbers.distance:.1%} of the characters would have to be replaced to match the frequencies "
            f"of the corpus. For random characters with these frequencies, it is {numbers.expected_distance:.1%}."
        )
        pictures.append(Picture(picture, f"Character frequencies at {name} and in the corpus", caption))
    return Section(
        "Which characters it writes",
        [
            f"Frequencies in {MEASURED:,} characters that the model wrote, compared with the corpus. Below temperature "
            f"1, frequent characters become more frequent and rare ones disappear; above 1, the frequencies become "
            f"more equal.",
            *pictures,
        ],
    )


def _likeness(real, samples, statistics, middle):
    texts = [real, *statistics]
    words = [("words that occur in the corpus", *(_percent(t.known_words) for t in texts))]
    rows = [
        ("entropy of the choices, in nats per character", "", *(f"{sample.entropy:.2f}" for sample in samples)),
        ("characters to replace to match the corpus", *(f"{t.distance:.1%}" for t in texts)),
        *(words if any(t.words for t in texts) else []),
        (
            "line length, mean ± deviation",
            *(_line_length(t) for t in texts),
        ),
        ("indented lines", *(_percent(t.indented_lines) for t in texts)),
        ("longest copied passage, in characters", *(f"{len(t.copied.text)}" for t in texts)),
        ("passages of 30 characters that are copied", *(_percent(t.copied_windows) for t in texts)),
    ]
    header = ("", "held out", *(f"at {sample.temperature:g}" for sample in samples))
    copied, lengths, name = statistics[middle].copied.text, statistics[middle].line_lengths, samples[middle].temperature
    pictures = []
    if lengths and real.line_lengths:  # a text of spaces has none
        lines = plot.svg(
            plot.line_lengths,
            lengths,
            real.line_lengths,
            labels=(f"temperature {name:g}", "held-out text"),
            size=(7.5, 3.4),
        )
        picture = Picture(
            lines,
            f"Line lengths at temperature {name:g} and in the held-out text",
            "Nothing tells the model how long a line should be: it has learned this from the text.",
        )
        pictures.append(picture)
    return Section(
        "How similar it is to the corpus",
        [
            f"{MEASURED:,} characters at each temperature, compared with the held-out text. A passage is copied if it "
            f"occurs, character for character, in the training text. Even the held-out text shares short passages with "
            f"it; a model that shares whole lines has memorized them.",
            Table(rows, header),
            f"The longest passage that it copied at temperature {name:g}: “{copied.strip()}”.",
            *pictures,
        ],
    )


def _line_length(statistics):
    if not statistics.line_lengths:
        return "-"
    return f"{statistics.line_length_mean:.0f}\u00a0±\u00a0{statistics.line_length_deviation:.0f}"


def _making(run, model):
    settings = dataclasses.asdict(run.settings)
    rows = [(name.replace("_", " "), plain(value)) for name, value in settings.items()]
    layers = [(layer.name, type(layer).__name__, f"{layer.parameter_count:,}") for layer in model.layers]
    total = sum(layer.parameter_count for layer in model.layers)
    characters = " ".join(c for c in run.vocabulary.characters if c.isprintable() and not c.isspace())
    characters = characters if len(characters) < 400 else f"{characters[:400]} ..."
    return Section(
        "How it was made",
        [
            Table([*layers, ("total", "", f"{total:,}")], ("layer", "class", "parameters")),
            Table(rows, folded="All settings"),
            f"The vocabulary has {len(run.vocabulary)} characters. The visible ones are: {characters}",
        ],
    )


def _percent(share):
    return "none" if math.isnan(share) else f"{share:.0%}"
