"""What a student reads about a function."""

from .trial import HIDDEN, Trial


def lines(trial: Trial) -> list[str]:
    """What is wrong with a function, and why; one line if all is right.

    Example:
        >>> from nnlite.homework.code import CODE
        >>> from nnlite.homework.code.feedback import lines
        >>> from nnlite.homework.code.trial import tried
        >>> text = "def sample(logits, temperature, u):\\n    return [logits.argmax()] * len(u)"
        >>> found = lines(tried(CODE["sample"], {"sampling.py": text}))
        >>> found[0], found[-1]
        ('temperature 1: ids: 43 of 59 numbers are wrong: at index 1 it is 5, and should be 0', \
'likely cause: the likeliest id is always taken: draw')
    """
    if trial.is_right:
        return ["right in every case"]
    causes = list(dict.fromkeys(trial.problems.values()))
    if len(causes) == 1 and len(trial.problems) > 1 and not trial.right:  # the same everywhere: say it once
        return [f"in every case: {problem}" for problem in causes[0]]
    first, *others = sorted(trial.problems, key=lambda name: name.endswith(HIDDEN))  # those with numbers first
    found = [f"{first}: {problem}" if first else problem for problem in trial.problems[first]]
    others = [name for name in others if name.removesuffix(HIDDEN) not in trial.problems or not name.endswith(HIDDEN)]
    if others:
        found.append(f"wrong as well: {'; '.join(others)}")
    if trial.right:
        found.append(f"right: {'; '.join(trial.right)}")
    if trial.cause:
        found.append(f"likely cause: {trial.cause}")
    if trial.line:
        found.append(f"first wrong line: {trial.line}")
    return found
