"""Whether retraining pays tonight. The answer comes with its reasons."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TriggerConfig:
    fewest_examples: int = 100  # a smaller training set is an anecdote
    fewest_fresh: int = 50  # wordings that the champion's training set does not hold


@dataclass(frozen=True)
class Decision:
    retrain: bool
    because: tuple[str, ...]


def decide(examples: int, fresh: int, config: TriggerConfig) -> Decision:
    """`fresh` counts the examples that the training set of the champion does not hold."""
    against = []
    if examples < config.fewest_examples:
        against.append(f"{examples} believed wordings, {config.fewest_examples} needed")
    if fresh < config.fewest_fresh:
        against.append(f"{fresh} of them new since the champion, {config.fewest_fresh} needed")
    if against:
        return Decision(False, tuple(against))
    return Decision(
        True, (f"{examples} believed wordings, {fresh} of them new since the champion",)
    )
