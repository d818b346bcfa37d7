"""Comparisons in words: careful ones, because they are what a hurried reader takes along."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bccseg.report.texts import Texts
from bccseg.statistics.compare import LEVEL, Comparison
from bccseg.statistics.concerns import Concern


def number(value: float, digits: int = 3) -> str:
    """Three significant digits, thousands apart, no exponent; "–" where it is not known."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".split("e")[1])  # of the rounded number: 0.9999 is 1.00
    decimals = max(0, min(6, digits - 1 - exponent))
    text = f"{value:,.{decimals}f}"
    return f"−{text[1:]}" if text.startswith("-") else text


def p_words(one: Comparison, tested: int, texts: Texts) -> str:
    """The p value that counts: after Holm where several measures were tested."""
    key, p = ("p.corrected", one.p_corrected) if tested > 1 else ("p.alone", one.p)
    if p < 0.001:
        return texts(f"{key}_small", tested=tested)
    return texts(key, p=p_number(p), tested=tested)


def p_number(p: float) -> str:
    """Three decimals near what is decided, else two."""
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 2 * LEVEL else f"{p:.2f}"


def plus_minus(mean: float, sd: float) -> str:
    """Mean ± standard deviation, both to the second digit of the latter."""
    if not math.isfinite(sd) or sd == 0:
        return number(mean)
    decimals = max(0, min(6, 1 - int(f"{sd:.1e}".split("e")[1])))
    text = f"{mean:,.{decimals}f}" if math.isfinite(mean) else "–"
    return f"{text.replace('-', '−')} ± {sd:,.{decimals}f}"


@dataclass(frozen=True)
class Conclusion:
    """What is found of one measure, and the numbers behind it; `details` may be empty."""

    finding: str
    details: str

    def __str__(self) -> str:
        return f"{self.finding} {self.details}".strip()


def conclusion(one: Comparison, tested: int, texts: Texts) -> Conclusion:
    """One measure in a sentence or two. tested: measures that p values were corrected for."""
    title = texts.title(one.measure)
    empty = next((group.name for group in one.groups if not group.n), None)
    if empty is not None:
        return Conclusion(texts("compare.missing", title=title, group=empty), "")
    if len({(group.mean, group.sd or 0.0) for group in one.groups}) == 1 and not one.tested:
        return Conclusion(texts("compare.same", title=title), "")
    several = len(one.groups) > 2
    key = "compare.several" if several else "compare"
    joint = "_" if several else "."
    state = "untested" if not one.tested else "clear" if one.clear else "unclear"
    words = _several(one) if several else _two(one, texts)
    if one.tested:
        words |= {"test": texts(f"test.{one.test}"), "p": p_words(one, tested, texts)}
    details = f"{key}{joint}details" + ("" if one.tested else "_untested")
    if not several and one.differences[0].value == 0:
        details = "compare.equal"
    return Conclusion(texts(f"{key}{joint}{state}", title=title, **words), texts(details, **words))


def _two(one: Comparison, texts: Texts) -> dict[str, str | int]:
    (a, b), d = one.groups, one.differences[0]
    interval = texts("compare.interval", low=number(d.low), high=number(d.high)) if np.isfinite(d.low) else ""
    return {"a": a.name, "b": b.name, "na": a.n, "nb": b.n, "size": _size(one, texts), "interval": interval}


def _size(one: Comparison, texts: Texts) -> str:
    difference, reference = one.differences[0].value, one.groups[0].mean
    unit = one.measure.unit
    unit = texts("compare.points") if unit.startswith("%") else "" if unit[:1].isdigit() else unit
    value = f"{number(abs(difference))}{' ' if unit else ''}{unit}"
    if one.measure.kind in ("number", "size") and not one.measure.unit.startswith("%") and reference > 0:
        sign = "+" if difference > 0 else "−"
        value += texts("compare.percent", percent=f"{sign}{100 * abs(difference) / reference:.0f}")
    return texts("compare.more" if difference > 0 else "compare.less", value=value)


def _several(one: Comparison) -> dict[str, str | int]:
    low, high = (choose(one.groups, key=lambda group: group.mean) for choose in (min, max))
    return {
        "k": len(one.groups), "top": high.name, "bottom": low.name, "highest": number(high.mean),
        "lowest": number(low.mean), "n": " + ".join(str(group.n) for group in one.groups),
    }  # fmt: skip


def overall(comparisons: Sequence[Comparison], groups: Sequence[str], texts: Texts) -> str:
    """All measures in one sentence."""
    tested = sum(one.tested for one in comparisons)
    names = " / ".join(groups)
    if not tested:
        return texts("overall.untested", groups=names)
    found = [one for one in comparisons if one.clear]
    if not found:
        return texts.count("overall.none", tested, tested=tested, groups=names)
    told = []
    for one in found:
        title = texts.title(one.measure)
        title = title[:1].lower() + title[1:] if not title[1:2].isupper() else title
        highest = max(one.groups, key=lambda group: group.mean).name
        told.append(texts("overall.higher", title=title, group=highest))
    return texts.count("overall.some", len(found), k=len(found), tested=tested, groups=names, list=", ".join(told))


def concern_words(one: Concern, texts: Texts) -> str:
    """A concern in a sentence."""
    shown = {
        name: (p_number(v) if name == "p" else f"{v:.0f}") if isinstance(v, float) else v
        for name, v in one.values.items()
    }
    return texts(f"concern.{one.kind}", **shown)
