"""Every sentence of a study's report, by language. A second one is a file like `english.py` and a line in LANGUAGES;
what it lacks is said in English.
"""

from dataclasses import dataclass
from typing import Any

from bccseg.report.texts.english import ENGLISH
from bccseg.statistics.measures import Measure

LANGUAGES: dict[str, dict[str, str]] = {"en": ENGLISH}


@dataclass(frozen=True)
class Texts:
    """The sentences of one language."""

    language: str = "en"

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with its {values} filled in. Raises KeyError for a key that English lacks."""
        text = LANGUAGES.get(self.language, {}).get(key) or ENGLISH[key]
        return text.format(**values) if values else text

    def count(self, key: str, n: int, **values: Any) -> str:
        """The text of `key`, or of `key.one` where n is 1, with {n}."""
        return self(f"{key}.one" if n == 1 else key, n=f"{n:,}", **values)

    def title(self, measure: Measure) -> str:
        """What a measure is called."""
        return LANGUAGES.get(self.language, {}).get(f"measure.{measure.key}", measure.title)

    def axis(self, measure: Measure) -> str:
        """Title of a measure, with its unit."""
        return f"{self.title(measure)} ({measure.unit})" if measure.unit else self.title(measure)
