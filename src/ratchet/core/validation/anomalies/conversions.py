"""What turns numbers into those of another unit: every pair of units of one kind, a moved decimal point, another sign.

Where the schema names a column's unit, only conversions from that unit come into question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = (
    {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "wk": 604800.0},
    {"mm": 0.001, "cm": 0.01, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "m": 1.0, "km": 1000.0, "mi": 1609.344},
    {"g": 0.001, "oz": 0.028349523125, "lb": 0.45359237, "kg": 1.0, "t": 1000.0},
    {"m/s": 1.0, "km/h": 1 / 3.6, "mi/h": 0.44704, "kn": 1852 / 3600, "ft/s": 0.3048},
    {"Pa": 1.0, "mbar": 100.0, "hPa": 100.0, "mmHg": 133.322387415, "kPa": 1000.0, "inHg": 3386.389, "psi": 6894.757},
    {"ml": 0.001, "l": 1.0, "gal": 3.785411784, "m³": 1000.0},
    {"J": 1.0, "cal": 4.184, "kJ": 1000.0, "kcal": 4184.0, "Wh": 3600.0, "kWh": 3.6e6},
    {"‰": 0.001, "%": 0.01, "1": 1.0},
)
"""Units of one kind, each in the one that has 1.0 (NIST Special Publication 811, appendix B.8)."""
TEMPERATURES = {"K": (1.0, 0.0), "°C": (1.0, 273.15), "°F": (5 / 9, 459.67 * 5 / 9)}
"""Kelvins per degree, and the kelvins of zero degrees."""
SPELLINGS = {
    other: unit
    for unit, others in {
        "s": "sec second seconds",
        "min": "mins minute minutes",
        "h": "hr hrs hour hours",
        "d": "day days",
        "m": "meter meters metre metres",
        "km": "kilometer kilometers kilometre kilometres",
        "mi": "mile miles",
        "ft": "foot feet",
        "in": "inch inches",
        "kg": "kilogram kilograms",
        "g": "gram grams",
        "lb": "lbs pound pounds",
        "m/s": "mps",
        "km/h": "kmh kph km/hr",
        "mi/h": "mph",
        "kn": "kt knot knots",
        "°C": "C degC celsius Celsius",
        "°F": "F degF fahrenheit Fahrenheit",
        "%": "percent pct",
        "l": "L liter liters litre litres",
        "ml": "mL",
        "m³": "m3",
    }.items()
    for other in others.split()
}
"""How units are written, too."""
POWERS = (1, 2, 3, 4, 6)
"""Places that a decimal point moves: what is a hundredth, a thousand, a million."""


@dataclass(frozen=True)
class Conversion:
    """now = factor * old + offset, the rule that names it, and the units if it changes them."""

    rule: str
    factor: float
    offset: float = 0.0
    old: str = ""
    new: str = ""

    def taken_back(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values before the conversion, in the same places."""
        return (values - self.offset) / self.factor

    def words(self, *, named: bool) -> str:
        """What the column looks like: "s, not min" if the schema names its unit."""
        if self.new:
            return (
                f"{self.new}, not {self.old}"
                if named
                else f"{self.factor:g} times itself, as {self.new} for {self.old}"
            )
        if self.factor < 0:
            return "numbers with the sign turned round"
        side = "right" if self.factor > 1 else "left"
        return f"numbers with the decimal point moved to the {side} ({self.factor:g} times)"


def conversions(unit: str) -> tuple[Conversion, ...]:
    """What may have become of a column in `unit`: of one that is not known here no unit; of any, where `unit` is ''."""
    known = (each for each in ALL if not unit or each.old == SPELLINGS.get(unit, unit))
    return (*known, *UNITLESS)


def is_known(unit: str) -> bool:
    """Whether conversions from the unit are known here."""
    return any(each.old == SPELLINGS.get(unit, unit) for each in ALL)


def _all() -> tuple[Conversion, ...]:
    found = [
        Conversion("unit-change", kind[old] / kind[new], 0.0, old, new)
        for kind in KINDS
        for old in kind
        for new in kind
        if kind[old] != kind[new]
    ]
    for old, (scale, zero) in TEMPERATURES.items():
        for new, (other, base) in TEMPERATURES.items():
            if old != new:
                found.append(Conversion("unit-change", scale / other, (zero - base) / other, old, new))
    return tuple(found)


ALL = _all()
UNITLESS = (
    *(Conversion("decimal-shift", 10.0**power) for power in POWERS),
    *(Conversion("decimal-shift", 10.0**-power) for power in POWERS),
    Conversion("sign-flip", -1.0),
)
