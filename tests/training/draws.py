"""A generator of random numbers that says what it is told."""


class Draws:
    """Gives `values` in order, whatever it is asked for, and keeps how it was asked: (method, arguments ...)."""

    def __init__(self, *values):
        self.values, self.asked = list(values), []

    def __getattr__(self, method):
        def draw(*args, **named):
            self.asked.append((method, *args, *named.values()))
            return self.values.pop(0)

        return draw
