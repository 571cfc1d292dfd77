"""Report of a sonnets run: poems, learning curves, and statistics beside those of the corpus."""

import dataclasses
import math

from nnlite import machine, plot
from nnlite.report import Figure, Picture, Poem, Poems, Report, Section, Table
from nnlite.text import character_frequencies, compare_temperatures, text_statistics

from .sonnets import Outcome, Sonnets

POEM = 600  # characters, about a sonnet
MEASURED = 10_000  # characters for the statistics: of 600 they would be too noisy


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
    # The sample that is shown where there is room for one.
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
        sections=[*sections, _making(run, outcome.model), _machine()],
    )


def _lead(run, outcome):
    s = run.settings
    layers, data = f"{s.layers} LSTMs" if s.layers > 1 else "An LSTM", run.corpus.describe(run.parts)
    return (
        f"{layers} of {s.units} units learned to write like it, character by character: {data}. "
        f"What follows was written after epoch {outcome.best_epoch}, the best of {len(outcome.history['val_loss'])}."
    )


def _figures(outcome, samples, statistics, middle):
    best = outcome.best_loss
    yield Figure(f"{best:.3f}", "nats per character: the loss on what was held out")
    yield Figure(f"{math.exp(min(best, 700)):.3g}", "characters, equally likely: as unsure it is of the next one")
    if samples:
        temperature = f"at temperature {samples[middle].temperature:g}"
        known, copied = statistics[middle].known_words, statistics[middle].copied.text
        yield Figure(_percent(known), f"of the words that it writes are words of the corpus, {temperature}")
        yield Figure(f"{len(copied)}", f"characters in a row, at most, are copied, {temperature}")


def _poems(start, samples, statistics):
    poems = []
    for (temperature, text, entropy), numbers in zip(samples, statistics, strict=True):
        remark = (
            f"{_percent(numbers.known_words)} of its words occur in the corpus. A choice was about as open as one "
            f"between {math.exp(entropy):.1f} characters that are equally likely."
        )
        poems.append(Poem(f"temperature {temperature:g}", start + text[:POEM], remark, given=start))
    return Section(
        "What it writes",
        [
            "The temperature says how bold it is. Low ones give common words, over and over; at 1 it writes as it has "
            "read; high ones dare what is rare, until the words fall apart. All begin with the same line, in italics, "
            "and have the same luck: where two differ, it is the temperature's doing.",
            Poems(poems),
        ],
    )


def _how_it_learned(run, outcome):
    history, best, epoch, landmarks = outcome.history, outcome.best_loss, outcome.best_epoch, run.landmarks
    text = (
        f"The loss says how unsure the model is of the next character, in nats: {landmarks.uniform:.3f} is guessing, "
        f"{landmarks.unigram:.3f} knows how often each one occurs, and {landmarks.bigram:.3f} knows the one before. "
    )
    if best >= landmarks.bigram:
        text += "The model has not learned to look further back than that. "
    else:
        text += "Whatever is below that line, the model knows from further back. "
    if epoch < len(history["val_loss"]):
        text += (
            f"After epoch {epoch} the loss on what was held out rises while the other one goes on falling: what the "
            f"model learns from then on, it learns by heart."
        )
    else:
        text += "It was still getting better in the last epoch: more epochs may help."
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
            Picture(picture, f"Loss while training: the validation loss is lowest, {best:.3f}, after epoch {epoch}"),
            Table(rows, header, folded="All numbers"),
        ],
    )


def _what_it_remembered(s, outcome):
    if s.carry > 1:
        text = (
            f"While it learned, its state was carried on through {s.carry} windows of {s.length} characters before it "
            f"started from nothing again: so it could learn what is longer than a window, such as how long a line is. "
        )
    else:
        text = f"Each window of {s.length} characters started from nothing: it could learn nothing longer than that. "
    return text + (
        f"The validation loss is that of windows that all start from nothing. Where the model may remember all that it "
        f"has read, it comes to {outcome.loss_in_one_go:.3f} on the same text."
    )


