"""Texts that are not what they were: spelt otherwise, padded with blanks, new, or gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ratchet.core.schema import Level
from ratchet.core.validation.anomalies.compared import Compared, Pair, batches
from ratchet.core.validation.anomalies.distances import shares
from ratchet.core.validation.profile import CATEGORIES
from ratchet.core.validation.records import Finding
from ratchet.core.validation.texts import plainly

MANY = 0.05
"""Share of rows from which on values that were not there before are a finding."""
BEYOND = 3.0
"""How many times the share must be of what one earlier batch had that the others had not."""
WHOLE = 0.2
"""Share of rows from which on the batch as a whole is wrong."""
STEADY = 0.02
"""Share of rows that a value has in every earlier batch, if it is missed."""
EXPECTED = 20
"""Rows that a missed value should have had."""


def changed_texts(compared: Compared) -> Iterator[Finding]:
    """Columns of texts whose values have changed; one finding for each, the most telling one."""
    for pair in compared.pairs():
        if pair.now.texts is None or not all(each.texts for each in pair.before):
            continue
        found = _padded(compared, pair)
        if found is None and max(each.distinct for each in (pair.now, *pair.before)) <= CATEGORIES:
            found = _spelling(compared, pair) or _new(compared, pair) or _gone(compared, pair)
        if found is not None:
            yield found


def _padded(compared: Compared, pair: Pair) -> Finding | None:
    now = pair.now.texts.padded if pair.now.texts else 0.0
    before = max(each.texts.padded for each in pair.before if each.texts)
    if now < max(MANY, BEYOND * before):
        return None
    sentence = (
        f"starts or ends with white space in {100 * now:.0f}% of rows, in at most {100 * before:.0f}% in "
        f"{batches(len(pair.before))}"
    )
    padded = [repr(each.value) for each in pair.now.top if each.value != each.value.strip()]
    return compared.finding(
        "padded-text", _level(now), pair.column, sentence, count=round(now * pair.rows), examples=padded
    )


def _spelling(compared: Compared, pair: Pair) -> Finding | None:
    """Values that nobody knows, but for capitals, blanks, accents' forms and punctuation."""
    known = {value for each in pair.before for value in shares(each)}
    plain = {plainly(value): value for value in sorted(known)}
    odd = {each: share for each, share in _unknown(pair).items() if plainly(each) in plain}
    share = sum(odd.values())
    if share < MANY:
        return None
    changes = [f"{value!r}, it was {plain[plainly(value)]!r}" for value in odd]
    sentence = f"is spelt otherwise in {100 * share:.0f}% of rows: {changes[0]}"
    return compared.finding(
        "spelling-change", _level(share), pair.column, sentence, count=round(share * pair.rows), examples=changes
    )


def _new(compared: Compared, pair: Pair) -> Finding | None:
    """Values that no earlier batch had."""
    new = _unknown(pair)
    share, usual = sum(new.values()), _usually_new(pair)
    if len(pair.before) < 2 or share < max(MANY, BEYOND * usual):
        return None
    first = next(iter(new))
    sentence = (
        f"has values in {100 * share:.0f}% of rows that {batches(len(pair.before))} had not, "
        f"most often {first!r}; it was at most {100 * usual:.0f}%"
    )
    return compared.finding(
        "new-values", "warn", pair.column, sentence, count=round(share * pair.rows), examples=list(new)
    )


def _gone(compared: Compared, pair: Pair) -> Finding | None:
    """A value that a good share of every earlier batch's rows had, and that no row has."""
    before = [shares(each) for each in pair.before]
    now = shares(pair.now)
    least = {value: min(each.get(value, 0.0) for each in before) for value in before[0] if value not in now}
    missed = {value: share for value, share in least.items() if share >= STEADY and share * pair.rows >= EXPECTED}
    if len(before) < 2 or not missed:
        return None
    value, share = max(missed.items(), key=lambda each: (each[1], each[0]))
    sentence = f"is never {value!r}; in each of {batches(len(before))} at least {100 * share:.0f}% of rows were"
    return compared.finding(
        "vanished-value", _level(share), pair.column, sentence, count=round(share * pair.rows), examples=sorted(missed)
    )


def _unknown(pair: Pair) -> dict[str, float]:
    """The values that no earlier batch had, with their shares, the commonest first."""
    known = {value for each in pair.before for value in shares(each)}
    return {value: share for value, share in shares(pair.now).items() if value not in known}


def _usually_new(pair: Pair) -> float:
    """The largest share of rows of an earlier batch with values that none of those before it had."""
    usual, known = 0.0, set(shares(pair.before[0]))
    for each in pair.before[1:]:
        now: Mapping[str, float] = shares(each)
        usual = max(usual, sum(share for value, share in now.items() if value not in known))
        known |= set(now)
    return usual


def _level(share: float) -> Level:
    return "refuse" if share >= WHOLE else "warn"