def _characters(corpus, samples, statistics):
    expected, pictures = character_frequencies(corpus), []
    for sample, numbers in zip(samples, statistics, strict=True):
        name = f"temperature {sample.temperature:g}"
        labels, title = (name, "corpus"), f"How often each character occurs, at {name} and in the corpus"
        picture = plot.svg(plot.character_frequencies, numbers.frequencies, expected, labels=labels, size=(10, 3.6))
        caption = (
            f"At {name}, {numbers.distance:.1%} of the characters would have to be others to be as frequent as in the "
            f"corpus; {numbers.expected_distance:.1%} is what chance does in a text of that length."
        )
        pictures.append(Picture(picture, title, caption))
    return Section(
        "Which characters it writes",
        [
            f"Counted in {MEASURED:,} characters that the model wrote, beside the corpus. Below temperature 1 what is "
            f"frequent becomes more so, and what is rare is missing; above it the bars become level.",
            *pictures,
        ],
    )


def _likeness(real, samples, statistics, middle):
    texts = [real, *statistics]
    rows = [
        ("nats per character, how free the choices were", "", *(f"{sample.entropy:.2f}" for sample in samples)),
        ("characters that are not as in the corpus", *(f"{t.distance:.1%}" for t in texts)),
        ("words that occur in the corpus", *(_percent(t.known_words) for t in texts)),
        ("length of a line", *(f"{t.line_length_mean:.0f}\u00a0±\u00a0{t.line_length_deviation:.0f}" for t in texts)),
        ("lines that are indented", *(_percent(t.indented_lines) for t in texts)),
        ("longest piece copied, in characters", *(f"{len(t.copied.text)}" for t in texts)),
        ("30 characters in a row that are copied", *(_percent(t.copied_windows) for t in texts)),
    ]
    header = ("", "held out", *(f"at {sample.temperature:g}" for sample in samples))
    copied, lengths, name = statistics[middle].copied.text, statistics[middle].line_lengths, samples[middle].temperature
    lines = plot.svg(
        plot.line_lengths, lengths, real.line_lengths, labels=(f"temperature {name:g}", "held out"), size=(7.5, 3.4)
    )
    return Section(
        "How much it looks like the corpus",
        [
            f"In numbers, for {MEASURED:,} characters at each temperature, beside the real text that was held out. "
            f"Copied is what stands, character for character, in the text that the model learned from. What the author "
            f"wrote shares short pieces with the rest, too; a model that shares whole lines has learned them by heart.",
            Table(rows, header),
            f"The longest piece that it copied at temperature {name:g}: “{copied.strip()}”.",
            Picture(
                lines,
                f"How long the lines are at temperature {name:g}, beside the text that was held out",
                "Nobody told the model how long a line is: what it knows of that, it has seen.",
            ),
        ],
    )


def _making(run, model):
    settings = dataclasses.asdict(run.settings)
    rows = [(name.replace("_", " "), _plain(value)) for name, value in settings.items()]
    layers = [(layer.name, type(layer).__name__, f"{layer.parameter_count:,}") for layer in model.layers]
    total = sum(layer.parameter_count for layer in model.layers)
    characters = " ".join(c for c in run.vocabulary.characters if c.isprintable() and not c.isspace())
    characters = characters if len(characters) < 400 else f"{characters[:400]} ..."
    return Section(
        "How it was made",
        [
            Table([*layers, ("total", "", f"{total:,}")], ("layer", "class", "parameters")),
            Table(rows, folded="All settings"),
            f"It knows {len(run.vocabulary)} characters. Those that can be seen: {characters}",
        ],
    )


def _machine():
    return Section("The machine", [Table(list(machine.describe().items()))])


def _plain(value):
    return ", ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else f"{value}"


def _percent(share):
    return "none" if math.isnan(share) else f"{share:.0%}"
